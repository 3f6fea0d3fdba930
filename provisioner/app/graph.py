"""`graph`: how the parts of an environment hang together, from its playbook alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.app.load import load_playbook
from provisioner.model.graph import Graph, GraphEdge, GraphNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.app.request import Request
    from provisioner.model.playbook import Declared, Playbook, Service

_CONDITIONS = {"service_healthy": "healthy", "service_completed_successfully": "done", "service_started": ""}
_LIVES_IN = ("network_mode", "pid", "ipc")


def environment_graph(request: Request) -> Graph:
    """The graph of the environment that a request names. PlaybookInvalid for an invalid playbook."""
    return graph_of(load_playbook(request, allow_unset=True))


def graph_of(playbook: Playbook) -> Graph:
    """The graph of a playbook: its services and jobs, and what they use of what it declares."""
    sections = {
        "network": playbook.networks, "volume": playbook.volumes,
        "config": playbook.configs, "secret": playbook.secrets,
    }  # fmt: skip
    nodes = [_service(service) for service in playbook.services.values()]
    nodes += [_declared(kind, declared) for kind, section in sections.items() for declared in section.values()]
    ids = {node.id for node in nodes}
    edges = {edge for service in playbook.services.values() for edge in _edges(service) if edge.target in ids}
    return Graph(
        playbook.title,
        tuple(sorted(nodes, key=lambda node: node.id)),
        tuple(sorted(edges, key=lambda edge: (edge.source, edge.target, edge.relation, edge.label))),
    )


def _service(service: Service) -> GraphNode:
    body: Any = service.body.plain()
    details = [service.image] if service.image else []
    details += [f"{service.replicas} replicas"] if service.replicas != 1 else []
    details += [_port(port) for port in body.get("ports") or ()]
    return GraphNode("job" if service.job else "service", service.name, tuple(details))


def _port(port: dict[str, Any]) -> str:
    host = f"{port['host_ip']}:" if port.get("host_ip") else ""
    protocol = f"/{port['protocol']}" if port.get("protocol", "tcp") != "tcp" else ""
    # Without one of its own the engine chooses, anew at each start.
    return f"{host}{port.get('published') or 'any'} → {port['target']}{protocol}"


def _declared(kind: str, declared: Declared) -> GraphNode:
    return GraphNode(kind, declared.key, ("protected",) if declared.protect else (), declared.external)


def _edges(service: Service) -> Iterator[GraphEdge]:
    body: Any = service.body.plain()
    source = f"service.{service.name}"
    hosts: set[str] = set()
    for key in _LIVES_IN:
        word, _, name = str(body.get(key) or "").partition(":")
        if word == "service":
            hosts.add(name)
            yield GraphEdge(source, f"service.{name}", "lives_in", key.removesuffix("_mode"))
    for needed in service.depends_on:
        # Whoever lives in another needs it started: that is said already.
        if needed.service not in hosts or needed.condition != "service_started":
            yield GraphEdge(source, f"service.{needed.service}", "needs", _CONDITIONS[needed.condition])
    for name in body.get("networks") or ():
        yield GraphEdge(source, f"network.{name}", "uses")
    for mount in body.get("volumes") or ():
        if mount.get("type") == "volume" and mount.get("source"):
            read_only = " (read only)" if mount.get("read_only") else ""
            yield GraphEdge(source, f"volume.{mount['source']}", "uses", f"{mount['target']}{read_only}")
    for kind in ("config", "secret"):
        for entry in body.get(f"{kind}s") or ():
            yield GraphEdge(source, f"{kind}.{entry['source']}", "uses")
