"""Changes that have happened, for people: which object, which field, from what to what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Action
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.values import before_and_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioner.model.change import Change

_MOST_NAMED = 4
_SYMBOLS = {Action.CREATE: "+", Action.UPDATE: "~", Action.REPLACE: "~", Action.DELETE: "-"}


def changes_text(changes: Sequence[Change], *, paint: Paint = PLAIN, indent: str = "") -> str:
    """A line for each object and one for each of its fields, ending with a newline; empty without changes."""
    width = max((len(str(change.address)) for change in changes), default=0)
    lines = []
    for change in changes:
        symbol = _SYMBOLS.get(change.action, " ")
        colored = {"+": paint.green, "-": paint.red}.get(symbol, paint.yellow)(symbol)
        reason = f"  {printable(change.reason)}" if change.reason else ""
        lines.append(f"{indent}{colored} {paint.bold(str(change.address))}{_pad(change, width, reason)}{reason}")
        inner = max((len(difference.path) for difference in change.differences), default=0)
        for difference in change.differences:
            before, after = before_and_after(difference)
            text = f"{difference.path.ljust(inner)}  {paint.red(before)} → {paint.green(after)}"
            lines.append(f"{indent}    {text}")
    return "".join(f"{line}\n" for line in lines)


def changes_line(changes: Iterable[Change]) -> str:
    """All changes in a few words: `service.api (image), + volume.data`."""
    words = [_word(change) for change in changes]
    if len(words) > _MOST_NAMED:
        words[_MOST_NAMED:] = [f"{len(words) - _MOST_NAMED} more"]
    return ", ".join(words)


def _word(change: Change) -> str:
    if change.action in (Action.CREATE, Action.DELETE):
        return f"{_SYMBOLS[change.action]} {change.address}"
    paths = list(dict.fromkeys(difference.path for difference in change.differences))
    if len(paths) > 2:
        paths[2:] = [f"{len(paths) - 2} more"]
    return f"{change.address} ({', '.join(paths)})" if paths else str(change.address)


def _pad(change: Change, width: int, reason: str) -> str:
    return " " * (width - len(str(change.address))) if reason else ""
