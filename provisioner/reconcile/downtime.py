"""What a run that stopped early left out of service. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.model.address import Address
    from provisioner.model.plan import Plan
    from provisioner.model.state import Observed, ObservedState

_RUNNING = ("running", "restarting")


def out_of_service(plan: Plan, now: ObservedState) -> tuple[Address, ...]:
    """The addresses whose container ran when the plan was made, is still declared, and does not run `now`."""
    return tuple(
        address
        for address, before in sorted(plan.observed.resources.items())
        if address in plan.desired.resources and not plan.desired.resources[address].job
        if _runs(before) and not _runs(now.resources.get(address))
    )


def _runs(one: Observed | None) -> bool:
    return one is not None and one.kind == "container" and one.runtime is not None and one.runtime.status in _RUNNING
