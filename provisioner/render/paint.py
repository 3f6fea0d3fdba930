"""Colours for terminals. Knows no terminal: who prints decides whether there is one."""

from __future__ import annotations

import re

from provisioner.model.dataclass import dataclass

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]|\x1b")

# Characters that show nothing, or turn around what follows: zero-width ones, marks of direction, tags.
INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class Paint:
    """Wraps text in ANSI colours, or leaves it as it is."""

    color: bool = False

    def green(self, text: str) -> str:
        return self._wrap("32", text)

    def red(self, text: str) -> str:
        return self._wrap("31", text)

    def yellow(self, text: str) -> str:
        return self._wrap("33", text)

    def cyan(self, text: str) -> str:
        return self._wrap("36", text)

    def bold(self, text: str) -> str:
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        return self._wrap("2", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text


PLAIN = Paint(color=False)


def printable(text: str) -> str:
    """Foreign text, a log line or a value, without the control sequences that could repaint a terminal.

    Characters that show nothing or turn the direction are shown as their code.
    """
    return visible(_CONTROL.sub("", text.replace("\t", "    ")))


def visible(text: str) -> str:
    """A text with invisible and bidirectional characters as escapes that YAML and JSON strings and people read."""
    return INVISIBLE.sub(lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    """`\\u202e`; beyond the first plane the two halves that JSON has."""
    data = character.encode("utf-16-be")
    return "".join(f"\\u{data[index : index + 2].hex()}" for index in range(0, len(data), 2))
