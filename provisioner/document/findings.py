"""The problems of one reading, collected so that they can be told all at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.model.span import Span

Path = tuple[str, ...]

_HINTED = 200


class Findings:
    """Errors and warnings so far. Equal ones are kept once: a node reached through two aliases is one mistake."""

    def __init__(self) -> None:
        self.errors: dict[Problem, None] = {}
        self.warnings: dict[Problem, None] = {}
        self._broken: set[Path] = set()
        # Mappings that lost a key they need, with the key: its absence is told already.
        self.damaged: set[tuple[Span, str]] = set()
        # Whether somewhere a key was read with nothing after it, of which it shows later whether that is wrong.
        self.nothing = False
        # Files, as messages name them, that are none of this project's: nothing of what is in them is told.
        self.foreign: set[str] = set()

    def error(self, message: str, span: Span | None, path: Path = (), hint: str | None = None) -> None:
        self.errors[self._problem(message, span, path, hint)] = None
        self.suspect(path)

    def warn(self, message: str, span: Span | None, path: Path = (), hint: str | None = None) -> None:
        self.warnings[self._problem(message, span, path, hint)] = None

    def _problem(self, message: str, span: Span | None, path: Path, hint: str | None) -> Problem:
        if span is None or span.file not in self.foreign:
            return _problem(message, span, path, hint)
        return _problem(_QUOTED.sub("…", message), span, (), _NOT_OURS)

    def nearest(self, name: str, known: Iterable[str]) -> str | None:
        """A hint that names the nearest of `known`; none after many errors: looking takes its time."""
        return nearest(name, known) if len(self.errors) < _HINTED else None

    def suspect(self, path: Path) -> None:
        """Notes that what stands at `path` suffers from a problem told elsewhere."""
        self._broken.update(path[:length] for length in range(len(path) + 1))

    def broken(self, path: Path) -> bool:
        """Whether something at or below `path` is wrong already, so that a consequence need not be told."""
        return path in self._broken


_QUOTED = re.compile(r"'[^\n]*'|\"[^\n]*\"")
_NOT_OURS = "the file lies outside the project, so nothing of what is in it is shown"
# What stands in a file may hold line breaks and worse; a problem is one line.
_UNPRINTABLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {10: "\\n", 9: "\\t", 13: "\\r"}


def _problem(message: str, span: Span | None, path: Path, hint: str | None) -> Problem:
    message, path_text = message.translate(_UNPRINTABLE), dotted(path).translate(_UNPRINTABLE)
    return Problem(message, span, path_text, hint.translate(_UNPRINTABLE) if hint else hint)


def dotted(path: Path) -> str:
    """A path as people write it: `services.web.ports`."""
    return ".".join(path)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """A hint that names the nearest of `known`, if one is close."""
    close = closest(name, known)
    return f"did you mean '{close}'?" if close else None


def closest(name: str, known: Iterable[str]) -> str:
    """The nearest of `known`, empty if none is close. Letters in another order are nearer than other letters."""
    from difflib import get_close_matches

    letters = sorted(name)
    close = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return min(close, key=lambda candidate: sorted(candidate) != letters, default="")
