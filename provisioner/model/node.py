"""A YAML value that knows where it stands. The document layer makes them, binding reads them."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.span import Span

Scalar = str | int | float | bool | None
JSON = Scalar | list["JSON"] | dict[str, "JSON"]

_NO_MAPPING = (str, int, float, tuple, type(None))


@dataclass(frozen=True, slots=True)
class Node:
    """`value` is a scalar, a tuple of nodes, or a mapping of nodes in file order.

    `text` is a scalar's source text before typing, `key_spans` the positions of a mapping's keys,
    `tag` a Compose merge tag (`!reset`, `!override`) until the merge has used it.
    """

    value: Scalar | tuple[Node, ...] | Mapping[str, Node]
    span: Span
    text: str | None = None
    key_spans: Mapping[str, Span] = field(default_factory=dict)
    tag: str | None = None

    @property
    def mapping(self) -> Mapping[str, Node]:
        """The value of a mapping; an empty one for null."""
        if self.value is None:
            return {}
        if isinstance(self.value, _NO_MAPPING):
            raise TypeError(f"{self.span}: not a mapping")
        return self.value

    @property
    def items(self) -> tuple[Node, ...]:
        """The elements of a sequence; none for null."""
        if self.value is None:
            return ()
        if not isinstance(self.value, tuple):
            raise TypeError(f"{self.span}: not a sequence")
        return self.value

    @property
    def is_mapping(self) -> bool:
        return not isinstance(self.value, _NO_MAPPING)

    @property
    def is_sequence(self) -> bool:
        return isinstance(self.value, tuple)

    def get(self, *path: str) -> Node | None:
        """The node under nested mapping keys, or None where one is missing."""
        node: Node = self
        for key in path:
            if isinstance(node.value, _NO_MAPPING):
                return None
            below: Node | None = node.value.get(key)
            if below is None:
                return None
            node = below
        return node

    def plain(self) -> JSON:
        """The value as plain lists, dicts and scalars."""
        value = self.value
        if isinstance(value, tuple):
            return [item.plain() for item in value]
        if isinstance(value, _NO_MAPPING):
            return value
        return {key: item.plain() for key, item in value.items()}

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
        """Every node with its path, parents first."""
        yield path, self
        if self.is_mapping:
            for key, item in self.mapping.items():
                yield from item.walk((*path, key))
        elif self.is_sequence:
            for index, item in enumerate(self.items):
                yield from item.walk((*path, str(index)))


def from_plain(value: JSON, span: Span) -> Node:
    """A tree of nodes from plain values, all at one place."""
    if isinstance(value, list):
        return Node(tuple(from_plain(item, span) for item in value), span)
    if isinstance(value, dict):
        return Node({key: from_plain(item, span) for key, item in value.items()}, span)
    return Node(value, span)


def mapping_of(node: Node | None) -> Mapping[str, Node]:
    """The entries of a mapping; none where there is no node, or one of another kind."""
    return node.mapping if node is not None and node.is_mapping else {}


def items_of(node: Node | None) -> tuple[Node, ...]:
    """The items of a sequence; none where there is no node, or one of another kind."""
    return node.items if node is not None and node.is_sequence else ()
