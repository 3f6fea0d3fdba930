"""Where the parts of a declared object stand in its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.node import Node
    from provisioner.model.span import Span


@dataclass(frozen=True, slots=True)
class Positions:
    """The positions of a canonical body, found when they are asked for. Without a body nothing stands anywhere."""

    body: Node | None = None

    def has(self, path: str) -> bool:
        """Whether the key at a dotted path is declared."""
        return self.body is not None and self.body.get(*path.split(".")) is not None

    def get(self, path: str, default: Span | None = None) -> Span | None:
        """The position of the key at a dotted path, or `default` where its file does not say it.

        The names in a path may have dots themselves. An entry of a list is found by its `target`; of what is not
        declared by itself, the position is that of the nearest thing around it that is.
        """
        return (_find(self.body, path) if self.body else None) or default


def _find(node: Node, path: str) -> Span | None:
    entries = sorted(_entries(node), key=lambda entry: -len(entry[0]))
    for name, span, below in entries:
        if path == name:
            return span
        if path.startswith((f"{name}.", f"{name}/")):
            return _find(below, path[len(name) + 1 :]) or span
    return None


def _entries(node: Node) -> Iterator[tuple[str, Span, Node]]:
    if node.is_mapping:
        yield from ((key, node.key_spans.get(key, item.span), item) for key, item in node.mapping.items())
    for item in node.items if node.is_sequence else ():
        target = item.get("target")
        if target is not None:
            yield str(target.value), item.span, item
