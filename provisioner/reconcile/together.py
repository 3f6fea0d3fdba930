"""Which services go back together: who lives in another's namespaces, and who got what another had. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioner.reconcile.namespaces import lives_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provisioner.model.address import Address
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource
    from provisioner.reconcile.handover import Handover


@dataclass(frozen=True, slots=True)
class Together:
    """`follow` gives, by service, those that go back if it does, `lead` is the same the other way round.

    It lives in them, or did so; they are to live in it; or one of the two hands something to the other.
    """

    follow: dict[Address, set[Address]] = field(default_factory=lambda: defaultdict(set))
    lead: dict[Address, set[Address]] = field(default_factory=lambda: defaultdict(set))

    def add(self, service: Address, follower: Address) -> None:
        self.follow[service].add(follower)
        self.lead[follower].add(service)

    def leaders(self, service: Address) -> set[Address]:
        """All services with which one would have to go back, straight or through others, and itself."""
        found, pending = {service}, [service]
        while pending:
            more = self.lead.get(pending.pop(), set()) - found
            found |= more
            pending += more
        return found


def bound_together(pairs: Iterable[Handover], desired: DesiredState, observed: ObservedState) -> Together:
    """What follows from the handovers of a plan, and from the namespaces as they are declared and as they were."""
    together = Together()
    for pair in pairs:
        if not pair.passing:
            together.add(pair.taker.whole, pair.holder.whole)
            together.add(pair.holder.whole, pair.taker.whole)
    for guest, host in _living(desired.resources.values()):
        together.add(guest, host)
        together.add(host, guest)
    for guest, host in _living(observed.resources.values()):
        together.add(guest, host)
    return together


def _living(containers: Iterable[Resource | Observed]) -> Iterator[tuple[Address, Address]]:
    """The services that live in others, each with the one it lives in."""
    there = {one.address: one for one in containers if one.kind == "container"}
    services = {address.name: address.whole for address in there}
    for address, one in there.items():
        yield from ((address.whole, services[name]) for name in sorted(lives_in(one) & services.keys()))
