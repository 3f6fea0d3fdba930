"""A graph as a drawing: a card for each service with what it uses, and lines to what it waits for."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from provisioner.render.graph_layout import Box, boxes, columns
from provisioner.render.paint import printable
from provisioner.render.values import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provisioner.model.graph import Graph, GraphNode

_LINE, _MARGIN, _PADDING = 18.0, 24.0, 12.0
_GAP = (110.0, 26.0)
_LETTER, _NARROWEST, _LONGEST = 7.0, 150.0, 38
# Told apart by people who see colours in other ways too (Okabe and Ito), and named in the legend.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999")
STYLE = """
.graph { font: 12px system-ui, sans-serif; }
.graph text { fill: #1f2328; } .graph .dim { fill: #59636e; } .graph .name { font-weight: 600; font-size: 13px; }
.graph .card rect { fill: #ffffff; stroke: #8c959f; } .graph .job rect { stroke-dasharray: 5 3; }
.graph path { fill: none; stroke: #59636e; stroke-width: 1.3; } .graph .lives { stroke-dasharray: 2 3; }
.graph marker path { fill: #59636e; stroke: none; }
@media (prefers-color-scheme: dark) {
.graph text { fill: #f0f6fc; } .graph .dim { fill: #9198a1; } .graph .card rect { fill: #151b23; stroke: #656c76; }
.graph path { stroke: #9198a1; } .graph marker path { fill: #9198a1; } }
"""


def graph_svg(graph: Graph, *, standalone: bool = True) -> str:
    """The drawing as SVG. Not `standalone`: without its style, for a page that has it."""
    services = graph.of("service", "job")
    cards = {node.id: _card_lines(graph, node) for node in services}
    needs = {
        node.id: [edge.target for edge in graph.edges_from(node, "needs", "lives_in") if edge.target in cards]
        for node in services
    }
    placed = columns(needs)
    sizes = {name: _size(lines) for name, lines in cards.items()}
    sizes |= {point: (0.0, _LINE / 2) for way in placed.ways.values() for point in way}
    places = boxes(placed.names, sizes, _GAP)
    networks = graph.of("network")
    colours = {node.id: _COLOURS[index % len(_COLOURS)] for index, node in enumerate(networks)}
    width = max([box.x + box.width for box in places.values()] + [_legend_width(networks)]) + 2 * _MARGIN
    bottom = max((box.y + box.height for box in places.values()), default=0.0)
    height = bottom + 3 * _MARGIN + (_LINE if networks else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(graph.title)}">',
        f"<style>{STYLE}</style>" if standalone else "",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>',
        f'<g transform="translate({_MARGIN:.0f} {_MARGIN:.0f})">',
        *_lines(graph, placed.ways, places),
        *(_card(graph, node, places[node.id], cards[node.id], colours) for node in services),
        _legend(networks, colours, bottom + _MARGIN),
        "</g></svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _card_lines(graph: Graph, node: GraphNode) -> list[str]:
    """The lines below the name."""
    lines = [*node.details]
    for edge in graph.edges_from(node, "uses"):
        kind, _, name = edge.target.partition(".")
        if kind == "volume":
            lines.append(f"▤ {name}  {edge.label}")
    for kind, sign in (("secret", "secrets"), ("config", "configs")):
        names = [edge.target.partition(".")[2] for edge in graph.edges_from(node, "uses")
                 if edge.target.startswith(f"{kind}.")]  # fmt: skip
        if names:
            lines.append(f"{sign}: {', '.join(names)}")
    return [shorten(printable(line), _LONGEST) for line in lines]


def _size(lines: list[str]) -> tuple[float, float]:
    longest = max((len(line) for line in lines), default=0)
    return max(longest * _LETTER + 2 * _PADDING, _NARROWEST), (len(lines) + 1) * _LINE + 2 * _PADDING


def _card(graph: Graph, node: GraphNode, box: Box, lines: list[str], colours: dict[str, str]) -> str:
    x, y = box.x + _PADDING, box.y + _PADDING + 11
    kind = " job" if node.kind == "job" else ""
    name = escape(shorten(printable(node.name), _LONGEST)) + (" (job)" if kind else "")
    dots = [colours[edge.target] for edge in graph.edges_from(node, "uses") if edge.target in colours]
    parts = [
        f'<g class="card{kind}" id="{escape(node.id)}"><title>{escape(printable(node.id))}</title>',
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6"/>',
        f'<text class="name" x="{x:.1f}" y="{y:.1f}">{name}</text>',
    ]
    parts += [
        f'<circle cx="{box.x + box.width - _PADDING - 12 * index:.1f}" cy="{y - 4:.1f}" r="4" fill="{colour}"/>'
        for index, colour in enumerate(dots)
    ]
    parts += [
        f'<text class="dim" x="{x:.1f}" y="{y + _LINE * number:.1f}">{escape(line)}</text>'
        for number, line in enumerate(lines, 1)
    ]
    return "".join([*parts, "</g>"])


def _lines(graph: Graph, ways: dict[tuple[str, str], list[str]], places: dict[str, Box]) -> Iterator[str]:
    labelled: set[tuple[str, str]] = set()
    for edge in graph.edges:
        if edge.relation == "uses" or (edge.source, edge.target) not in ways:
            continue
        passed = [places[name] for name in (edge.source, *ways[edge.source, edge.target], edge.target)]
        lives = edge.relation == "lives_in"
        label = escape(f"in its {edge.label}" if lives else edge.label)
        style, end = ' class="lives"' if lives else "", passed[-1]
        text = f'<text class="dim" x="{end.x - 12:.1f}" y="{end.middle - 7:.1f}" text-anchor="end">{label}</text>'
        if not label or (edge.target, label) in labelled:
            text = ""
        labelled.add((edge.target, label))
        yield (
            f'<g data-from="{escape(edge.source)}" data-to="{escape(edge.target)}">'
            f'<path{style} d="{_curve(passed)}" marker-end="url(#arrow)"/>{text}</g>'
        )


def _curve(passed: Sequence[Box]) -> str:
    """From the right side of the first box to the left side of the last, level through the points between."""
    start = passed[0]
    x, y = start.x + start.width, start.middle
    parts = [f"M{x:.1f} {y:.1f}"]
    for box in passed[1:]:
        bend = (box.x - x) / 2
        parts.append(f"C{x + bend:.1f} {y:.1f} {box.x - bend:.1f} {box.middle:.1f} {box.x:.1f} {box.middle:.1f}")
        x, y = box.x + box.width, box.middle
        if box is not passed[-1] and box.width:
            parts.append(f"H{x:.1f}")
    return "".join(parts)


def _legend_width(networks: tuple[GraphNode, ...]) -> float:
    return sum(_entry_width(node) for node in networks)


def _entry_width(node: GraphNode) -> float:
    return len(node.name) * _LETTER + 34


def _legend(networks: tuple[GraphNode, ...], colours: dict[str, str], y: float) -> str:
    parts, x = [], 0.0
    for node in networks:
        external = " (external)" if node.external else ""
        parts.append(
            f'<circle cx="{x + 4:.1f}" cy="{y - 4:.1f}" r="4" fill="{colours[node.id]}"/>'
            f'<text class="dim" x="{x + 14:.1f}" y="{y:.1f}">{escape(printable(node.name))}{external}</text>'
        )
        x += _entry_width(node) + len(external) * _LETTER
    return "".join(parts)
