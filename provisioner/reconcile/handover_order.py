"""The order in which exclusive things are handed over: who frees one comes before who takes it. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING

from provisioner.kinds.hooks import POST_START
from provisioner.model.operation import RunHook
from provisioner.model.plan import Verb
from provisioner.reconcile.early_release import give_up_early
from provisioner.reconcile.handover import find_handovers
from provisioner.reconcile.namespaces import containers_lived_in
from provisioner.reconcile.together import bound_together

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.plan import Step
    from provisioner.model.state import DesiredState, ObservedState
    from provisioner.reconcile.handover import Handover
    from provisioner.reconcile.together import Together

# What takes an object out of the way, up to its removal.
_RETIREMENT = (Verb.EXECUTE, Verb.STOP, Verb.RENAME, Verb.REMOVE)


def order_handovers(
    steps: Sequence[Step], desired: DesiredState, observed: ObservedState, monitored: Mapping[Address, Iterable[int]]
) -> list[Step]:
    """The steps with the needs that follow from exclusive claims, in an order that respects all needs.

    Nothing is freed before all who wait for it are prepared, and none of those stops before it is free: what has to
    be down is down for as short as can be. Two that exchange what they have stop together. `proven` gives, by service,
    the steps after which it is proven: what a holder was is kept until then, so that it can come back. Needs that would
    lead back to where they come from are left out, those of courtesy before those of order. Nobody is down until
    another is proven: what that one was gives up its name while it runs, and the rest before its successor is proven.
    """
    given_up: set[tuple[str, Verb]] = set()
    hosts = containers_lived_in(observed)
    while True:
        pairs = find_handovers(steps, desired, observed)
        if not pairs and not hosts:
            return list(steps)
        ordering = _Ordering(
            steps, pairs, monitored, bound_together(desired, observed, steps, pairs), given_up, hosts
        )  # fmt: skip
        ordered = ordering.run()
        early = {key: pair for key, pair in ordering.in_the_way().items() if key not in given_up}
        if not early:
            return ordered
        given_up |= early.keys()
        for pair in early.values():
            steps = give_up_early(steps, pair, observed)


class _Ordering:
    def __init__(
        self,
        steps: Sequence[Step],
        pairs: Sequence[Handover],
        monitored: Mapping[Address, Iterable[int]],
        together: Together,
        given_up: Collection[tuple[str, Verb]],
        hosts: Mapping[str, Collection[str]],
    ) -> None:
        self._steps = {step.id: step for step in steps}
        self._pairs = [pair for pair in pairs if not pair.passing]
        self._passing = [pair for pair in pairs if pair.passing]
        self._proven = monitored
        self._together = together
        # What containers give up early: their name while they run, all else before their successor is proven.
        self._given_up = given_up
        self._hosts = hosts
        self._needs = {step.id: set(step.needs) for step in steps}
        self._after = {step.id: set(step.after) for step in steps}
        self._exchanges = _exchanges(self._pairs)
        starts = {s.address: s.id for s in steps if s.verb is Verb.START and s.made_by is not None}
        self._replaced = [
            (s.id, starts[s.address]) for s in steps
            if s.verb is Verb.STOP and s.made_by is None and s.address in starts
        ]  # fmt: skip

    def run(self) -> list[Step]:
        commits = {pair: self._commit(pair) for pair in self._pairs}
        gates = {pair: self._gate(pair, commits[pair]) for pair in self._pairs}
        for pair in self._pairs:
            self._require(pair)
        for pair in self._passing:
            self._add(pair.takes, pair.frees)
        for pair in self._pairs:
            taker, holder = commits[pair]
            mutual = (pair.taker, pair.holder) in self._exchanges
            if taker != pair.takes and not (mutual and not self._proofs(pair)):
                self._add(taker, pair.frees)
            for gate in gates[pair]:
                self._add(holder, gate)
            # Who waits for two is without either until both are free: neither stops before the other could.
            for other in self._pairs:
                if other.taker == pair.taker and other.holder != pair.holder:
                    for need in self._needs[commits[other][1]]:
                        self._add(holder, need)
            for join in pair.joins:
                self._add(join, pair.takes)
        self._spare_guests()
        self._keep()
        return self._sorted()

    def in_the_way(self) -> dict[tuple[str, Verb], Handover]:
        """Those for which, once it `run`, one is stopped, and can not start before another is proven.

        By the container that is to give something up, and how: a name that is on that way, by what runs, or else what
        the one that is being proven has.
        """
        handovers: dict[tuple[str, Verb], Handover] = {}
        for pair in self._pairs:
            before = {pair.frees, *self._ancestors(pair.frees)}
            proofs = [self._ancestors(proof) for proof in self._proofs(pair)]
            for stop, start in self._replaced if proofs else ():
                waits = pair.takes in {start, *self._ancestors(start)}
                if not waits or not any(stop in proof for proof in proofs):
                    continue
                names = [
                    other for other in self._pairs
                    if other.named and other.frees in before and stop in {other.frees, *self._ancestors(other.frees)}
                    and (self._steps[other.frees].object_id, Verb.RENAME) not in self._given_up
                ]  # fmt: skip
                for handover in names or [pair]:
                    frees = self._steps[handover.frees]
                    if handover.named or frees.verb is Verb.STOP:
                        handovers[frees.object_id, Verb.RENAME if handover.named else Verb.STOP] = handover
        return handovers

    def _proofs(self, pair: Handover) -> list[int]:
        """The waits for the holder's successor that it keeps something for."""
        before = (self._steps[ancestor] for ancestor in self._ancestors(pair.frees))
        return [
            step.id for step in before
            if step.verb is Verb.WAIT and step.made_by is not None and step.address == pair.holder
        ]  # fmt: skip

    def _commit(self, pair: Handover) -> tuple[int, int]:
        """The steps with which the taker's own old container, and the holder, begin to go."""
        takes, frees = self._steps[pair.takes], self._steps[pair.frees]
        before = self._ancestors(pair.takes)
        old = [
            self._steps[i] for i in before
            if self._steps[i].verb is Verb.STOP and self._steps[i].address == takes.address
            and self._steps[i].object_id and self._steps[i].object_id != takes.object_id
        ]  # fmt: skip
        first = self._beginning(min(old, key=lambda step: step.id)) if old else takes.id
        return first, self._beginning(frees)

    def _beginning(self, end: Step) -> int:
        """The first step of an object's retirement that leads to this one."""
        before = self._ancestors(end.id)
        chain = [
            i for i in before
            if self._steps[i].object_id == end.object_id and self._steps[i].verb in _RETIREMENT
            and not _is_post_start(self._steps[i])
            and not (self._steps[i].verb is Verb.RENAME and (end.object_id, Verb.RENAME) in self._given_up)
        ]  # fmt: skip
        return min(chain, default=end.id)

    def _gate(self, pair: Handover, commits: tuple[int, int]) -> set[int]:
        """What the taker waits for anyway, before it lets its own old container go, or else starts."""
        if commits[0] != pair.takes:
            return set(self._needs[commits[0]])
        takes = self._steps[pair.takes]
        if takes.kind == "service":
            return set(self._needs[takes.id])
        own = {
            i for i, step in self._steps.items()
            if step.address == takes.address and step.verb in (Verb.RENAME, Verb.START, Verb.CONNECT)
            and (step.made_by, step.object_id) == (takes.made_by or (takes.id if takes.verb is Verb.CREATE else None),
                                                   takes.object_id)
        }  # fmt: skip
        later = {need for i in own if i == pair.takes or pair.takes in self._ancestors(i) for need in self._needs[i]}
        return {need for need in later - own if pair.takes not in self._ancestors(need) and need != pair.takes}

    def _require(self, pair: Handover) -> None:
        """Make the taker wait. What the holder's retirement waits for is given up where it waits for the taker.

        The steps of the retirement itself stay in their order.
        """
        if not pair.soft and pair.takes in self._ancestors(pair.frees):
            end = self._steps[pair.frees]
            before = {i for i in self._ancestors(pair.frees) if self._steps[i].object_id == end.object_id}
            chain = [*sorted(before), end.id]
            for earlier, later in pairwise(chain):
                self._add(later, earlier)
            waiting: dict[int, set[int]] = {}
            given_up: set[int] = set()
            for step in chain:
                needs = {*self._needs[step], *self._after[step]}.difference(chain)
                given_up |= {
                    step_id for step_id in needs if step_id == pair.takes or pair.takes in self._ancestors(step_id)
                }
                waiting[step] = set(given_up)
            for step in chain:
                self._needs[step] -= given_up
                self._after[step] -= given_up
            # Whoever else waited for them through one of these goes on doing so, but not who only waits to take.
            for other in self._steps.values():
                if other.id not in chain:
                    for need in set().union(*(waiting[step_id] for step_id in other.needs if step_id in waiting)):
                        self._add(other.id, need)
        self._add(pair.takes, pair.frees)

    def _spare_guests(self) -> None:
        """Nobody stops under those that live in it, but where they are to begin again in what takes its place."""
        stops = {s.object_id: s.id for s in self._steps.values() if s.verb is Verb.STOP and s.object_id}
        for guest, hosts in self._hosts.items():
            for host in hosts if guest in stops else ():
                if host in stops:
                    self._add(stops[host], stops[guest])

    def _keep(self) -> None:
        """What was replaced or freed something, stopped or aside, is removed only when all are proven that would need
        it to come back: who got what it had, who lived in it, and whoever goes back together with those. What never
        comes back waits for nobody, and its replacement not for their proof.
        """
        frees = {pair.frees for pair in self._pairs}
        freed = {self._steps[step].object_id for step in frees}
        lived_in = {host.other for hosts in self._together.hosts.values() for host in hosts}
        for step in self._steps.values():
            if step.verb is not Verb.REMOVE or step.kind != "container" or step.id in frees or not step.object_id:
                continue
            own = self._ancestors(step.id).intersection(self._proven.get(step.address.whole, ()))
            service = step.address.whole
            if service in self._together.returning and (own or step.object_id in freed or service in lived_in):
                for leader in sorted(self._together.leaders(service)):
                    for end in self._proven.get(leader, ()):
                        self._add(step.id, end)

    def _add(self, step: int, need: int) -> None:
        """One more need, unless it would lead back."""
        if step != need and step not in self._ancestors(need):
            self._needs[step].add(need)

    def _ancestors(self, step: int) -> set[int]:
        """Every step that ends before this one begins."""
        ancestors: set[int] = set()
        pending = [step]
        while pending:
            earlier = pending.pop()
            before = (self._needs[earlier] | self._after[earlier]) - ancestors
            ancestors |= before
            pending += before
        return ancestors

    def _sorted(self) -> list[Step]:
        waiting = {i: self._needs[i] | self._after[i] for i in self._steps}
        users: dict[int, list[int]] = defaultdict(list)
        for step, needs in waiting.items():
            for need in needs:
                users[need].append(step)
        ready = [step for step, needs in waiting.items() if not needs]
        heapify(ready)
        ordered: list[Step] = []
        while ready:
            first = heappop(ready)
            after = tuple(sorted(self._after[first] - self._needs[first]))
            ordered.append(replace(self._steps[first], needs=tuple(sorted(self._needs[first])), after=after))
            for user in users[first]:
                waiting[user] = waiting[user] - {first}
                if not waiting[user]:
                    heappush(ready, user)
        return ordered


def _is_post_start(step: Step) -> bool:
    return isinstance(step.operation, RunHook) and step.operation.section == POST_START


def _exchanges(pairs: Sequence[Handover]) -> set[tuple[Address, Address]]:
    """Those of which each waits, straight or through others, for what the other has."""
    gets: dict[Address, set[Address]] = defaultdict(set)
    for pair in pairs:
        gets[pair.taker].add(pair.holder)

    def reached(start: Address) -> set[Address]:
        reachable: set[Address] = set()
        pending = [start]
        while pending:
            more = gets.get(pending.pop(), set()) - reachable
            reachable |= more
            pending += more
        return reachable

    from_ = {address: reached(address) for address in list(gets)}
    return {(pair.taker, pair.holder) for pair in pairs if pair.taker in from_.get(pair.holder, set())}
