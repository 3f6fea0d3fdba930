"""A container's `ports` and `expose`: HostConfig.PortBindings and Config.ExposedPorts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds.values import address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import Bindings
    from provisioner.model.state import ImageFacts, Spec


def parse_exposed(body: ComposeBody) -> list[str]:
    """The ports of `expose`, of which an entry may be a range."""
    return sorted({port for entry in body.get("expose") or [] for port in _expand(entry)})


def _expand(entry: Any) -> Iterator[str]:
    ports, _, protocol = str(entry).partition("/")
    first, _, last = ports.partition("-")
    for port in range(int(first), int(last or first) + 1):
        yield f"{port}/{protocol or 'tcp'}"


def exposed(live: Iterable[str]) -> set[str]:
    """The ports of an inspection; Compose may leave the protocol out, which an engine takes as it is."""
    return {port for entry in live for port in _expand(entry)}


def expose(raw: EngineBody, ports: Iterable[str]) -> None:
    """Add to the ExposedPorts."""
    raw["Config"].setdefault("ExposedPorts", {}).update({port: {} for port in ports})


def decode_exposed(raw: EngineBody) -> list[str]:
    """The exposed ports that are not published."""
    published = set(raw["HostConfig"].get("PortBindings") or {})
    return sorted(exposed(raw["Config"].get("ExposedPorts") or {}) - published)


def exposed_beyond_image(spec: Spec, image: ImageFacts, observed: bool) -> list[str]:
    """The exposed ports that neither the image exposes nor the container publishes."""
    return sorted(set(spec["expose"]) - set(spec["ports"]) - set(image.ports))


def parse_ports(body: ComposeBody) -> dict[str, Bindings]:
    """Published ports by the container's: `80/tcp` to the host's ports, with their addresses where they have one."""
    result: dict[str, Bindings] = {}
    for port in body.get("ports") or []:
        host, published = address(port.get("host_ip")) or "", str(port.get("published") or "")
        binding = f"[{host}]:{published}" if ":" in host else f"{host}:{published}" if host else published
        result.setdefault(f"{port['target']}/{port.get('protocol') or 'tcp'}", []).append(binding)
    return {target: sorted(set(bindings)) for target, bindings in result.items()}


def encode_ports(raw: EngineBody, value: Mapping[str, Bindings]) -> None:
    """The PortBindings; what is published is exposed too."""
    expose(raw, value)
    raw["HostConfig"]["PortBindings"] = {target: [_binding(text) for text in bound] for target, bound in value.items()}


def decode_ports(raw: EngineBody) -> dict[str, Bindings]:
    """What `encode_ports` wrote."""
    bindings = raw["HostConfig"].get("PortBindings") or {}
    return {target: sorted({_bound(binding) for binding in bound or [{}]}) for target, bound in bindings.items()}


def _binding(text: str) -> EngineBody:
    host, _, port = text.rpartition(":")
    return {"HostIp": host.strip("[]"), "HostPort": port}


def _bound(binding: EngineBody) -> str:
    host, port = address(binding.get("HostIp")) or "", binding.get("HostPort") or ""
    port = "" if port == "0" else port
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}" if host else port
