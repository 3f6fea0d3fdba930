"""What a deploy runbook says, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.address import Address
    from provisioner.model.plan import Plan


@dataclass(frozen=True, slots=True)
class AppliedRevision:
    """A revision as a person speaks of it. `at` is RFC 3339, `seconds` how long its apply took, 0 where not known."""

    number: int
    at: str
    by: str
    commit: str
    seconds: float


@dataclass(frozen=True, slots=True)
class FailedApply:
    """The apply that failed after the last revision; `outcome` is failed, interrupted or rolled back."""

    at: str
    by: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What is done with one object, in the order in which it is begun. `took` is how long it took last (seconds), None
    where that is not known."""

    address: Address
    verbs: tuple[str, ...]
    took: float | None = None


@dataclass(frozen=True, slots=True)
class ConcernedSecret:
    """A secret that the plan changes, or that a service uses which is made anew. `tier` is where its value is from."""

    name: str
    tier: str
    users: tuple[str, ...]
    changes: bool


@dataclass(frozen=True, slots=True)
class Runbook:
    """Everything that the page says. `good` is the revision to which one goes back, `last` the one that is there."""

    plan: Plan
    stages: tuple[Stage, ...]
    secrets: tuple[ConcernedSecret, ...]
    last: AppliedRevision | None
    good: AppliedRevision | None
    failed: FailedApply | None
    saved: tuple[str, ...]
    snapshot: tuple[str, ...]
    checks: tuple[str, ...]
