"""What lint found, and what is known of a rule: as much as any output needs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.span import Span


class Severity(StrEnum):
    """Only errors make `provision lint` fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule does not hold. `fix` is an imperative; `service` is empty where none is concerned.

    `title` and `reason` are the rule's: what it is called, and what goes wrong otherwise.
    """

    rule: str
    severity: Severity
    message: str
    span: Span | None
    path: str
    fix: str
    service: str = ""
    title: str = ""
    reason: str = ""

    @property
    def sort_key(self) -> tuple[str, int, int, str, str, str]:
        span = self.span
        place = (span.file, span.line, span.column) if span else ("", 0, 0)
        return (*place, self.rule, self.path, self.message)

    @property
    def description(self) -> str:
        """What was found and what to do, without its place and its rule."""
        path = f"{self.path}: " if self.path else ""
        return f"{path}{self.message.rstrip('.')}. Fix: {self.fix}" if self.fix else f"{path}{self.message}"

    def __str__(self) -> str:
        where = f"{self.span}: " if self.span else ""
        path = f"{self.path}: " if self.path else ""
        return f"{where}{self.rule} {self.severity}: {path}{self.message}{f' ({self.fix})' if self.fix else ''}"
