"""Which services go back together, or can not: who lives in whose namespaces, and who got what another had. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Verb
from provisioner.reconcile.namespaces import lives_in
from provisioner.reconcile.update_policy import rolls_back

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from provisioner.model.address import Address
    from provisioner.model.plan import Step
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource
    from provisioner.reconcile.handover import Handover

# What takes from a container what it has.
TAKES = (Verb.STOP, Verb.DISCONNECT, Verb.REMOVE)


@dataclass(frozen=True, slots=True)
class Bond:
    """Once any of `steps` is made, a service can go back only if `other` does so too."""

    other: Address
    steps: frozenset[int]


@dataclass(frozen=True, slots=True)
class Together:
    """`follow` gives, by service, those that go back if it does, `lead` is the same the other way round.

    It lives in them, or did so; they are to live in it; or one of the two hands something to the other. `bonds` gives
    those of them without which it can not go back: who got what it had, and who lives in it now; `hosts` what it lived
    in. `returning` are those that their policy lets go back, and what is no longer declared; `existing` are those that
    have containers.
    """

    steps: Sequence[Step] = ()
    follow: dict[Address, set[Address]] = field(default_factory=lambda: defaultdict(set))
    lead: dict[Address, set[Address]] = field(default_factory=lambda: defaultdict(set))
    bonds: dict[Address, list[Bond]] = field(default_factory=lambda: defaultdict(list))
    hosts: dict[Address, list[Bond]] = field(default_factory=lambda: defaultdict(list))
    returning: set[Address] = field(default_factory=set)
    existing: set[Address] = field(default_factory=set)

    def add(self, service: Address, follower: Address) -> None:
        self.follow[service].add(follower)
        self.lead[follower].add(service)

    def leaders(self, service: Address) -> set[Address]:
        """All services with which one would have to go back, straight or through others, and itself."""
        leaders, pending = {service}, [service]
        while pending:
            more = self.lead.get(pending.pop(), set()) - leaders
            leaders |= more
            pending += more
        return leaders

    def able(self, made: Collection[int]) -> set[Address]:
        """The services that can go back once the steps `made` are: they are kept for it, or nothing is removed yet, and
        the same is so of all whom they need.
        """
        able = self.returning | {address for address in self.existing if not self._was(made, address, Verb.REMOVE)}
        while kept := {
            address for address in able if any(self._holds(bond, able, made) for bond in self._bonds(address))
        }:
            able -= kept
        return able

    def going_back(self, unproven: Collection[Address], made: Collection[int]) -> set[Address]:
        """Of the services that are not proven, those that go back once the steps `made` are, and those that do so with
        them.

        What is not to go back does so where it would be down: it was stopped and has no successor, lost its host, or
        left a network and joined it no more.
        What still lives in a host that goes back begins anew there, and what lives in that again.
        """
        able = self.able(made)
        going_back = {
            address
            for address in able.intersection(unproven)
            if address in self.returning or self._is_down(address, made)
        }
        more = going_back
        while more:
            followers = {address for service in going_back for address in self.follow.get(service, set()) & able}
            more = (followers | self._begin_anew(going_back, made)) - going_back
            going_back |= more
        return going_back

    def _begin_anew(self, going_back: Collection[Address], made: Collection[int]) -> set[Address]:
        """The services that still live in one of those that go back, and were stopped: straight or through others."""
        stopped = {address for address in going_back if self._was(made, address, Verb.STOP, Verb.REMOVE)}
        guests: set[Address] = set()
        while more := {
            address for address, hosts in self.hosts.items()
            if not self._was(made, address, Verb.STOP, Verb.REMOVE) and any(h.other in stopped | guests for h in hosts)
        } - guests:  # fmt: skip
            guests |= more
        return guests

    def _is_down(self, service: Address, made: Collection[int]) -> bool:
        lost = any(not bond.steps.isdisjoint(made) for bond in self.hosts.get(service, ()))
        stopped = self._was(made, service, Verb.STOP)
        left, joined = (len(_of(self.steps, service, verb) & set(made)) for verb in (Verb.DISCONNECT, Verb.CONNECT))
        return (lost or stopped or left > joined) and not self._was(made, service, Verb.START)

    def _was(self, made: Collection[int], service: Address, *verbs: Verb) -> bool:
        return not _of(self.steps, service, *verbs).isdisjoint(made)

    def _bonds(self, service: Address) -> list[Bond]:
        return [*self.bonds.get(service, ()), *self.hosts.get(service, ())]

    def _holds(self, bond: Bond, able: Collection[Address], made: Collection[int]) -> bool:
        return bond.other not in able and not bond.steps.isdisjoint(made)


def bound_together(
    desired: DesiredState, observed: ObservedState, steps: Sequence[Step] = (), pairs: Iterable[Handover] = ()
) -> Together:
    """What follows from the namespaces as they are declared and as they were, and from the `steps` of a plan and its
    handovers.
    """
    together = Together(steps)
    declared = {a.whole: r for a, r in desired.resources.items() if r.kind == "container"}
    together.existing.update(a.whole for a, seen in observed.resources.items() if seen.kind == "container")
    together.returning.update(
        address
        for address in {*declared, *together.existing}
        if address not in declared or rolls_back(declared[address])
    )
    for pair in pairs:
        if not pair.passing:
            together.add(pair.taker.whole, pair.holder.whole)
            together.add(pair.holder.whole, pair.taker.whole)
            together.bonds[pair.holder.whole].append(Bond(pair.taker.whole, frozenset((pair.takes,))))
    for guest, host in _living(desired.resources.values()):
        together.add(guest, host)
        together.add(host, guest)
        together.bonds[host].append(Bond(guest, _of(steps, guest, Verb.START)))
    for guest, host in _living(observed.resources.values()):
        together.add(guest, host)
        together.hosts[guest].append(Bond(host, _of(steps, host, Verb.STOP, Verb.REMOVE)))
    return together


def _of(steps: Sequence[Step], service: Address, *verbs: Verb) -> frozenset[int]:
    """The steps on containers of a service that are called so; of those that take, on what was there before."""
    return frozenset(
        step.id for step in steps
        if step.address.whole == service and step.kind == "container" and step.verb in verbs
        and (step.verb not in TAKES or step.made_by is None)
    )  # fmt: skip


def _living(containers: Iterable[Resource | Observed]) -> Iterator[tuple[Address, Address]]:
    """The services that live in others, each with the one it lives in."""
    by_address = {container.address: container for container in containers if container.kind == "container"}
    services = {address.name: address.whole for address in by_address}
    for address, resource in by_address.items():
        yield from ((address.whole, services[name]) for name in sorted(lives_in(resource) & services.keys()))
