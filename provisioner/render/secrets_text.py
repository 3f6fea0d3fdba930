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
            secret.row.key,
            secret.row.state,
            secret.row.tier,
            secret.row.version,
            age(secret.row.created, secret.since_time if secret.applied == "same" else ""),
            _applied(secret),
            ", ".join(secret.row.used_by),
        )
        for secret in secrets
    ]

    def colors(column: int, cell: str) -> str:
        word = cell.split(" ")[0]
        if column == 1 and word in _GOOD:
            return paint.green(cell)
        return paint.red(cell) if column == 1 and word in _BAD else cell

    lines = []
    for secret in secrets:
        if secret.row.tried:
            lines += [f"{secret.row.key}:", *(f"  {tried}" for tried in secret.row.tried)]
    looked = "\n" + "\n".join(lines) + "\n" if lines else ""
    return f"{paint.bold(title)}\n{table(_HEADINGS, rows, paint=paint, colors=colors)}{looked}"


def _applied(listed: Listed) -> str:
    match listed.applied:
        case "same":
            return f"since revision {listed.since}"
        case "changed":
            return "another value"
        case "never":
            return "not yet"
        case _:
            return "?" if listed.row.state != "missing" else ""
