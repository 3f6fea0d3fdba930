"""What was measured as a page: tables of ratios and of numbers, and curves of how each tool grows."""

from __future__ import annotations

import math
from collections import defaultdict
from html import escape
from typing import TYPE_CHECKING

from benchmarks.measuring import spread
from benchmarks.tools import BARE, OURS, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.measuring import Cost

    # By what was done, how large it was, and by whom.
    Measured = Mapping[tuple[str, int, str], Sequence[Cost]]

_WORDS = {
    "config": "`config`",
    "plan": "plan, nothing to do",
    "cold": "cold apply",
    "nothing": "nothing to do",
    "changed": "one service changed",
    "rolling": "rolling update of replicas",
    "remove": "remove",
}
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 380, 250, 52, 34, 38
_COLORS = ("#0969da", "#6e7781", "#bc4c00", "#8250df", "#1a7f37", "#cf222e")


def ratio_table(measured: Measured) -> str:
    """How many times what another tool takes provision takes, medians of wall time; below 1 it is faster."""
    rows = []
    for step, size in _rows(measured):
        ours = _median(measured, step, size, OURS)
        others = [name for name in _tools(measured) if name != OURS]
        if ours is None:
            continue
        cells = [_ratio(ours, _median(measured, step, size, name)) for name in others]
        rows.append([_WORDS.get(step, step), str(size), f"{ours:.2f} s", *cells])
    heads = ["", "services", OURS, *(f"÷ {name}" for name in _tools(measured) if name != OURS)]
    return _table(heads, rows)


def number_table(measured: Measured) -> str:
    """Medians, least and most of what was measured."""
    rows = []
    for step, size in _rows(measured):
        for name in _tools(measured):
            costs = measured.get((step, size, name))
            if not costs:
                continue
            counted = next((one.requests for one in costs if one.requests is not None), None)
            timed = _timed(costs)
            rows.append(
                [
                    _WORDS.get(step, step), str(size), name, str(spread([one.wall for one in timed])),
                    str(spread([one.cpu for one in timed])), _memory(timed), "" if counted is None else str(counted),
                ]
            )  # fmt: skip
    heads = ["", "services", "by", "seconds (least to most)", "of the processor", "peak memory, MB", "requests"]
    return _table(heads, rows)


def _memory(costs: Sequence[Cost]) -> str:
    most = max(one.memory for one in costs)
    return f"{most:.0f}" if most else ""


def curves(measured: Measured) -> str:
    """An SVG picture: for each step with several sizes a plot, both axes logarithmic."""
    steps = [step for step in _steps(measured) if len({size for one, size, _ in measured if one == step}) > 1]
    names = _tools(measured)
    columns = 2
    rows = math.ceil(len(steps) / columns) or 1
    width, height = columns * _WIDTH, rows * _HEIGHT + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for index, step in enumerate(steps):
        x, y = index % columns * _WIDTH, index // columns * _HEIGHT
        parts.append(f'<g transform="translate({x} {y})">{_plot(measured, step, names)}</g>')
    for index, name in enumerate(names):
        x, y = 52 + index * 120, rows * _HEIGHT + 16
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{_COLORS[index % len(_COLORS)]}"/>')
        parts.append(f'<text x="{x + 14}" y="{y}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _plot(measured: Measured, step: str, names: Sequence[str]) -> str:
    points: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for (what, size, name), costs in sorted(measured.items()):
        if what == step:
            points[name].append((size, max(0.001, spread([one.wall for one in _timed(costs)]).median)))
    sizes = sorted({size for line in points.values() for size, _ in line})
    seconds = [second for line in points.values() for _, second in line]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))
    high = max(high, low + 1)

    def across(size: int) -> float:
        first, last = math.log10(max(1, sizes[0])), math.log10(sizes[-1])
        return _LEFT + (math.log10(max(1, size)) - first) / (last - first) * (_WIDTH - _LEFT - 24)

    def down(second: float) -> float:
        return _TOP + (high - math.log10(second)) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(_WORDS.get(step, step).replace("`", ""))}</text>']
    for power in range(low, high + 1):
        y = down(10.0**power)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - 24}" stroke="#d0d7de"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    parts += [f'<text x="{across(size):.1f}" y="{_HEIGHT - 18}" text-anchor="middle">{size}</text>' for size in sizes]
    for index, name in enumerate(names):
        line = " ".join(f"{across(size):.1f},{down(second):.1f}" for size, second in points.get(name, ()))
        color = _COLORS[index % len(_COLORS)]
        if line:
            parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
    return "".join(parts)


def _timed(costs: Sequence[Cost]) -> Sequence[Cost]:
    """Those that were not slowed down by counting."""
    return [one for one in costs if one.requests is None] or costs


def _rows(measured: Measured) -> list[tuple[str, int]]:
    return [
        (step, size) for step in _steps(measured) for size in sorted({size for one, size, _ in measured if one == step})
    ]


def _steps(measured: Measured) -> list[str]:
    known = [*STEPS, "rolling"]
    there = {step for step, _, _ in measured}
    return [step for step in known if step in there] + sorted(there - set(known))


def _tools(measured: Measured) -> list[str]:
    """Provision first, then the engine itself, then the others."""
    names = dict.fromkeys(name for _, _, name in measured)
    return sorted(names, key=lambda name: (name != OURS, name != BARE, name))


def _median(measured: Measured, step: str, size: int, name: str) -> float | None:
    costs = measured.get((step, size, name))
    return spread([one.wall for one in _timed(costs)]).median if costs else None


def _ratio(ours: float, other: float | None) -> str:
    return "" if not other else f"{ours / other:.2f}" if ours / other >= 0.1 else f"{ours / other:.3f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
