"""A graph as one page that needs nothing else: the drawing, and tables of what is used by whom."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from provisioner.render.graph_svg import STYLE, graph_svg
from provisioner.render.paint import printable

if TYPE_CHECKING:
    from provisioner.model.graph import Graph

_TITLES = {"network": "Networks", "volume": "Volumes", "config": "Configs", "secret": "Secrets"}
_PAGE_STYLE = """
:root { color-scheme: light dark; } body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }
figure { margin: 0; overflow-x: auto; } figure svg { height: auto; max-width: 100%; }
@media (max-width: 60rem) { body { margin: 1rem; } figure svg { max-width: none; } }
td { overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: .5rem 0 2rem; }
th, td { text-align: left; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid #8c959f55; vertical-align: top; }
.graph .card { cursor: pointer; } .graph.chosen g[data-from]:not(.near), .graph.chosen .card:not(.near) { opacity: .2; }
"""
# A click on a service shows what it needs and who needs it; another one shows everything again.
_SCRIPT = """
const graph = document.querySelector('.graph');
graph.addEventListener('click', event => {
  const card = event.target.closest('.card'), was = graph.dataset.chosen;
  graph.querySelectorAll('.near').forEach(one => one.classList.remove('near'));
  graph.dataset.chosen = card && card.id !== was ? card.id : '';
  graph.classList.toggle('chosen', !!graph.dataset.chosen);
  if (!graph.dataset.chosen) return;
  card.classList.add('near');
  graph.querySelectorAll('g[data-from]').forEach(line => {
    if (line.dataset.from !== card.id && line.dataset.to !== card.id) return;
    line.classList.add('near');
    for (const id of [line.dataset.from, line.dataset.to]) document.getElementById(id)?.classList.add('near');
  });
});
"""


def graph_html(graph: Graph) -> str:
    """The page. It loads nothing from anywhere."""
    tables = "".join(_table(graph, kind, title) for kind, title in _TITLES.items())
    title = escape(printable(graph.title))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_PAGE_STYLE}{STYLE}</style></head>\n<body><h1>{title}</h1>\n"
        f"<figure>{graph_svg(graph, standalone=False)}</figure>\n{tables}<script>{_SCRIPT}</script>\n</body></html>\n"
    )


def _table(graph: Graph, kind: str, title: str) -> str:
    nodes = graph.of(kind)
    if not nodes:
        return ""
    rows = ""
    for node in nodes:
        used = [
            f"{edge.source.partition('.')[2]}{f' ({edge.label})' if edge.label else ''}"
            for edge in graph.edges
            if edge.target == node.id
        ]
        marks = ", ".join([*(["external"] if node.external else []), *node.details])
        cells = (node.name, ", ".join(used), marks)
        rows += f"<tr>{''.join(f'<td>{escape(printable(cell))}</td>' for cell in cells)}</tr>\n"
    return f"<h2>{title}</h2>\n<table><tr><th>name</th><th>used by</th><th></th></tr>\n{rows}</table>\n"
