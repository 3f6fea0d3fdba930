"""Where something stands in a file, and what is wrong there."""

from __future__ import annotations

from typing import NamedTuple

from provisioner.model.dataclass import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A position: file as the user named it, line and column counted from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: `path` is the dotted path in the playbook, `hint` an imperative that mends it."""

    message: str
    span: Span | None = None
    path: str = ""
    hint: str | None = None

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        span = self.span or Span("")
        return (span.file, span.line, span.column, self.path, self.message)

    def __str__(self) -> str:
        where = f"{self.span}: " if self.span else ""
        path = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{path}{self.message}{hint}"


class Verdict(NamedTuple):
    """A problem that something can not be done with (`refused`), or that is only to be told."""

    refused: bool
    problem: Problem


def refusal(message: str, span: Span | None, path: str, hint: str | None = None) -> Verdict:
    """A problem that something can not be done with."""
    return Verdict(True, Problem(message, span, path, hint))
