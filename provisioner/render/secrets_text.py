"""The declared secrets of an environment, as a table: names, tiers, versions and ages, never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.render.paint import PLAIN, Paint
from provisioner.render.table import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HEADINGS = ("SECRET", "STATE", "TIER", "VERSION", "AGE", "APPLIED", "USED BY")
_GOOD = ("found", "held")
_BAD = ("missing", "not")


class Row(Protocol):
    """One secret as its tiers answered."""

    @property
    def key(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def created(self) -> float | None: ...
    @property
    def used_by(self) -> Sequence[str]: ...
    @property
    def tried(self) -> Sequence[str]: ...


class Listed(Protocol):
    """One secret, and what was last applied of it."""

    @property
    def row(self) -> Row: ...
    @property
    def applied(self) -> str: ...
    @property
    def since(self) -> int: ...
    @property
    def since_time(self) -> str: ...


def secrets_text(
    title: str, secrets: Sequence[Listed], age: Callable[[float | None, str], str], *, paint: Paint = PLAIN
) -> str:
    """The table, then where missing ones were looked for; ends with a newline. `age` tells how long ago a time was."""
    if not secrets:
        return f"{paint.bold(title)}: the playbook declares no secrets\n"
    rows = [
        (
            one.row.key,
            one.row.state,
            one.row.tier,
            one.row.version,
            age(one.row.created, one.since_time if one.applied == "same" else ""),
            _applied(one),
            ", ".join(one.row.used_by),
        )
        for one in secrets
    ]

    def colors(column: int, cell: str) -> str:
        word = cell.split(" ")[0]
        if column == 1 and word in _GOOD:
            return paint.green(cell)
        return paint.red(cell) if column == 1 and word in _BAD else cell

    lines = []
    for one in secrets:
        if one.row.tried:
            lines += [f"{one.row.key}:", *(f"  {tried}" for tried in one.row.tried)]
    looked = "\n" + "\n".join(lines) + "\n" if lines else ""
    return f"{paint.bold(title)}\n{table(_HEADINGS, rows, paint=paint, colors=colors)}{looked}"


def _applied(one: Listed) -> str:
    match one.applied:
        case "same":
            return f"since revision {one.since}"
        case "changed":
            return "another value"
        case "never":
            return "not yet"
        case _:
            return "?" if one.row.state != "missing" else ""
