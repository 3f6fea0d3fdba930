"""Rows under headings, as wide as they need to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.paint import PLAIN, Paint, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    paint: Paint = PLAIN,
    colors: Callable[[int, str], str] | None = None,
) -> str:
    """The table, ending with a newline. Columns that are empty in every row are left out.

    `colors` is given the column and the text of a cell, already padded, and returns it in colour.
    """
    clean = [[printable(cell).replace("\n", " ") for cell in row] for row in rows]
    kept = [column for column in range(len(headings)) if any(row[column] for row in clean)]
    widths = {column: max(len(headings[column]), *(len(row[column]) for row in clean)) for column in kept}
    lines = [paint.bold("  ".join(headings[column].ljust(widths[column]) for column in kept).rstrip())]
    for row in clean:
        cells = [row[column].ljust(widths[column]) if column != kept[-1] else row[column] for column in kept]
        if colors:
            cells = [colors(column, cell) for column, cell in zip(kept, cells, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"
