"""A graph as a tree for terminals: who needs whom, and below it what is used by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.values import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.graph import Graph, GraphNode

_PLURALS = {"network": "Networks", "volume": "Volumes", "config": "Configs", "secret": "Secrets"}
_NARROWEST = 40


def graph_text(graph: Graph, *, paint: Paint = PLAIN, width: int = 0) -> str:
    """The tree, ending with a newline. What is needed in several places is drawn whole the first time."""
    lines = [paint.bold(graph.title)]
    services = graph.of("service", "job")
    needed = {edge.target for edge in graph.edges if edge.relation != "uses" and edge.source != edge.target}
    roots = [node for node in services if node.id not in needed]
    lines += _branches(graph, roots or list(services), "", set(), paint)
    for kind, title in _PLURALS.items():
        nodes = graph.of(kind)
        if nodes:
            lines += ["", paint.bold(title), *_users(graph, nodes, paint)]
    if width:
        lines = [line if len(printable(line)) < width else shorten(line, max(width, _NARROWEST)) for line in lines]
    return "\n".join(lines) + "\n"


def _branches(
    graph: Graph, nodes: list[GraphNode], indent: str, drawn: set[str], paint: Paint, labels: tuple[str, ...] = ()
) -> Iterator[str]:
    known = {node.id: node for node in graph.nodes}
    for index, node in enumerate(nodes):
        last = index + 1 == len(nodes)
        label = f" {paint.dim(f'({labels[index]})')}" if labels and labels[index] else ""
        below = graph.edges_from(node, "needs", "lives_in")
        again = node.id in drawn and below
        details = "" if node.id in drawn else _details(node)
        drawn.add(node.id)
        more = paint.dim(" …") if again else ""
        yield f"{indent}{'└─ ' if last else '├─ '}{paint.bold(node.name)}{label}{paint.dim(details)}{more}"
        if not again:
            said = tuple(f"in its {edge.label}" if edge.relation == "lives_in" else edge.label for edge in below)
            targets = [known[edge.target] for edge in below]
            yield from _branches(graph, targets, indent + ("   " if last else "│  "), drawn, paint, said)


def _details(node: GraphNode) -> str:
    words = (["job"] if node.kind == "job" else []) + [printable(change) for change in node.details]
    return f"  {', '.join(words)}" if words else ""


def _users(graph: Graph, nodes: tuple[GraphNode, ...], paint: Paint) -> Iterator[str]:
    width = max(len(node.name) for node in nodes)
    for node in nodes:
        users = [
            f"{edge.source.partition('.')[2]}{f' {edge.label}' if edge.label else ''}"
            for edge in graph.edges
            if edge.target == node.id and edge.relation == "uses"
        ]
        marks = [*(["external"] if node.external else []), *node.details]
        noted = paint.dim(f"  ({', '.join(marks)})") if marks else ""
        yield f"  {node.name.ljust(width)}  {', '.join(users)}{noted}".rstrip()
