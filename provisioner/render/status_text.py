"""The state of every declared object, as a table that answers whether all is well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from provisioner.kinds.values import moment
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.table import table
from provisioner.render.values import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address
    from provisioner.render.places import PublishedPort

_HEADINGS = ("ADDRESS", "STATE", "HEALTH", "IMAGE", "PORTS", "DRIFT", "SINCE", "DETAIL")
_GOOD = ("running", "healthy", "present", "completed", "finished,")
_BAD = ("missing", "absent", "unhealthy", "dead", "exited", "restarting", "foreign", "yes")
_COLORED = (1, 2, 5)
_NARROWEST_DETAIL = 24
# Columns that go first where a terminal is too narrow for all.
_DISPENSABLE = (3, 4, 6)


class StatusRow(Protocol):
    """One declared object. `drift` is None where it can not be told; `since` is RFC 3339."""

    @property
    def address(self) -> Address: ...
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
    @property
    def trouble(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def exit_code(self) -> int | None: ...
    @property
    def restarts(self) -> int: ...
    @property
    def started_at(self) -> str: ...
    @property
    def ports(self) -> Sequence[PublishedPort]: ...
    @property
    def purpose(self) -> str: ...


class StatusTable(Protocol):
    """The rows of one environment. `well`: all of them do what they are for."""

    @property
    def title(self) -> str: ...
    @property
    def rows(self) -> Sequence[StatusRow]: ...
    @property
    def well(self) -> bool: ...
    @property
    def restore(self) -> str: ...
    @property
    def kept(self) -> Sequence[str]: ...


def status_text(
    status: StatusTable, *, paint: Paint = PLAIN, everything: bool = False, width: int = 0, now: datetime | None = None
) -> str:
    """The table under the environment's title and a verdict, ending with a newline.

    Images are left out unless they differ, or `everything` is asked for. With a `width` (columns of a terminal) the
    last column is cut so that no line is broken.
    """
    if not status.rows:
        return f"{paint.bold(status.title)}: nothing is declared\n"
    shown = [row for row in status.rows if everything or not _folded(row)]
    moment = now or datetime.now(UTC)
    rows = [
        (
            str(row.address), _state(row), row.health, row.image, _ports(row), drift(row.drift),
            ago(row.since, moment), row.detail,
        )
        for row in shown
    ]  # fmt: skip

    def colors(column: int, cell: str) -> str:
        word = cell.split(" ")[0]
        if column in _COLORED and word in _GOOD:
            return paint.green(cell)
        return paint.red(cell) if column in _COLORED and word in _BAD else cell

    fitting = _fitting(rows, width)
    cut = [row[-1] for row in fitting] != [row[-1] for row in rows]
    text = table(_HEADINGS, fitting, paint=paint, colors=colors)
    folded = len(status.rows) - len(shown)
    notes = [f"Data of before a restore are kept in {name}." for name in status.kept]
    notes += [paint.red(f"{status.restore[:1].upper()}{status.restore[1:]}.")] if status.restore else []
    said = "".join(f"{line}\n" for line in notes)
    return f"{paint.bold(status.title)}\n{text}{said}{_verdict(status, folded, paint, whole=not cut)}"


def drift(value: bool | None) -> str:
    """Whether an object differs from what is declared, in a word."""
    return "?" if value is None else "yes" if value else "no"


def ago(since: str, now: datetime) -> str:
    """How long ago an RFC 3339 time was, in one unit; empty for none."""
    if (then := moment(since)) is None:
        return ""
    seconds = max(0, int((now - then).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def port_text(port: PublishedPort) -> str:
    """`127.0.0.1:8080→80`, with the protocol where it is not TCP."""
    host = f"[{port.host}]:" if ":" in port.host else f"{port.host}:" if port.host else ""
    return f"{host}{port.port}→{port.target}{'' if port.protocol == 'tcp' else f'/{port.protocol}'}"


def _folded(row: StatusRow) -> bool:
    return row.address.kind == "image" and row.drift is False and not row.trouble


def _state(row: StatusRow) -> str:
    return f"{row.state} ({row.exit_code})" if row.state in ("exited", "dead") else row.state


def _ports(row: StatusRow) -> str:
    return ", ".join(dict.fromkeys(port_text(port) for port in row.ports))


def _fitting(rows: Sequence[tuple[str, ...]], width: int) -> list[tuple[str, ...]]:
    """The rows with the last column cut to what is left of the width; where that is too little, without others."""
    shown = list(rows)
    if not width:
        return shown
    last = max((len(printable(row[-1])) for row in shown), default=0)
    for column in _DISPENSABLE:
        if width - _used(shown) >= min(last, _NARROWEST_DETAIL):
            break
        shown = [(*row[:column], "", *row[column + 1 :]) for row in shown]
    room = max(width - _used(shown), _NARROWEST_DETAIL)
    return [(*row[:-1], shorten(printable(row[-1]).replace("\n", " "), room)) for row in shown]


def _used(rows: Sequence[tuple[str, ...]]) -> int:
    """The columns that the table takes but for the last one."""
    return sum(
        max(len(heading), *(len(printable(row[column])) for row in rows)) + 2
        for column, heading in enumerate(_HEADINGS[:-1])
        if any(row[column] for row in rows)
    )


def _verdict(status: StatusTable, folded: int, paint: Paint, *, whole: bool) -> str:
    """Whether all is well, and what is not. `whole`: the table says why; else it is said here, where nothing is cut."""
    images = "1 image" if folded == 1 else f"{folded} images"
    left = paint.dim(f"{images} as declared: --all shows them.\n") if folded else ""
    unwell = [row for row in status.rows if row.trouble]
    if not unwell and status.restore:
        return left
    if not unwell:
        inactive = [str(row.address) for row in status.rows if row.purpose.startswith(("stopped", "paused"))]
        but = f" At rest on purpose: {', '.join(inactive)}." if inactive else ""
        if differing := [str(row.address) for row in status.rows if row.drift and not row.purpose]:
            noun = "1 object is" if len(differing) == 1 else f"{len(differing)} objects are"
            said = f"{paint.yellow(f'Nothing is broken, and {noun} not as declared')}: {', '.join(differing)}."
            return f"{left}{said}{but}\nMore: provision plan\n"
        return f"{left}{paint.green('All is well.')}{but}\n"
    noun = "object is" if len(unwell) == 1 else "objects are"
    head = f"{left}{paint.red(f'{len(unwell)} {noun} not well')}"
    first = next((row for row in unwell if row.address.kind == "service"), unwell[0])
    if whole:
        said = f"{head}: {', '.join(str(row.address) for row in unwell)}."
        return f"{said}\nMore: provision why {first.address}\n"
    lines = [f"  {paint.bold(str(row.address))}: {printable(row.trouble)}" for row in unwell]
    return "\n".join([f"{head}:", *lines, f"More: provision why {first.address}"]) + "\n"
