"""A dashboard as one HTML page: its panels with their data, nothing to click. It must not know where data come from."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any

from standin.sources import QueryError
from standin.timerange import seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.frames import Column, Frame

_NOTE = "This page is made by a stand-in for Grafana, not by Grafana."
_COLOURS = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0")
_UNITS = {"percent": "%", "s": " s", "ms": " ms", "decmbytes": " MB", "reqps": " req/s"}
_STYLE = """
body { margin: 0; padding: 12px; background: #111217; color: #ccccdc; font: 14px sans-serif }
h1 { font-size: 18px; margin: 4px 0 2px } .note { color: #8e8e9a; font-size: 12px; margin: 0 0 10px }
main { display: grid; grid-template-columns: repeat(24, 1fr); grid-auto-rows: 34px; gap: 8px }
section { background: #181b1f; border: 1px solid #2a2d33; border-radius: 3px; padding: 8px; overflow: auto }
h2 { font-size: 13px; margin: 0 0 6px } .stat { font-size: 34px; text-align: center; color: #73bf69 }
table { border-collapse: collapse; width: 100%; font-size: 12px } td, th { text-align: left; padding: 2px 6px }
tr:nth-child(even) { background: #1f2228 } svg { width: 100%; height: calc(100% - 64px) } .legend { font-size: 11px }
.error { color: #f2495c } .empty { color: #8e8e9a } pre { margin: 0; white-space: pre-wrap }
"""


def login_page() -> str:
    """The page of somebody who may not look."""
    return (
        f"<!doctype html><title>Grafana (stand-in)</title><p>{_NOTE}</p><p>Log in with HTTP basic authentication.</p>"
    )


def dashboard_page(board: dict[str, Any], frames_of: Callable[[dict[str, Any]], list[Frame]]) -> str:
    """Every panel at its place in the grid of 24 columns; the page reloads as often as the dashboard says."""
    panels = "".join(_panel(panel, frames_of) for panel in board.get("panels") or [])
    refresh = f'<meta http-equiv="refresh" content="{seconds(board["refresh"])}">' if board.get("refresh") else ""
    title = escape(board["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{refresh}<title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f'<p class="note">{_NOTE}</p><main>{panels}</main></body></html>'
    )


def _panel(panel: dict[str, Any], frames_of: Callable[[dict[str, Any]], list[Frame]]) -> str:
    grid = {"x": 0, "y": 0, "w": 24, "h": 8, **panel.get("gridPos", {})}
    place = f"grid-area: {grid['y'] + 1} / {grid['x'] + 1} / span {grid['h']} / span {grid['w']}"
    kind = panel.get("type", "")
    try:
        content = _DRAWINGS.get(kind, _table)(panel, [] if kind in ("row", "text") else frames_of(panel))
    except QueryError as error:
        content = f'<p class="error">{escape(str(error))}</p>'
    heading = escape(panel.get("title", ""))
    return f'<section data-panel="{escape(kind)}" style="{place}"><h2>{heading}</h2>{content}</section>'


def _text(panel: dict[str, Any], frames: list[Frame]) -> str:
    return f"<pre>{escape(panel.get('options', {}).get('content', ''))}</pre>"


def _stat(panel: dict[str, Any], frames: list[Frame]) -> str:
    numbers = [column for frame in frames for column in frame.columns if column.kind == "number"]
    shown = []
    for column in numbers:
        last = next((value for value in reversed(column.values) if value is not None), None)
        label = f'<div class="legend">{escape(column.title)}</div>' if len(numbers) > 1 else ""
        shown.append(f'<div class="stat">{_number(last, panel)}</div>{label}')
    return "".join(shown) or '<p class="empty">No data</p>'


def _table(panel: dict[str, Any], frames: list[Frame]) -> str:
    tables = []
    for frame in frames:
        if not frame.columns or not frame.columns[0].values:
            continue
        head = "".join(f"<th>{escape(column.title)}</th>" for column in frame.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_cell(column, index)}</td>" for column in frame.columns) + "</tr>"
            for index in range(len(frame.columns[0].values))
        )
        tables.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    return "".join(tables) or '<p class="empty">No data</p>'


def _logs(panel: dict[str, Any], frames: list[Frame]) -> str:
    lines = [
        str(line) for frame in frames for column in frame.columns if column.name == "Line" for line in column.values
    ]
    return f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else '<p class="empty">No data</p>'


def _timeseries(panel: dict[str, Any], frames: list[Frame]) -> str:
    series = []
    for frame in frames:
        moments = next((column.values for column in frame.columns if column.kind == "time"), [])
        for column in frame.columns:
            points = [(at, v) for at, v in zip(moments, column.values, strict=True) if v is not None]
            if column.kind == "number" and points:
                series.append((column.title, points))
    if not series:
        return '<p class="empty">No data</p>'
    every = [point for _, points in series for point in points]
    left, right = min(at for at, _ in every), max(at for at, _ in every)
    low, high = min(value for _, value in every), max(value for _, value in every)
    lines, legend = [], []
    for index, (name, points) in enumerate(series):
        colour = _COLOURS[index % len(_COLOURS)]
        placed = [(_scale(at, left, right, 600), 190 - _scale(value, low, high, 180)) for at, value in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
        last = _number(points[-1][1], panel)
        legend.append(f'<span style="color: {colour}">&#9632;</span> {escape(name)}: {last}')
    extent = f"{_number(low, panel)} to {_number(high, panel)}, {_clock(left)} to {_clock(right)}"
    return (
        f'<svg viewBox="-6 0 612 200" preserveAspectRatio="none" data-series="{len(series)}">{"".join(lines)}</svg>'
        f'<div class="legend">{" &nbsp; ".join(legend)}</div><div class="legend">{extent}</div>'
    )


def _scale(value: float, low: float, high: float, size: float) -> float:
    return size / 2 if high == low else (value - low) / (high - low) * size


def _number(value: Any, panel: dict[str, Any]) -> str:
    if value is None:
        return "No data"
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
    return f"{value:,.2f}".rstrip("0").rstrip(".") + _UNITS.get(unit, "")


def _cell(column: Column, index: int) -> str:
    value = column.values[index]
    if value is None:
        return ""
    return escape(_clock(value) if column.kind == "time" else str(value))


def _clock(milliseconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(milliseconds / 1000))


_DRAWINGS: dict[str, Callable[[dict[str, Any], list[Frame]], str]] = {
    "row": _text,
    "text": _text,
    "stat": _stat,
    "gauge": _stat,
    "bargauge": _stat,
    "timeseries": _timeseries,
    "graph": _timeseries,
    "logs": _logs,
    "table": _table,
}
