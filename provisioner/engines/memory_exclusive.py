"""What the engine in memory refuses because another object has it, in a real engine's words. Pure.

Ports and addresses are held by what runs, subnets by networks of one engine. An address has to be in its network.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from provisioner.kinds.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from provisioner.model.edges import EngineBody, EngineJson


def require_free(container: EngineJson, others: Iterable[EngineJson]) -> None:
    """Raises EngineRefused where another container that runs has a port or a fixed address of this one."""
    ports, addresses = set(_ports(container)), set(_addresses(container))
    for other in others:
        if not other["State"]["Running"] or other["Id"] == container["Id"]:
            continue
        for host, port in ports:
            if any(port == taken and _hosts_overlap(host, bound) for bound, taken in _ports(other)):
                text = f"driver failed programming external connectivity: Bind for {host or '0.0.0.0'}:{port} failed"
                raise refused(500, f"{text}: port is already allocated")
        if addresses & set(_addresses(other)):
            raise refused(500, "Address already in use")


def require_free_on(network: str, endpoint: EngineJson, container: EngineJson, others: Iterable[EngineJson]) -> None:
    """The same for a container that joins one more network while it runs."""
    if container["State"]["Running"]:
        joined = {**container, "HostConfig": {}, "NetworkSettings": {"Networks": {network: endpoint}}}
        require_free(joined, others)


def require_inside(endpoints: Mapping[str, EngineJson], networks: Iterable[EngineJson]) -> None:
    """Raises EngineRefused where a fixed address is in no subnet of its network, of those that somebody asked for."""
    subnets = {raw["Name"]: list(_subnets(raw)) for raw in networks}
    for network, address in _addresses({"NetworkSettings": {"Networks": endpoints}}):
        if subnets.get(network) and not any(ip_address(address) in subnet for subnet in subnets[network]):
            raise refused(400, f"Invalid address {address}: It does not belong to any of this network's subnets")


def require_free_subnet(body: EngineJson, networks: Iterable[EngineJson]) -> None:
    """Raises EngineRefused where a subnet of a network that is to be made overlaps one that is there."""
    wanted = list(_subnets(body))
    subnets = [subnet for raw in networks for subnet in _subnets(raw)]
    if any(new.version == existing.version and new.overlaps(existing) for new in wanted for existing in subnets):
        raise refused(403, "Pool overlaps with other one on this address space")


def listed(raw: EngineJson) -> EngineBody:
    """A container as GET /containers/json lists it."""
    ports = []
    for host, published, target in _bindings(raw) if raw["State"]["Running"] else ():
        number, _, protocol = target.partition("/")
        ports.append(
            {"IP": host or "0.0.0.0", "PublicPort": published, "PrivatePort": int(number), "Type": protocol or "tcp"}
        )
    networks = {
        name: {"IPAddress": (entry.get("IPAMConfig") or {}).get("IPv4Address") or "", "NetworkID": entry["NetworkID"]}
        for name, entry in raw["NetworkSettings"]["Networks"].items()
    }
    return {
        "Id": raw["Id"], "Names": [raw["Name"]], "State": raw["State"]["Status"], "Ports": ports,
        "Labels": raw["Config"].get("Labels") or {}, "NetworkSettings": {"Networks": networks},
        "Mounts": list(raw.get("Mounts") or ()),
    }  # fmt: skip


def _ports(raw: EngineJson) -> Iterator[tuple[str, str]]:
    """Host address and port with protocol; what is a range or up to the engine never clashes here."""
    for host, published, target in _bindings(raw):
        yield host, f"{published}/{target.partition('/')[2] or 'tcp'}"


def _bindings(raw: EngineJson) -> Iterator[tuple[str, int, str]]:
    """Host address, its port, and the container's port with its protocol. No ranges, nothing that an engine chooses."""
    for target, bindings in (raw["HostConfig"].get("PortBindings") or {}).items():
        for binding in bindings or ():
            if (binding.get("HostPort") or "0").isdecimal() and int(binding.get("HostPort") or 0):
                yield binding.get("HostIp") or "", int(binding["HostPort"]), target


def _hosts_overlap(host: str, other: str) -> bool:
    return host == other or not {host, other}.isdisjoint({"", "0.0.0.0", "::"})


def _addresses(raw: EngineJson) -> Iterator[tuple[str, str]]:
    for network, attached in raw["NetworkSettings"]["Networks"].items():
        for key in ("IPv4Address", "IPv6Address"):
            if address := (attached.get("IPAMConfig") or {}).get(key):
                yield network, address


def _subnets(raw: EngineJson) -> Iterator[Any]:
    """Those that somebody asked for: the engine's own choice is none of theirs."""
    for pool in (raw.get("IPAM") or {}).get("Config") or ():
        if pool.get("Subnet"):
            yield ip_network(pool["Subnet"], strict=False)
