"""What a key may hold and how its value is written canonically, as data for the reader and for the JSON Schema.

A `Row` says everything about one path of the tree; the rows stand in attributes/, one file per family.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from provisioner.document.tree import RESET
from provisioner.model.dataclass import dataclass
from provisioner.model.node import Node

if TYPE_CHECKING:
    from provisioner.document.findings import Findings, Path
    from provisioner.model.node import Scalar
    from provisioner.model.span import Span

STRING, INTEGER, NUMBER, BOOLEAN, NULL = "string", "integer", "number", "boolean", "null"
MAPPING, SEQUENCE = "mapping", "sequence"

# Raises ValueError with what was expected where the value does not fit.
Convert = Callable[[Node], "Scalar"]


class Merge(Enum):
    """What happens when a later layer says something about the same path."""

    DEEP = "mappings key by key, sequences appended, anything else replaced"
    REPLACE = "the later one wins whole"
    SAME_DRIVER = "key by key while the drivers are the same, else the later one wins whole"
    BY_SUBNET = "entries of the same subnet key by key, others appended"
    BY_HOST = "appended; what is reset or overridden of a host goes first"


@dataclass(frozen=True, slots=True)
class Shape:
    """`kinds` are the YAML kinds a value may have when its short forms are written out, `expected` says it to people.

    `convert` turns a scalar into its canonical one. `keys` is the pattern of free keys in a mapping. `keep` marks what
    is told even when it is zero or empty, because that means something else than its absence.
    """

    kinds: tuple[str, ...]
    expected: str
    convert: Convert | None = None
    enum: tuple[str, ...] = ()
    pattern: str = ""
    minimum: float | None = None
    maximum: float | None = None
    format: str = ""
    keys: str = ""
    required: tuple[str, ...] = ()
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands and what is needed to write it out: its path, and the folder of relative paths."""

    path: Path
    directory: str
    home: str
    findings: Findings

    def wrong(self, message: str, span: Span, hint: str | None = None) -> None:
        self.findings.error(message, span, self.path, hint)

    def ignored(self, message: str, span: Span, hint: str | None = None) -> None:
        self.findings.warn(message, span, self.path, hint)


# The long form of a value, or None after telling why there is none.
Expand = Callable[[Node, Place], "Node | None"]
# The last word on a mapping or a list, once everything in it is canonical.
Finish = Callable[[Node, Place], Node]


@dataclass(frozen=True, slots=True)
class Row:
    """Everything there is to know about one path, such as `services.*.ports.*.target`; '*' is any key or item.

    `short` says which kinds `expand` takes beside the long form. `unique` gives the key by which the later of two
    items of a list replaces the earlier. `default` is filled in after merging. `location` marks paths on this machine.
    `own` marks what the playbook language adds to Compose, `ordered` a list that is written in the order of its texts.
    """

    path: str
    shape: Shape
    about: str = ""
    expand: Expand | None = None
    short: tuple[str, ...] = ()
    finish: Finish | None = None
    merge: Merge = Merge.DEEP
    unique: Callable[[Node], str] | None = None
    default: Scalar = None
    location: bool = False
    own: bool = False
    ordered: bool = False


_KINDS: dict[type, str] = {type(None): NULL, bool: BOOLEAN, str: STRING, int: INTEGER, float: NUMBER, tuple: SEQUENCE}


def kind_of(node: Node) -> str:
    """The kind of a node's value, as shapes name it."""
    return _KINDS.get(type(node.value), MAPPING)


def article(kind: str) -> str:
    """A kind as one says it to people."""
    return {
        STRING: "text",
        INTEGER: "a whole number",
        NUMBER: "a number",
        BOOLEAN: "true or false",
        NULL: "nothing",
        MAPPING: "a mapping",
        SEQUENCE: "a list",
    }[kind]


def scalar(value: Scalar, near: Node) -> Node:
    """A new scalar that stands where `near` stands."""
    return Node(value, near.span, near.text)


def left_out(near: Node) -> Node:
    """A place in a list that is not to be used; the others keep their numbers."""
    return Node(None, near.span, None, {}, RESET)


def mapping(entries: dict[str, Node], near: Node) -> Node:
    """A new mapping that stands where `near` stands; keys keep their positions where `near` has them."""
    spans = {key: near.key_spans.get(key, item.span) for key, item in entries.items()}
    return Node(entries, near.span, None, spans, near.tag)


def sequence(items: list[Node], near: Node) -> Node:
    """A new list that stands where `near` stands."""
    return Node(tuple(items), near.span, None, {}, near.tag)
