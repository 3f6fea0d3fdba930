"""What came of one acceptance check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`message` says what was found, and for a failure what was expected. `seconds` counts from the first attempt."""

    name: str
    ok: bool
    message: str
    seconds: float
    attempts: int
