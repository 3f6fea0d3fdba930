"""Exclusive things are handed over: whoever frees one comes before whoever takes it. Pure.

Works on the steps of any plan: which of them take and free what follows from the objects that they act on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING

from provisioner.kinds.container_initial import initial_name
from provisioner.kinds.hooks import POST_START
from provisioner.model.operation import (
    Connect,
    Create,
    CreateContainer,
    CreatePreStart,
    CreateService,
    Disconnect,
    Remove,
    Rename,
    RunHook,
    Start,
    Stop,
    UpdateService,
    stage_of,
)
from provisioner.model.plan import Verb
from provisioner.reconcile.claims import (
    UP,
    Claim,
    ClaimKind,
    claims_of_network,
    claims_of_running,
    claims_of_service,
    name_claim,
    network_names,
    own_holders,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.plan import Step
    from provisioner.model.state import DesiredState, Observed, ObservedState, Spec

_HOLDERS = ("container", "network", "service")
# Held by what runs, and free once that is stopped.
_OF_RUNNING = (ClaimKind.PORT, ClaimKind.ADDRESS, ClaimKind.MAC, ClaimKind.VOLUME)
# What takes an object out of the way, up to its removal.
_RETIREMENT = (Verb.EXECUTE, Verb.STOP, Verb.RENAME, Verb.REMOVE)
# Two may have these at once if there is no other way.
_SHARED = (ClaimKind.VOLUME, ClaimKind.MAC)


@dataclass(frozen=True, slots=True)
class Handover:
    """`taker` gets something that `holder` has: the step `takes` can be done after the step `frees`.

    `joins` are the holder's own steps with which an engine gives it any free address again, maybe the one handed over.
    `passing` is one of a name that the holder has only for a while, while the plan is carried out: which of two has it
    first does not matter. `soft` is one of what both may have at once, if there is no other way.
    """

    taker: Address
    holder: Address
    takes: int
    frees: int
    joins: tuple[int, ...] = ()
    passing: bool = False
    soft: bool = False


def find_handovers(steps: Sequence[Step], desired: DesiredState, observed: ObservedState) -> list[Handover]:
    """Every pair of steps of which one frees what the other takes, in their order. None within one object's recipe."""
    return _Claims(desired, observed).pairs(steps)


def order_handovers(
    steps: Sequence[Step], desired: DesiredState, observed: ObservedState, proven: Mapping[Address, Iterable[int]]
) -> list[Step]:
    """The steps with the needs that follow from exclusive claims, in an order that respects all needs.

    Nothing is freed before all who wait for it are prepared, and none of those stops before it is free: what has to
    be down is down for as short as can be. Two that exchange what they have stop together. `proven` gives, by service,
    the steps after which it is proven: what a holder was is kept until then, so that it can come back. Needs that would
    lead back to where they come from are left out, those of courtesy before those of order.
    """
    pairs = find_handovers(steps, desired, observed)
    return _Ordering(steps, pairs, proven).run() if pairs else list(steps)


# Which steps take and free what --------------------------------------------------------------------------------------


@dataclass
class _Claims:
    desired: DesiredState
    observed: ObservedState
    networks: dict[str, str] = field(init=False)
    objects: dict[str, Observed] = field(init=False)
    held: dict[str, set[Claim]] = field(init=False)
    writers: dict[Claim, tuple[set[Address], set[Address]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.networks = network_names(self.desired, self.observed)
        everything = (*self.observed.resources.values(), *self.observed.leftovers)
        self.objects = {one.id: one for one in everything if one.kind in _HOLDERS}
        self.held = {one.id: set(one.claims) for one in own_holders(self.observed, self.networks)}

    def pairs(self, steps: Sequence[Step]) -> list[Handover]:
        freed: dict[tuple[str, ...], list[tuple[Claim, Step, bool]]] = defaultdict(list)
        left = {identity: set(claims) for identity, claims in self.held.items()}
        for step in steps:
            for claim in sorted(self._frees(step, left.get(step.object_id, set())), key=str):
                left[step.object_id].discard(claim)
                for mark in claim.marks():
                    freed[mark].append((claim, step, claim not in self.held[step.object_id]))
            if isinstance(step.operation, Rename) and step.object_id in left:
                left[step.object_id].add(name_claim(step.operation.name))
        if not freed:
            return []
        made = {step.id: step for step in steps if step.verb is Verb.CREATE}
        by_id = {step.id: step for step in steps}
        found: dict[tuple[bool, int, int], set[Claim]] = defaultdict(set)
        for step in steps:
            for claim in self._takes(step, made):
                for mark in claim.marks():
                    for other, frees, passing in freed.get(mark, ()):
                        if claim.overlaps(other) and self._is_handed(claim, step, frees):
                            found[passing, step.id, frees.id].add(claim)
        return [
            Handover(
                by_id[takes].address, by_id[frees].address, takes, frees, self._joins(steps, by_id[frees], claims),
                passing=passing, soft=all(claim.kind in _SHARED for claim in claims),
            )
            for (passing, takes, frees), claims in sorted(found.items(), key=lambda item: item[0])
        ]  # fmt: skip

    def _joins(self, steps: Sequence[Step], frees: Step, claims: Collection[Claim]) -> tuple[int, ...]:
        """The steps that let the holder join a network anew, on which an address of it passes to another."""
        scopes = {claim.scope for claim in claims if claim.kind is ClaimKind.ADDRESS}
        wanted = self.desired.resources.get(frees.address)
        if not scopes or wanted is None:
            return ()
        free = {
            key for key, entry in wanted.spec["networks"].items()
            if self._network(key) in scopes and not (entry.get("ipv4_address") or entry.get("ipv6_address"))
        }  # fmt: skip
        return tuple(
            step.id for step in steps
            if step.address == frees.address and step.kind == "container" and free
            and (
                isinstance(step.operation, Start)
                or (isinstance(step.operation, Connect) and step.operation.network in free
                    and step.object_id == frees.object_id)
            )
        )  # fmt: skip

    def _frees(self, step: Step, held: Collection[Claim]) -> set[Claim]:
        """What an object has no more after a step; each is freed by the first step that does so."""
        if step.object_id not in self.objects or step.kind not in _HOLDERS:
            return set()
        match step.operation:
            case UpdateService():
                return set(held) - set(claims_of_service(self._published(step)))
            case Stop():
                return {claim for claim in held if claim.kind in _OF_RUNNING}
            case Remove():
                return set(held)
            case Rename():
                return {claim for claim in held if claim.kind is ClaimKind.NAME}
            case Disconnect(network=key):
                scope = self._network(key)
                return {c for c in held if c.kind in (ClaimKind.ADDRESS, ClaimKind.MAC) and c.scope == scope}
            case _:
                return set()

    def _takes(self, step: Step, made: Mapping[int, Step]) -> Iterator[Claim]:
        maker = made.get(step.made_by or 0)
        if maker is not None and isinstance(maker.operation, CreatePreStart):
            return
        match step.operation:
            case CreatePreStart(number=number):
                yield name_claim(initial_name(self.desired.resources[step.address].name, number))
            case Create(kind="network"):
                wanted = self.desired.resources[step.address]
                yield from claims_of_network(wanted.name, wanted.spec)
            case CreateService() | UpdateService():
                yield from claims_of_service(self._published(step))
            case CreateContainer(name=name) | Rename(name=name):
                yield name_claim(name)
            case Start():
                yield from self._running(step)
            case Connect(network=key) if self._runs(step.object_id):
                scope = self._network(key)
                yield from (c for c in self._running(step) if c.scope == scope and c.kind is not ClaimKind.PORT)

    def _published(self, step: Step) -> Spec:
        """The spec of a service with the ports that it has after a step, which need not be all that are declared."""
        spec = self.desired.resources[step.address].spec
        stage = stage_of(step.operation)
        return {**spec, "ports": stage.ports} if stage is not None else spec

    def _running(self, step: Step) -> Iterator[Claim]:
        """What a container has once it runs. A volume is taken only by one that did not write to it before."""
        wanted = self.desired.resources.get(step.address)
        found = self.objects.get(step.object_id)
        spec = wanted.spec if wanted is not None else found.spec if found is not None else None
        if spec is not None:
            yield from claims_of_running(spec, self.networks)

    def _runs(self, identity: str) -> bool:
        found = self.objects.get(identity)
        return found is not None and found.runtime is not None and found.runtime.status in UP

    def _network(self, key: str) -> str:
        return self.networks.get(key, key)

    def _is_handed(self, claim: Claim, takes: Step, frees: Step) -> bool:
        """Whether it passes from one to another. What shares a volume with others, before or after, hands nothing."""
        if takes.id == frees.id or (takes.object_id and takes.object_id == frees.object_id):
            return False
        same = takes.address.whole == frees.address.whole
        if claim.kind is ClaimKind.VOLUME:
            return not same and self._writers(claim) == ({frees.address.whole}, {takes.address.whole})
        # Of a range each replica takes a free one; an object's own recipe says when the one before it goes.
        return takes.address != frees.address and not (same and claim.is_range)

    def _writers(self, claim: Claim) -> tuple[set[Address], set[Address]]:
        """The services that write to a volume, now and as is declared."""
        if claim not in self.writers:
            now = {self.objects[i].address.whole for i, held in self.held.items() if claim in held}
            wanted = {
                one.address.whole
                for one in self.desired.resources.values()
                if one.kind == "container" and claim in claims_of_running(one.spec, self.networks)
            }
            self.writers[claim] = now, wanted
        return self.writers[claim]


# Their order --------------------------------------------------------------------------------------------------------


class _Ordering:
    def __init__(
        self, steps: Sequence[Step], pairs: Sequence[Handover], proven: Mapping[Address, Iterable[int]]
    ) -> None:
        self._steps = {step.id: step for step in steps}
        self._pairs = [pair for pair in pairs if not pair.passing]
        self._passing = [pair for pair in pairs if pair.passing]
        self._proven = proven
        self._needs = {step.id: set(step.needs) for step in steps}
        self._after = {step.id: set(step.after) for step in steps}
        self._exchanges = _exchanges(self._pairs)

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
            if taker != pair.takes and not mutual:
                self._add(taker, pair.frees)
            for gate in gates[pair]:
                self._add(holder, gate)
            for join in pair.joins:
                self._add(join, pair.takes)
        for pair in self._pairs:
            self._keep(pair)
        return self._sorted()

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
            for step in chain:
                for edges in (self._needs[step], self._after[step]):
                    edges -= {
                        need for need in edges.difference(chain)
                        if need == pair.takes or pair.takes in self._ancestors(need)
                    }  # fmt: skip
        self._add(pair.takes, pair.frees)

    def _keep(self, pair: Handover) -> None:
        """What freed it, stopped or aside, is removed only when the taker is proven."""
        freed = self._steps[pair.frees]
        for step in self._steps.values():
            same = step.object_id == freed.object_id and step.verb is Verb.REMOVE and step.kind == "container"
            for end in self._proven.get(pair.taker.whole, ()) if same and step.id != freed.id else ():
                self._add(step.id, end)

    def _add(self, step: int, need: int) -> None:
        """One more need, unless it would lead back."""
        if step != need and step not in self._ancestors(need):
            self._needs[step].add(need)

    def _ancestors(self, step: int) -> set[int]:
        """Every step that ends before this one begins."""
        found: set[int] = set()
        pending = [step]
        while pending:
            one = pending.pop()
            before = (self._needs[one] | self._after[one]) - found
            found |= before
            pending += before
        return found

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
        found: set[Address] = set()
        pending = [start]
        while pending:
            more = gets.get(pending.pop(), set()) - found
            found |= more
            pending += more
        return found

    from_ = {address: reached(address) for address in list(gets)}
    return {(pair.taker, pair.holder) for pair in pairs if pair.taker in from_.get(pair.holder, set())}
