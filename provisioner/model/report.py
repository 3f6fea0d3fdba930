"""What happened."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.errors import ProvisionError
    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.plan import Plan, Step, Verb


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
    """`began` is when the step was begun, on the clock of the run (seconds), 0 for one that never was."""

    step: Step
    outcome: Outcome
    seconds: float = 0.0
    error: ProvisionError | None = None
    because: str = ""
    began: float = 0.0


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What became of one image that was built, pulled or pushed by itself. `digest` is the registry's, empty where it
    was not asked.
    """

    address: Address
    reference: str
    verb: Verb
    digest: str = ""
    error: ProvisionError | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """`remaining` is the difference that a second look found after the last step.

    `trouble` is what ended the run outside of its steps, such as an engine that does not answer to the second look.
    `taken_back` are the services whose replacement was taken back, `down` the objects that ran before, and do not run
    after a run that stopped early.
    """

    plan: Plan
    results: tuple[StepResult, ...]
    seconds: float
    remaining: tuple[Change, ...] = ()
    interrupted: bool = False
    trouble: ProvisionError | None = None
    taken_back: tuple[Address, ...] = ()
    down: tuple[Address, ...] = ()

    @property
    def failures(self) -> tuple[StepResult, ...]:
        return tuple(result for result in self.results if result.outcome is Outcome.FAILED)
