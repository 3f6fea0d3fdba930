"""The state of every declared object, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.render.paint import PLAIN, Paint
from provisioner.render.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADINGS = ("ADDRESS", "STATE", "HEALTH", "IMAGE", "DRIFT", "SINCE", "DETAIL")
_GOOD = ("running", "healthy", "present", "completed", "finished,")
_BAD = ("missing", "absent", "unhealthy", "dead", "exited", "restarting", "yes")


class StatusRow(Protocol):
    """One declared object. `drift` is None where it can not be told; `since` is text for people or RFC 3339."""

    @property
    def address(self) -> object: ...
    @property
    def state(self) -> str: ...
    @property
    def health(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def drift(self) -> bool | None: ...
    @property
    def since(self) -> str: ...
    @property
    def detail(self) -> str: ...


class StatusTable(Protocol):
    """The rows of one environment."""

    @property
    def title(self) -> str: ...
    @property
    def rows(self) -> Sequence[StatusRow]: ...


def status_text(status: StatusTable, *, paint: Paint = PLAIN) -> str:
    """The table under the environment's title, ending with a newline."""
    if not status.rows:
        return f"{paint.bold(status.title)}: nothing is declared\n"
    rows = [
        (str(row.address), row.state, row.health, row.image, drift(row.drift), row.since, row.detail)
        for row in status.rows
    ]

    def colors(column: int, cell: str) -> str:
        word = cell.split(" ")[0]
        if column in (1, 2, 4) and word in _GOOD:
            return paint.green(cell)
        return paint.red(cell) if column in (1, 2, 4) and word in _BAD else cell

    return f"{paint.bold(status.title)}\n{table(_HEADINGS, rows, paint=paint, colors=colors)}"


def drift(value: bool | None) -> str:
    """Whether an object differs from what is declared, in a word."""
    return "?" if value is None else "yes" if value else "no"
