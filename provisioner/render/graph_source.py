"""A graph in the languages of other programs: Mermaid, which GitHub and GitLab draw, and DOT of Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.paint import printable

if TYPE_CHECKING:
    from provisioner.model.graph import Graph, GraphEdge, GraphNode

# Mermaid's brackets around a text, and Graphviz's shapes.
_BRACKETS = {
    "service": ("[", "]"), "job": ("[[", "]]"), "network": ("([", "])"), "volume": ("[(", ")]"),
    "config": ("[/", "/]"), "secret": ("{{", "}}"),
}  # fmt: skip
_SHAPES = {
    "service": "box", "job": "cds", "network": "oval", "volume": "cylinder", "config": "note", "secret": "hexagon",
}  # fmt: skip


def graph_mermaid(graph: Graph) -> str:
    """A flowchart (Mermaid's syntax of `flowchart`)."""
    numbers = {node.id: f"n{index}" for index, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node in graph.nodes:
        opened, closed = _BRACKETS[node.kind]
        lines.append(
            f'  {numbers[node.id]}{opened}"{"<br/>".join(_escaped_html(word) for word in _words(node))}"{closed}'
        )
    for edge in graph.edges:
        arrow = "-.->" if edge.relation == "uses" else "-->"
        label = f'|"{_escaped_html(_label(edge))}"|' if _label(edge) else ""
        lines.append(f"  {numbers[edge.source]} {arrow}{label} {numbers[edge.target]}")
    return "\n".join(lines) + "\n"


def graph_dot(graph: Graph) -> str:
    """A directed graph (Graphviz's DOT language)."""
    lines = [f"digraph {_quoted(graph.title)} {{", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for node in graph.nodes:
        lines.append(f"  {_quoted(node.id)} [shape={_SHAPES[node.kind]}, label={_quoted(chr(10).join(_words(node)))}];")
    for edge in graph.edges:
        style = ", style=dashed" if edge.relation == "uses" else ""
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(_label(edge))}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _words(node: GraphNode) -> list[str]:
    name = node.name if node.kind == "service" else f"{node.kind} {node.name}"
    return [printable(word) for word in (name, *(["external"] if node.external else []), *node.details)]


def _label(edge: GraphEdge) -> str:
    return f"in its {edge.label}" if edge.relation == "lives_in" else printable(edge.label)


def _escaped_html(text: str) -> str:
    """A text in a quoted label of Mermaid, which reads entities written with a `#`."""
    for character, entity in (("#", "#35;"), ("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(character, entity)
    return text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
