"""Every path of the language as one row; one file per family, found by being here and having ROWS."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.document.shape import Row


@dataclass(slots=True)
class Rule:
    """A place in the tree of rows: its own row, its named children, and the one for any other key or item."""

    row: Row
    children: dict[str, Rule] = field(default_factory=dict)
    any: Rule | None = None
    # Whether a walk that fills in defaults, makes items unique or leaves out zeros has anything to do here or below.
    fills: bool = False
    unifies: bool = False
    trims: bool = False

    def below(self, key: str) -> Rule | None:
        return self.children.get(key) or self.any


def rows() -> tuple[Row, ...]:
    """All rows, sorted by path."""
    unsorted: list[Row] = []
    for module in pkgutil.iter_modules(__path__):
        unsorted.extend(getattr(importlib.import_module(f"{__name__}.{module.name}"), "ROWS", ()))
    return tuple(sorted(unsorted, key=lambda row: row.path))


@cache
def rules() -> Rule:
    """The rows as a tree. Raises ValueError where two rows have one path, or a row stands below none."""
    ordered = sorted(rows(), key=lambda row: row.path.count(".") if row.path else -1)
    root = Rule(ordered[0])
    for row in ordered[1:]:
        *parents, last = row.path.split(".")
        rule = root
        for part in parents:
            child = rule.any if part == "*" else rule.children.get(part)
            if child is None:
                raise ValueError(f"{row.path}: no row for what it stands in")
            rule = child
        if (last == "*" and rule.any is not None) or last in rule.children:
            raise ValueError(f"{row.path}: two rows")
        if last == "*":
            rule.any = Rule(row)
        else:
            rule.children[last] = Rule(row)
    _survey(root)
    return root


def _survey(rule: Rule) -> None:
    below = [*rule.children.values(), *((rule.any,) if rule.any else ())]
    for child in below:
        _survey(child)
    shape = rule.row.shape
    rule.fills = bool(shape.required) or any(child.fills or child.row.default is not None for child in below)
    rule.unifies = rule.row.unique is not None or rule.row.ordered or any(child.unifies for child in below)
    rule.trims = bool(rule.children) or any(child.trims for child in below)
