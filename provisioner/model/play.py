"""Several environments under one name: what is planned for each play of a list, and what became of it."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.errors import ProvisionError
    from provisioner.model.plan import Plan
    from provisioner.model.report import Report
    from provisioner.model.verification import CheckResult

PlayState = Literal["done", "failed", "interrupted", "not_started"]


@dataclass(frozen=True, slots=True)
class PlayPlan:
    """What is planned for one play; `name` is the play's, the plan's title that of its environment."""

    name: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class PlayResult:
    """What became of one play. `error` is why it ended where no report tells; `because` why it was not started.

    `seconds` count everything from its start to the end of its checks.
    """

    name: str
    plan: Plan
    state: PlayState
    exit_code: int
    report: Report | None = None
    checks: tuple[CheckResult, ...] = field(default=())
    error: ProvisionError | None = None
    because: str = ""
    seconds: float = 0.0
