"""Tables, JSON lines and `--format` templates as Docker's own commands write them, for what reads those."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.node import JSON

_GAP = 3
_NARROWEST = 8
_PLACE = re.compile(r"\{\{(.*?)\}\}")
_FIELD = re.compile(r"\s*(?:(?P<json>json)\s+)?(?P<path>\.(?:[A-Za-z]+)?)\s*")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")


def docker_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, width: int = 0, spare: Sequence[str] = ()
) -> str:
    """Columns that are as wide as they have to be, three spaces apart; the last one is not filled up.

    In a `width` (0 for any) that they do not fit into, the `spare` columns go, the first one first, then the widest
    cells are cut and end with `…`.
    """
    shown = list(range(len(titles)))
    for title in spare:
        if _fits(titles, rows, shown, width):
            break
        shown = [index for index in shown if titles[index] != title]
    titles, rows = [titles[index] for index in shown], [[row[index] for index in shown] for row in rows]
    if not _fits(titles, rows, range(len(titles)), width):
        rows = _cut(titles, rows, width)
    widths = [max(len(row[index]) for row in (titles, *rows)) for index in range(len(titles))]
    return "".join(
        "".join(
            text.ljust(width + _GAP) if index < len(titles) - 1 else text
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        + "\n"
        for row in (titles, *rows)
    )


def _fits(titles: Sequence[str], rows: Sequence[Sequence[str]], shown: Sequence[int], width: int) -> bool:
    widths = [max(len(row[index]) for row in (titles, *rows)) for index in shown]
    return not width or sum(widths) + _GAP * (len(widths) - 1) <= width


def _cut(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The rows with cells that fit, no narrower than the titles and a few letters."""
    widths = [max(len(row[index]) for row in (titles, *rows)) for index in range(len(titles))]
    least = [max(len(title), _NARROWEST) for title in titles]
    while sum(widths) + _GAP * (len(widths) - 1) > width:
        _, index = max((now - few, index) for index, (now, few) in enumerate(zip(widths, least, strict=True)))
        if widths[index] <= least[index]:
            break
        widths[index] -= 1
    return [
        [text if len(text) <= most else f"{text[: most - 1]}…" for text, most in zip(row, widths, strict=True)]
        for row in rows
    ]


def formatted(form: str, titles: Mapping[str, str], rows: Sequence[Mapping[str, JSON]]) -> str:
    """Rows in a form: `json` (a line each), a Go template, or `table` and a template.

    `titles` gives what stands above a field. UsageError for a template that is not understood.
    """
    if form == "json":
        return "".join(f"{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n" for row in rows)
    heads = form.startswith("table ")
    template = (form.removeprefix("table ") if heads else form).replace("\\t", "\t").replace("\\n", "\n")
    _require_closed(template)
    lines = [_filled(template, row) for row in rows]
    if not heads:
        return "".join(f"{line}\n" for line in lines)
    cells = [line.split("\t") for line in (_filled(template, titles), *lines)]
    return docker_table(cells[0], cells[1:])


def _require_closed(template: str) -> None:
    """UsageError for braces that nothing closes, which would otherwise stand in each line as they are."""
    rest = _PLACE.sub("", template)
    if "{{" in rest:
        unclosed = rest[rest.index("{{") :]
        raise UsageError(f"--format: '{unclosed}' is not closed", hint="close it with }}: '{{.Name}}'")


def _filled(template: str, row: Mapping[str, JSON]) -> str:
    def value(match: re.Match[str]) -> str:
        field = _FIELD.fullmatch(match[1])
        name = field["path"][1:] if field else ""
        if field is None or (name and name not in row) or not (name or field["json"]):
            keys = ", ".join(f".{key}" for key in row)
            raise UsageError(
                f"--format: '{match[0]}' is not understood", hint=f"{{{{json .}}}}, or a field in braces: {keys}"
            )
        chosen = row[name] if name else dict(row)
        text = json.dumps(chosen, ensure_ascii=False, separators=(",", ":"))
        return text if field["json"] or not isinstance(chosen, str) else chosen

    return _PLACE.sub(value, template)


def binary_size(count: float) -> str:
    """A size in powers of 1024 with four digits, as Docker says memory: `432KiB`."""
    return _size(count, 1024.0, _BINARY, 4)


def decimal_size(count: float) -> str:
    """A size in powers of 1000, with three digits, as Docker says traffic and images: `1.05kB`."""
    return _size(count, 1000.0, _DECIMAL, 3)


def _size(count: float, base: float, units: Sequence[str], digits: int) -> str:
    index = 0
    while count >= base and index < len(units) - 1:
        count, index = count / base, index + 1
    return f"{count:.{digits}g}{units[index]}"
