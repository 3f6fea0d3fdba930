"""What differs, and what it costs to mend it."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.address import Address
    from provisioner.model.node import JSON
    from provisioner.model.span import Span
    from provisioner.model.state import Observed, Resource


class Impact(IntEnum):
    """What a difference in one field costs; a change costs the maximum of its fields."""

    METADATA = 0
    IN_PLACE = 1
    REPLACE = 2
    DATA_LOSS = 3


class Action(StrEnum):
    UNCHANGED = "unchanged"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field. `drift` is set where the engine moved away from what was last applied."""

    path: str
    before: JSON
    after: JSON
    impact: Impact
    sensitive: bool = False
    unit: str = ""
    drift: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One object. `differences` is empty for a plain create or delete, and where another change is the cause;
    `caused`: some are left out that another change is the cause of."""

    address: Address
    action: Action
    reason: str
    differences: tuple[FieldChange, ...] = ()
    drift: bool = False
    desired: Resource | None = None
    observed: Observed | None = None
    caused: bool = False

    @property
    def span(self) -> Span | None:
        return self.desired.span if self.desired else None
