"""Lines that are too long for a terminal, broken between words, with what follows further in. Colours take no room."""

from __future__ import annotations

import re

from provisioner.render.paint import printable

_WORD = re.compile(r"\s*\S+")
_HANG = 2


def folded(text: str, width: int) -> str:
    """The text in lines of at most `width` columns; 0 leaves it as it is.

    A word that is longer than a line stays whole, so that a path or an address can be copied.
    """
    if width <= 0:
        return text
    return "".join(_line(line, width) for line in text.splitlines(keepends=True))


def pieces(text: str, first: int, others: int) -> list[str]:
    """One line in pieces: the first of at most `first` columns, the others of at most `others`."""
    parts, used, room = [""], 0, first
    for word in _WORD.findall(text):
        size = len(printable(word))
        if parts[-1].strip() and used + size > room:
            parts.append("")
            used, room = 0, others
            word = word.lstrip()
            size = len(printable(word))
        parts[-1] += word
        used += size
    return parts


def _line(line: str, width: int) -> str:
    plain = printable(line.rstrip("\n"))
    if len(plain) <= width:
        return line
    indent = len(plain) - len(plain.lstrip()) + _HANG
    return f"\n{' ' * indent}".join(pieces(line, width, width - indent)) + ("\n" if line.endswith("\n") else "")
