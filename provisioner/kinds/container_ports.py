"""A container's `ports` and `expose`: HostConfig.PortBindings and Config.ExposedPorts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds.values import address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.kinds.fields import Raw


def expand(entry: Any) -> Iterator[str]:
    """The ports of one entry of `expose`, which may be a range."""
    ports, _, protocol = str(entry).partition("/")
    first, _, last = ports.partition("-")
    for port in range(int(first), int(last or first) + 1):
        yield f"{port}/{protocol or 'tcp'}"


def parse_ports(body: Raw) -> dict[str, Any]:
    """Published ports by the container's: `80/tcp` to the host's ports, with their addresses where they have one."""
    result: dict[str, list[str]] = {}
    for port in body.get("ports") or []:
        host, published = address(port.get("host_ip")) or "", str(port.get("published") or "")
        binding = f"[{host}]:{published}" if ":" in host else f"{host}:{published}" if host else published
        result.setdefault(f"{port['target']}/{port.get('protocol') or 'tcp'}", []).append(binding)
    return {target: sorted(set(bindings)) for target, bindings in result.items()}


def encode_ports(value: dict[str, Any]) -> Raw:
    """The PortBindings."""
    return {target: [_binding(text) for text in bound] for target, bound in value.items()}


def decode_ports(bindings: Raw) -> dict[str, Any]:
    """What `encode_ports` wrote."""
    return {target: sorted({_bound(one) for one in bound or [{}]}) for target, bound in bindings.items()}


def _binding(text: str) -> Raw:
    host, _, port = text.rpartition(":")
    return {"HostIp": host.strip("[]"), "HostPort": port}


def _bound(binding: Raw) -> str:
    host, port = address(binding.get("HostIp")) or "", binding.get("HostPort") or ""
    port = "" if port == "0" else port
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}" if host else port
