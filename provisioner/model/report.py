"""What happened."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.errors import ProvisionError
    from provisioner.model.change import Change
    from provisioner.model.plan import Plan, Step


class Outcome(StrEnum):
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a wait is over, whether it ended well, and what to say meanwhile."""

    done: bool
    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class StepResult:
    step: Step
    outcome: Outcome
    seconds: float = 0.0
    error: ProvisionError | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`remaining` is the difference that a second look found after the last step."""

    plan: Plan
    results: tuple[StepResult, ...]
    seconds: float
    remaining: tuple[Change, ...] = ()
    interrupted: bool = False

    @property
    def failures(self) -> tuple[StepResult, ...]:
        return tuple(result for result in self.results if result.outcome is Outcome.FAILED)
