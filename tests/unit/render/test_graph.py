"""The graph of an environment in every form, from one small playbook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.app.graph import environment_graph
from provisioner.app.request import Request
from provisioner.model.graph import Graph, GraphEdge, GraphNode
from provisioner.render.graph_html import graph_html
from provisioner.render.graph_layout import boxes, columns
from provisioner.render.graph_source import graph_dot, graph_mermaid
from provisioner.render.graph_svg import graph_svg
from provisioner.render.graph_text import graph_text
from tests.unit.render.golden import check

if TYPE_CHECKING:
    from pathlib import Path

PLAYBOOK = """
name: shop
services:
  web:
    image: nginx:1.27
    ports: ["127.0.0.1:8080:80", "53:53/udp"]
    depends_on: {api: {condition: service_healthy}, db: {condition: service_healthy}}
    networks: [front]
    configs: [{source: site, target: /etc/site}]
  api:
    image: shop/api:1
    deploy: {replicas: 3}
    depends_on: {db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
    networks: [front, back]
    secrets: [password]
  migrate: {image: "shop/api:1", job: {run: on_change}, depends_on: [db], networks: [back]}
  db:
    image: postgres:17
    networks: [back]
    volumes: ["data:/var/lib/postgresql/data", "shared:/shared:ro"]
    secrets: [password]
  shell: {image: "alpine:3.20", network_mode: "service:db"}
networks: {front: {}, back: {external: true, name: outer}}
volumes: {data: {protect: true}, shared: {}}
configs: {site: {content: "x"}}
secrets: {password: {generate: {length: 20}}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Graph:
    (tmp_path / "compose.yaml").write_text(PLAYBOOK)
    return environment_graph(Request(files=(str(tmp_path / "compose.yaml"),), directory=str(tmp_path)))


def test_every_form(shop: Graph) -> None:
    check("graph.txt", graph_text(shop))
    check("graph.mmd", graph_mermaid(shop))
    check("graph.dot", graph_dot(shop))
    check("graph.svg", graph_svg(shop))


def test_the_page_needs_nothing_from_anywhere(shop: Graph) -> None:
    page = graph_html(shop)
    links = set(re.findall(r"""(?:https?:)?//[^\s"'<>]+""", page)) - {
        "//www.w3.org/2000/svg",
        "http://www.w3.org/2000/svg",
    }
    assert not links
    assert not re.findall(r"""(?:src|href)=|@import|url\((?!#)""", page)
    for node in shop.nodes:
        assert node.name in page


def test_a_drawing_is_xml_and_has_a_line_for_each_wait(shop: Graph) -> None:
    root = ElementTree.fromstring(graph_svg(shop))
    lines = {(one.get("data-from"), one.get("data-to")) for one in root.iter() if one.get("data-from")}
    assert lines == {(edge.source, edge.target) for edge in shop.edges if edge.relation != "uses"}


def test_what_stands_in_a_value_does_not_get_out_of_it() -> None:
    nasty = '"><script>x</script>\\"#'
    graph = Graph(nasty, (GraphNode("service", "a", (nasty,)), GraphNode("network", "n")),
                  (GraphEdge("service.a", "network.n", "uses", nasty),))  # fmt: skip
    assert "<script>x" not in graph_html(graph)
    ElementTree.fromstring(graph_svg(graph))
    assert "<script>" not in graph_mermaid(graph)
    assert graph_dot(graph).count('\\"><script>') == 3


def test_a_narrow_terminal_is_not_overrun(shop: Graph) -> None:
    assert max(map(len, graph_text(shop, width=60).splitlines())) <= 60


def test_an_environment_of_nothing() -> None:
    empty = Graph("shop", (), ())
    assert graph_text(empty) == "shop\n"
    ElementTree.fromstring(graph_svg(empty))
    assert graph_mermaid(empty) == "flowchart LR\n"


@st.composite
def needs(draw: st.DrawFn) -> dict[str, list[str]]:
    names = [f"s{index}" for index in range(draw(st.integers(0, 9)))]
    return {
        name: sorted(draw(st.sets(st.sampled_from(names[index + 1 :])))) if names[index + 1 :] else []
        for index, name in enumerate(names)
    }


@given(needs())
def test_columns_go_from_who_needs_to_what_is_needed_and_no_boxes_overlap(drawn: dict[str, list[str]]) -> None:
    placed = columns(drawn)
    where = {name: index for index, names in enumerate(placed.names) for name in names}
    for name, targets in drawn.items():
        for target in targets:
            way = [name, *placed.ways[name, target], target]
            assert [where[one] for one in way] == list(range(where[name], where[target] + 1))
    found = list(boxes(placed.names, dict.fromkeys(where, (100.0, 40.0)), (20.0, 10.0)).values())
    for index, one in enumerate(found):
        for other in found[index + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
