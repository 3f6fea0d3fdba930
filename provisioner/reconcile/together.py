"""Which services go back together: who lives in another's namespaces, and who got what another had. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioner.reconcile.namespaces import lives_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.model.address import Address
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource
    from provisioner.reconcile.handover import Handover


@dataclass(frozen=True, slots=True)
class Together:
    """`follow` gives, by service, those that go back if it does: it lives in them, or did so, or one of the two hands
    something to the other. `lead` is the same the other way round.
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
    everything: list[Resource | Observed] = [*desired.resources.values(), *observed.resources.values()]
    hosts = {one.address.name: one.address.whole for one in everything if one.kind == "container"}
    for one in everything:
        for name in lives_in(one) & hosts.keys() if one.kind == "container" else ():
            together.add(one.address.whole, hosts[name])
    return together
