"""Where the services of a graph stand in a drawing: in columns, each to the left of what it needs."""

from __future__ import annotations

from graphlib import TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# So many times each column is put into the order of the middles of its neighbours.
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; `x`, `y` is its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Columns:
    """Names by column, and for each line from a name to another the names of the points that it passes between."""

    names: list[list[str]]
    ways: dict[tuple[str, str], list[str]]


def columns(needs: Mapping[str, Sequence[str]]) -> Columns:
    """Whoever needs something stands in a column before it. `needs` has no circle.

    A line over several columns has a point of its own in each between; within a column the order is such that lines
    cross seldom.
    """
    users: dict[str, list[str]] = {name: [] for name in needs}
    for name, targets in needs.items():
        for target in targets:
            users[target].append(name)
    column: dict[str, int] = {}
    for name in TopologicalSorter(users).static_order():
        column[name] = max((column[user] + 1 for user in users[name]), default=0)
    placed: list[list[str]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for name in sorted(needs):
        placed[column[name]].append(name)
    before: dict[str, list[str]] = {name: [] for name in needs}
    after: dict[str, list[str]] = {name: [] for name in needs}
    ways: dict[tuple[str, str], list[str]] = {}
    for name in sorted(needs):
        for target in needs[name]:
            passed = [f"{name} {target} {index}" for index in range(column[name] + 1, column[target])]
            ways[name, target] = passed
            for index, point in enumerate(passed, column[name] + 1):
                placed[index].append(point)
                before[point], after[point] = [], []
            for left, right in pairwise([name, *passed, target]):
                after[left].append(right)
                before[right].append(left)
    for sweep in range(_SWEEPS):
        place = {name: index / max(len(names), 1) for names in placed for index, name in enumerate(names)}
        beside = before if sweep % 2 == 0 else after
        for names in placed:
            names.sort(key=lambda name: (_mean([place[neighbour] for neighbour in beside[name]], place[name]), name))
    return Columns(placed, ways)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def boxes(
    placed: Sequence[Sequence[str]], sizes: Mapping[str, tuple[float, float]], gap: tuple[float, float]
) -> dict[str, Box]:
    """The rectangle of each name: columns beside each other, each centred. `sizes`, `gap`: width and height."""
    heights = [sum(sizes[name][1] for name in names) + gap[1] * max(len(names) - 1, 0) for names in placed]
    tallest = max(heights, default=0.0)
    rectangles: dict[str, Box] = {}
    x = 0.0
    for names, height in zip(placed, heights, strict=True):
        y = (tallest - height) / 2
        widest = max((sizes[name][0] for name in names), default=0.0)
        for name in names:
            rectangles[name] = Box(x, y, widest, sizes[name][1])
            y += sizes[name][1] + gap[1]
        x += widest + gap[0]
    return rectangles
