"""Read canonical nodes: the document layer has checked what each key holds, so nothing is checked here again."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.document.quantities import nanoseconds
from provisioner.model.dataclass import dataclass
from provisioner.model.node import items_of
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from provisioner.model.node import Node
    from provisioner.model.span import Span


@dataclass(slots=True)
class Problems:
    """The problems found so far."""

    entries: list[Problem] = field(default_factory=list)

    def add(self, message: str, span: Span | None, path: str, hint: str | None = None) -> None:
        self.entries.append(Problem(message, span, path, hint))


def text_of(node: Node | None, *path: str) -> str | None:
    """The text under nested keys; None where there is none."""
    leaf = node.get(*path) if node is not None else None
    return None if leaf is None or leaf.value is None else str(leaf.value)


def texts_of(node: Node | None, *path: str) -> tuple[str, ...]:
    """The texts of the list under nested keys; none where there is no list."""
    return tuple(str(item.value) for item in items_of(node.get(*path) if node is not None else None))


def flag_of(node: Node | None, *path: str) -> bool | None:
    """True or false under nested keys; None where neither is said."""
    leaf = node.get(*path) if node is not None else None
    return leaf.value if leaf is not None and isinstance(leaf.value, bool) else None


def number_of(node: Node | None, *path: str) -> float | None:
    """The number under nested keys; None where there is none."""
    leaf = node.get(*path) if node is not None else None
    return leaf.value if leaf is not None and isinstance(leaf.value, (int, float)) else None


def count_of(node: Node | None, *path: str) -> int | None:
    """The whole number under nested keys; None where there is none."""
    number = number_of(node, *path)
    return None if number is None else int(number)


def seconds_of(node: Node | None, *path: str) -> float | None:
    """The seconds of the duration under nested keys; None where there is none."""
    text = text_of(node, *path)
    return None if text is None else nanoseconds(text) / 1e9
