"""Variables that are to stay as they are written (`config --no-interpolate`).

While files are canonicalised and merged, two letters that no file has stand for each `${…}`, `$NAME` and `$$`, so that
a colon or a blank in it is not taken for one of the value around it. Afterwards the text comes back.
"""

from __future__ import annotations

import re
from dataclasses import field, replace
from typing import TYPE_CHECKING

from provisioner.document.template import end_of_variable
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.node import Node

# The first letter of a mask and the first of the letters that count (Unicode's areas for private use).
_MARK, _FIRST = "\ue000", 0xF0000
_MASK = re.compile(f"{_MARK}(.)", re.DOTALL)


def is_masked(value: object) -> bool:
    """Whether a value is a text with a variable in it that is to stay."""
    return isinstance(value, str) and _MARK in value


def has_mask(node: Node) -> bool:
    """Whether a text, or one of the texts of a list, has a variable in it that is to stay."""
    return is_masked(node.value) or (node.is_sequence and any(is_masked(item.value) for item in node.items))


@dataclass(frozen=True, slots=True)
class Masks:
    """The variables that were masked so far."""

    _written: dict[str, str] = field(default_factory=dict)

    def apply(self, node: Node) -> Node:
        """`node` with a mask for each variable in its texts; keys are left as they are."""
        value = node.value
        if isinstance(value, str):
            return replace(node, value=self._masked(value)) if "$" in value else node
        if isinstance(value, tuple):
            return replace(node, value=tuple(self.apply(item) for item in value))
        if not node.is_mapping:
            return node
        return replace(node, value={key: self.apply(item) for key, item in node.mapping.items()})

    def lift(self, node: Node) -> Node:
        """`node` with the variables again, in texts and in keys that came from texts."""
        value = node.value
        if isinstance(value, str):
            return replace(node, value=self._lifted(value)) if _MARK in value else node
        if isinstance(value, tuple):
            return replace(node, value=tuple(self.lift(item) for item in value))
        if not node.is_mapping:
            return node
        return replace(node, value={self._lifted(key): self.lift(item) for key, item in node.mapping.items()})

    def _masked(self, text: str) -> str:
        parts, start = [], 0
        while (dollar := text.find("$", start)) >= 0:
            end = end_of_variable(text, dollar)
            mask = _MARK + chr(_FIRST + len(self._written))
            self._written[mask] = text[dollar:end]
            parts += [text[start:dollar], mask]
            start = end
        return "".join((*parts, text[start:]))

    def _lifted(self, text: str) -> str:
        return _MASK.sub(lambda mask: self._written.get(mask[0], mask[0]), text)
