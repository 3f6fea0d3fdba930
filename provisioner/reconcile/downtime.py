"""What a run that stopped early left out of service, and for how long it was. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.plan import Verb
from provisioner.model.report import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address
    from provisioner.model.plan import Plan
    from provisioner.model.report import StepResult
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


def _runs(seen: Observed | None) -> bool:
    return (
        seen is not None and seen.kind == "container" and seen.runtime is not None and seen.runtime.status in _RUNNING
    )


def out_for(address: Address, forth: Sequence[StepResult], back: Sequence[StepResult]) -> float | None:
    """For how long (seconds) a replica served nothing, whose replacement failed (`forth`) and was taken back (`back`).

    From the beginning of its stop until it was ready again; 0 where it was never stopped, None where it did not come
    back by these steps. Both runs are on one clock.
    """
    mine = [result for result in forth if result.step.address == address and result.outcome is Outcome.DONE]
    stops = [result.began for result in mine if result.step.verb is Verb.STOP]
    if not stops:
        return 0.0 if any(result.step.verb is Verb.START for result in mine) else None
    again = [
        result.began + result.seconds
        for result in back
        if result.step.address == address
        and result.outcome is Outcome.DONE
        and result.step.verb in (Verb.START, Verb.WAIT)
    ]
    return max(again) - min(stops) if again else None
