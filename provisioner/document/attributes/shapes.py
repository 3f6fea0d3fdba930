"""Shapes and short forms that several families share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.document.paths import clean, join
from provisioner.document.quantities import (
    to_boolean,
    to_duration,
    to_integer,
    to_mode,
    to_number,
    to_size,
    to_size_or_unlimited,
    to_text,
)
from provisioner.document.scalars import plain_text
from provisioner.document.shape import (
    BOOLEAN,
    INTEGER,
    MAPPING,
    NULL,
    NUMBER,
    SEQUENCE,
    STRING,
    Place,
    Shape,
    article,
    kind_of,
    mapping,
    scalar,
    sequence,
)
from provisioner.model.node import Node

if TYPE_CHECKING:
    from provisioner.model.span import Span

NAME = r"[a-zA-Z0-9._-]+"
LETTERS = r"[a-z]+"

ANYTHING = Shape((STRING, INTEGER, NUMBER, BOOLEAN, NULL, MAPPING, SEQUENCE), "anything", keep=True)
TEXT = Shape((STRING,), "text")
SAID = Shape((STRING,), "text that says something", pattern=r"\s*\S[\s\S]*")
FLAG = Shape((BOOLEAN, STRING), "true or false", to_boolean, format="boolean")
EXPLICIT_FLAG = replace(FLAG, keep=True)
WHOLE = Shape((INTEGER, NUMBER, STRING), "a whole number", to_integer, format="integer")
COUNT = replace(WHOLE, expected="a whole number from 0 on", minimum=0)
EXPLICIT_COUNT = replace(COUNT, keep=True)
DECIMAL = Shape((NUMBER, INTEGER, STRING), "a number", to_number, format="number")
FRACTION = replace(DECIMAL, expected="a number from 0 to 1", minimum=0, maximum=1)
DURATION = Shape((STRING,), "a duration like 30s or 1m30s", to_duration, format="duration")
SIZE = Shape((STRING, INTEGER, NUMBER), "a size like 512m or 1.5gb", to_size, format="size")
SIZE_OR_UNLIMITED = replace(SIZE, convert=to_size_or_unlimited)
MODE = Shape((STRING, INTEGER), 'an octal mode like "0440"', to_mode, format="mode")
AS_TEXT = Shape((STRING, INTEGER, NUMBER, BOOLEAN), "text, a number, true or false", to_text)
STRUCT = Shape((MAPPING,), "a mapping")
KEPT_STRUCT = replace(STRUCT, keep=True)
LIST = Shape((SEQUENCE,), "a list")
LIMITS = Shape((MAPPING,), "a mapping of limits", keys=LETTERS)
FREE = Shape((MAPPING,), "a mapping", keys=r".+")


def one_of(*words: str) -> Shape:
    """Text that is one of a few words."""
    return Shape((STRING,), "one of " + ", ".join(words), enum=words)


def named(expected: str, **more: object) -> Shape:
    """A mapping from names to what the rows below it say."""
    return replace(Shape((MAPPING,), expected, keys=NAME), **more)  # type: ignore[arg-type]


def text_key(node: Node) -> str:
    """The key of an item that is text: its text."""
    return str(node.value)


def to_list(node: Node, _place: Place) -> Node | None:
    """A single text is a list of one."""
    return sequence([Node(node.value, node.span, node.text)], node)


def pairs(node: Node, place: Place, *, absent: str | None = None) -> Node | None:
    """A list of NAME=value as a mapping; a name without '=' gets `absent`."""
    entries: dict[str, Node] = {}
    spans: dict[str, Span] = {}
    for index, item in enumerate(node.items):
        if not isinstance(item.value, str):
            where = Place((*place.path, str(index)), place.directory, place.home, place.findings)
            where.wrong(f"expected NAME=value, found {article(kind_of(item))}", item.span, "quote it")
            continue
        name, equals, value = item.value.partition("=")
        entries[name] = scalar(value if equals else absent, item)
        spans[name] = item.span
    return Node(entries, node.span, None, spans, node.tag)


def labels(node: Node, place: Place) -> Node | None:
    """A list of NAME=value as a mapping; a name alone is an empty label."""
    return pairs(node, place, absent="")


def names_to_mapping(node: Node, place: Place) -> Node | None:
    """A list of names as a mapping from each to nothing."""
    entries: dict[str, Node] = {}
    for index, item in enumerate(node.items):
        if not isinstance(item.value, str):
            where = Place((*place.path, str(index)), place.directory, place.home, place.findings)
            where.wrong(f"expected a name, found {article(kind_of(item))}", item.span)
            continue
        entries[item.value] = Node(None, item.span, item.text)
    return mapping(entries, node)


def null_is_empty(node: Node, _place: Place) -> Node | None:
    """A key with nothing after it declares something with all defaults."""
    return Node({}, node.span, None, {}, node.tag)


def not_empty(node: Node, place: Place) -> Node:
    """A list has at least one item."""
    if node.is_sequence and not node.items:
        place.wrong("expected at least one, found an empty list", node.span)
    return node


def drop(_node: Node, _place: Place) -> Node | None:
    """A key with nothing after it is as good as none."""
    return None


def null_is_text(node: Node, _place: Place) -> Node | None:
    """A key with nothing after it is an empty text."""
    return Node("", node.span, "", {}, node.tag)


def as_text(node: Node) -> str:
    """A scalar's value as text, for keys of items."""
    value = node.value
    return plain_text(value) if isinstance(value, (str, int, float)) else ""


def field(node: Node, key: str) -> str:
    """The text under `key`, empty where there is none."""
    item = node.get(key)
    return as_text(item) if item is not None else ""


def local_path(text: str, place: Place) -> str:
    """`text` as an absolute path: '~' is the home folder, anything relative is below the place's folder.

    What is absolute already stays as it is written, as in Compose.
    """
    if text.startswith("/"):
        return text
    if text == "~" or text.startswith("~/"):
        return clean(place.home + text[1:])
    return join(place.directory, text)
