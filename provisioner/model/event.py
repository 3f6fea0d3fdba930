"""What may be progress_listener while a plan is carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.plan import Plan, Step
    from provisioner.model.report import StepResult


@dataclass(frozen=True, slots=True)
class Begun:
    """A plan is about to be carried out. `purpose` is the beginning of a sentence: `Applying`."""

    plan: Plan
    purpose: str


@dataclass(frozen=True, slots=True)
class Started:
    step: Step


@dataclass(frozen=True, slots=True)
class Progress:
    """Something moved inside a step: a layer, a build line, why a wait is still waiting."""

    step: Step
    message: str


@dataclass(frozen=True, slots=True)
class Finished:
    result: StepResult


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know that belongs to no step, such as whose lease is waited for."""

    message: str


Event = Begun | Started | Progress | Finished | Notice
