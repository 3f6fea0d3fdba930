"""An error for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import NotConverged, PlaybookInvalid, StepFailed
from provisioner.render.plan_json import problem_json

if TYPE_CHECKING:
    from provisioner.errors import ProvisionError
    from provisioner.model.node import JSON


def error_json(error: ProvisionError) -> dict[str, JSON]:
    """The error as plain values; `exit_code` is what the command ends with."""
    shown: dict[str, JSON] = {
        "kind": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }
    if isinstance(error, PlaybookInvalid):
        shown["problems"] = [problem_json(problem) for problem in error.problems]
    if isinstance(error, StepFailed | NotConverged):
        shown["evidence"] = list(error.evidence)
    return shown
