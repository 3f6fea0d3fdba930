"""What an environment consists of and how it hangs together, as a graph to be drawn."""

from __future__ import annotations

from typing import Literal

from provisioner.model.dataclass import dataclass

# needs: waits for it before it starts; uses: a network, volume, config or secret; lives_in: shares its namespace.
Relation = Literal["needs", "uses", "lives_in"]


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One declared object. `kind` is service, job, network, volume, config or secret; `details` are short lines."""

    kind: str
    name: str
    details: tuple[str, ...] = ()
    external: bool = False

    @property
    def id(self) -> str:
        return f"{'service' if self.kind == 'job' else self.kind}.{self.name}"


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """From who needs or uses to what is needed or used, both by id. `label` says how: `healthy`, `/data`."""

    source: str
    target: str
    relation: Relation
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """The graph of one environment; nodes and edges in the order of their ids."""

    title: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    def of(self, *kinds: str) -> tuple[GraphNode, ...]:
        """The nodes of some kinds."""
        return tuple(node for node in self.nodes if node.kind in kinds)

    def edges_from(self, node: GraphNode, *relations: Relation) -> tuple[GraphEdge, ...]:
        """The edges that begin at a node."""
        return tuple(edge for edge in self.edges if edge.source == node.id and edge.relation in relations)
