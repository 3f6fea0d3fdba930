"""Read our own keys out of canonical nodes, collecting every problem instead of stopping at the first.

Knows shapes of values only, nothing of what the keys mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioner.document.findings import nearest
from provisioner.document.quantities import nanoseconds
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from provisioner.model.node import Node
    from provisioner.model.span import Span


def seconds(text: str) -> float | None:
    """The seconds that a Compose duration (`1m30s`, `1.5h`, `0`) spells; None when it spells none."""
    try:
        return nanoseconds(text) / 1e9
    except ValueError:
        return None


def describe(node: Node) -> str:
    """What was found, for messages: `a list`, `a mapping`, `nothing` or the quoted text."""
    if node.is_mapping:
        return "a mapping"
    if node.is_sequence:
        return "a list"
    return "nothing" if node.value is None else f"'{plain_text(node)}'"


@dataclass(slots=True)
class Problems:
    """The problems found so far."""

    found: list[Problem] = field(default_factory=list)

    def add(self, message: str, span: Span | None, path: str, hint: str | None = None) -> None:
        self.found.append(Problem(message, span, path, hint))

    def expected(self, what: str, node: Node, path: str) -> None:
        """Record that `node` is not `what` (`a number`, `true or false`)."""
        self.add(f"expected {what}, found {describe(node)}", node.span, path)


@dataclass(frozen=True, slots=True)
class Fields:
    """One mapping of the playbook, read key by key. Each reader gives None for a key that is missing or wrong."""

    node: Node
    path: str
    problems: Problems

    def only(self, *known: str) -> Fields:
        """Record every key that is not in `known`."""
        for key, item in self.node.mapping.items():
            if key not in known:
                hint = nearest(key, known) or f"valid keys: {', '.join(known)}"
                span = self.node.key_spans.get(key, item.span)
                self.problems.add(f"unknown key '{key}'", span, self.path, hint)
        return self

    def child(self, key: str) -> Node | None:
        item = self.node.mapping.get(key)
        return None if item is None or item.value is None else item

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def mapping(self, key: str) -> Fields | None:
        item = self.child(key)
        if item is None:
            return None
        if not item.is_mapping:
            self.problems.expected("a mapping", item, self.at(key))
            return None
        return Fields(item, self.at(key), self.problems)

    def items(self, key: str) -> tuple[Node, ...]:
        item = self.child(key)
        if item is None:
            return ()
        if not item.is_sequence:
            self.problems.expected("a list", item, self.at(key))
            return ()
        return item.items

    def text(self, key: str) -> str | None:
        item = self.child(key)
        if item is None:
            return None
        if item.is_mapping or item.is_sequence:
            self.problems.expected("text", item, self.at(key))
            return None
        return plain_text(item)

    def boolean(self, key: str) -> bool | None:
        item = self.child(key)
        if item is None:
            return None
        if not isinstance(item.value, bool):
            self.problems.expected("true or false", item, self.at(key))
            return None
        return item.value

    def whole(self, key: str) -> int | None:
        """A whole number from 0, also where it is spelled as text."""
        item = self.child(key)
        if item is None:
            return None
        number = whole_number(item)
        if number is None:
            self.problems.expected("a whole number from 0", item, self.at(key))
        return number

    def number(self, key: str) -> float | None:
        item = self.child(key)
        if item is None:
            return None
        if isinstance(item.value, bool) or not isinstance(item.value, (int, float)):
            self.problems.expected("a number", item, self.at(key))
            return None
        return float(item.value)

    def duration(self, key: str) -> float | None:
        item = self.child(key)
        if item is None:
            return None
        value = seconds(plain_text(item)) if not (item.is_mapping or item.is_sequence) else None
        if value is None:
            self.problems.expected("a duration such as 10s or 1m30s", item, self.at(key))
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        item = self.child(key)
        if item is None:
            return None
        value = plain_text(item) if not (item.is_mapping or item.is_sequence) else ""
        if value not in choices:
            hint = nearest(value, choices)
            self.problems.add(f"expected {' | '.join(choices)}, found {describe(item)}", item.span, self.at(key), hint)
            return None
        return value


def plain_text(node: Node) -> str:
    """A scalar as its author typed it; YAML's `true` and `1.10` keep their spelling."""
    if isinstance(node.value, str):
        return node.value
    # The source text of a value that a variable gave is the variable, not the value.
    if node.text is not None and "$" not in node.text:
        return node.text
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return "" if node.value is None else str(node.value)


def whole_number(node: Node) -> int | None:
    """A whole number from 0, as a number or as digits; None when it is neither."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value if node.value >= 0 else None
    if isinstance(node.value, str) and node.value.isascii() and node.value.isdigit():
        return int(node.value)
    return None
