"""What something else has said, line by line behind a bar; a line that comes again at once is shown with its number."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from provisioner.render.paint import Paint, printable

if TYPE_CHECKING:
    from collections.abc import Iterable


def quoted(lines: Iterable[str], paint: Paint, indent: str = "    ") -> list[str]:
    """The lines without what could repaint a terminal, behind a bar."""
    runs = ((line, len(list(run))) for line, run in groupby(printable(line.rstrip()) for line in lines))
    return [
        f"{indent}{paint.dim('|')} {line}{paint.dim(f'  ({count} times)') if count > 1 else ''}" for line, count in runs
    ]
