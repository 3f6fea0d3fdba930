"""What a command that does not ask may not do: throw data away. `up`, `run` and their like refuse, and name `apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import Unsafe
from provisioner.model.change import Action, Impact

if TYPE_CHECKING:
    from provisioner.model.change import Change
    from provisioner.model.plan import Plan


def without_losses(plan: Plan) -> bool:
    """Whether to go on; Unsafe, naming each object, where a volume would be emptied or deleted."""
    lost = [change for change in plan.changes if _loses_data(change)]
    if not lost:
        return True
    names = ", ".join(f"{change.address} ({change.reason})" for change in lost)
    raise Unsafe(
        f"this would delete data without a question: {names}",
        hint="look at it with provision plan; provision apply shows it and asks",
    )


def _loses_data(change: Change) -> bool:
    if (
        any(difference.impact is Impact.DATA_LOSS for difference in change.differences)
        and change.action is not Action.UNCHANGED
    ):
        return True
    return change.address.kind == "volume" and change.action in (Action.REPLACE, Action.DELETE)
