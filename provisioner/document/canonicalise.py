"""One file's tree against the rows: unknown keys, kinds and values are checked, short forms written out, scalars typed.

What does not fit is told and left out, so that one mistake does not hide the next.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from provisioner.document.attributes.shapes import LETTERS, local_path
from provisioner.document.findings import Findings
from provisioner.document.masks import has_mask, is_masked
from provisioner.document.paths import is_remote
from provisioner.document.shape import BOOLEAN, MAPPING, NULL, SEQUENCE, STRING, Merge, Place, article, kind_of, mapping
from provisioner.document.tree import DATE, NOTHING, RESET
from provisioner.model.node import Node

if TYPE_CHECKING:
    from provisioner.document.attributes import Rule
    from provisioner.document.findings import Path
    from provisioner.document.shape import Shape

# What stands there may be secret, so a message does not repeat it.
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_CONFIDENTIAL = ("environment", "secrets", "args", "vars")
_KINDS_OF_OBJECTS = frozenset(("services", "networks", "volumes", "configs", "secrets", "models"))


class Canonicaliser:
    """`directory` is the folder of the file's relative paths, `home` is what '~' stands for."""

    def __init__(self, directory: str, home: str, findings: Findings) -> None:
        self.directory = directory
        self.home = home
        self.findings = findings

    def apply(self, node: Node, rule: Rule, path: Path = ()) -> Node | None:
        """`node` in its long form, or None where it is not to be used."""
        if node.tag == RESET:
            return Node(None, node.span, None, {}, RESET)
        row = rule.row
        kind = kind_of(node)
        if has_mask(node) and not row.location and (kind == STRING or (row.expand and kind in row.short)):
            return self._with_variables(node, rule, path, kind)
        if row.expand is not None and kind in row.short and node.tag != DATE:
            expanded = row.expand(node, self._place(path))
            if expanded is None:
                return None
            node = expanded
            kind = kind_of(node)
        if kind not in row.shape.kinds or node.tag == DATE:
            self._wrong_kind(node, kind, row.shape, row.short, path)
            return None
        if kind == MAPPING:
            return self._mapping(node, rule, path)
        if kind == SEQUENCE:
            return self._sequence(node, rule, path)
        if row.location and isinstance(node.value, str):
            if not node.value:
                self.findings.error("an empty path", node.span, path)
                return None
            if is_remote(node.value):
                hint = "only files on this machine are read"
                self.findings.error(f"'{node.value}' is no path", node.span, path, hint)
                return None
            return replace(node, value=local_path(node.value, self._place(path)))
        return self._scalar(node, kind, row.shape, path)

    def _with_variables(self, node: Node, rule: Rule, path: Path, kind: str) -> Node | None:
        """A short form whose variables stay: written out where it can be read for all that, else as it is."""
        row, trial = rule.row, Findings()
        if row.expand is None or kind not in row.short:
            return node
        expanded = row.expand(node, Place(path, self.directory, self.home, trial))
        if expanded is None or trial.errors or trial.warnings:
            return node
        if kind_of(expanded) == kind or (kind == STRING and expanded.is_sequence):
            return node
        return self.apply(expanded, rule, path)

    def _finished(self, node: Node, rule: Rule, path: Path) -> Node:
        """The mapping after its last word; as it is where a variable that stays is in the way of that."""
        row, masked = rule.row, [key for key, item in node.mapping.items() if has_mask(item)]
        assert row.finish is not None
        if not masked:
            return row.finish(node, self._place(path))
        if any((below := rule.below(key)) is not None and STRING not in below.row.shape.kinds for key in masked):
            return node
        trial = Findings()
        finished = row.finish(node, Place(path, self.directory, self.home, trial))
        return node if trial.errors else finished

    def _place(self, path: Path) -> Place:
        return Place(path, self.directory, self.home, self.findings)

    def _mapping(self, node: Node, rule: Rule, path: Path) -> Node:
        entries: dict[str, Node] = {}
        nothing: dict[str, Node] = {}
        if rule.any is None and not rule.children:
            return node
        keys = rule.row.shape.keys
        for key, item in node.mapping.items():
            child = rule.children.get(key) or rule.any
            if child is None:
                if not key.startswith("x-"):
                    self._unknown(key, node, rule, path)
                elif not path:
                    entries[key] = item
            elif child is rule.any and keys and not _fits(keys, key) and not is_masked(key):
                hint = "use small letters" if keys == LETTERS else "use letters, digits, '.', '_' and '-'"
                span = node.key_spans.get(key, item.span)
                self.findings.error(f"'{key}' is no name", span, (*path, key), hint)
            elif item.value is None and item.tag is None and NULL not in (*child.row.shape.kinds, *child.row.short):
                nothing[key] = replace(item, tag=NOTHING)
            else:
                canonical = self.apply(item, child, (*path, key))
                if canonical is not None:
                    entries[key] = canonical
                    continue
                if key in rule.row.shape.required:
                    self.findings.damaged.add((node.span, key))
                if _declares(path):
                    entries[key] = Node({}, item.span)
        result = Node(entries, node.span, None, node.key_spans, node.tag)
        if rule.row.finish is not None:
            result = self._finished(result, rule, path)
        if not nothing:
            return result
        self.findings.nothing = True
        return mapping({**result.mapping, **nothing}, result)

    def _unknown(self, key: str, node: Node, rule: Rule, path: Path) -> None:
        known = [name for name in rule.children if name not in node.mapping]
        span = node.key_spans.get(key, node.span)
        if not _KEY.fullmatch(key):
            # Whatever this file is, it may hold what is nobody's business.
            self.findings.error("unknown key, which is no identifier", span, path, "is this a playbook?")
            return
        self.findings.error(f"unknown key '{key}'", span, path, self.findings.nearest(key, known))

    def _sequence(self, node: Node, rule: Rule, path: Path) -> Node:
        if rule.any is None:
            return node
        items = []
        for index, item in enumerate(node.items):
            if item.tag == RESET and rule.row.merge is Merge.BY_HOST and item.value is not None:
                items.append(item)
                continue
            canonical = self.apply(item, rule.any, (*path, str(index)))
            if canonical is not None and canonical.tag != RESET:
                items.append(canonical)
        result = Node(tuple(items), node.span, None, {}, node.tag)
        return rule.row.finish(result, self._place(path)) if rule.row.finish is not None else result

    def _scalar(self, node: Node, kind: str, shape: Shape, path: Path) -> Node | None:
        value = node.value
        if shape.convert is not None and kind != NULL:
            try:
                value = shape.convert(node)
            except ValueError as error:
                self.findings.error(f"{error}{self._shown_value(node, path)}", node.span, path)
                return None
        wrong = (
            (shape.enum and value not in shape.enum)
            or (shape.pattern and not _fits(shape.pattern, str(value)))
            or (isinstance(value, (int, float)) and not isinstance(value, bool) and _outside(value, shape))
        )
        if wrong:
            hint = self.findings.nearest(value, shape.enum) if shape.enum and isinstance(value, str) else None
            self.findings.error(f"expected {shape.expected}{self._shown_value(node, path)}", node.span, path, hint)
            return None
        return node if value is node.value and node.tag is None else Node(value, node.span, node.text, {}, node.tag)

    def _shown_value(self, node: Node, path: Path) -> str:
        if any(part in _CONFIDENTIAL for part in path):
            return ""
        shown = node.text if node.text is not None else str(node.value)
        # A value from a variable is shown as what it became.
        shown = str(node.value) if isinstance(node.value, str) else shown
        return f", found '{shown if len(shown) <= 60 else shown[:57] + '…'}'"

    def _wrong_kind(self, node: Node, kind: str, shape: Shape, short: tuple[str, ...], path: Path) -> None:
        hint = None
        actual = article(kind)
        confidential = any(part in _CONFIDENTIAL for part in path)
        if node.tag == DATE:
            actual, hint = "a date", "write it in quotes" if confidential else f"write '{node.value}' in quotes"
        elif kind == NULL:
            hint = "give it a value, or remove the key"
        elif STRING in (*shape.kinds, *short) and kind not in (MAPPING, SEQUENCE):
            shown = node.text if node.text is not None else str(node.value)
            actual += " here" if kind == BOOLEAN else ""
            if not confidential:
                hint = f"write '{shown}' in quotes if text is meant"
        expected = shape.expected
        self.findings.error(f"expected {expected}, found {actual}", node.span, path, hint)


def without_nothing(node: Node, rule: Rule | None, findings: Findings, path: Path = ()) -> Node:
    """`node` without the keys that nothing stands after, each of which is told."""
    if rule is None or (not rule.children and rule.any is None):
        return node
    if node.is_sequence:
        items = [
            without_nothing(item, rule.any, findings, (*path, str(index))) for index, item in enumerate(node.items)
        ]
        return Node(tuple(items), node.span, None, {}, node.tag)
    if not node.is_mapping:
        return node
    entries = {}
    for key, item in node.mapping.items():
        below = rule.below(key)
        if item.tag != NOTHING or below is None:
            entries[key] = without_nothing(item, below, findings, (*path, key))
            continue
        message = f"expected {below.row.shape.expected}, found nothing"
        findings.error(message, item.span, (*path, key), "give it a value, or remove the key")
        if key in rule.row.shape.required:
            findings.damaged.add((node.span, key))
        if _declares(path):
            entries[key] = Node({}, item.span)
    return mapping(entries, node)


def _declares(path: Path) -> bool:
    """Whether the keys at `path` declare objects, which are there for what refers to them, whatever is wrong."""
    return len(path) == 1 and path[0] in _KINDS_OF_OBJECTS


def _outside(value: float, shape: Shape) -> bool:
    return (shape.minimum is not None and value < shape.minimum) or (
        shape.maximum is not None and value > shape.maximum
    )


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _fits(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None
