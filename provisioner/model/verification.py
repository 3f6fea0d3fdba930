"""What came of one acceptance check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.span import Span


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`message` says what was found, and for a failure what was expected. `seconds` counts from the first attempt.
    `span` is where the check is declared."""

    name: str
    ok: bool
    message: str
    seconds: float
    attempts: int
    span: Span | None = None
