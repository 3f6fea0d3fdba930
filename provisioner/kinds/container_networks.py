"""A container's `networks`, keyed by the playbook's name of the network, and its `network_mode`.

Engine API: HostConfig.NetworkMode, NetworkingConfig.EndpointsConfig, POST /networks/{id}/connect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds.values import pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.kinds.fields import Raw


def parse_networks(service: str, body: Raw) -> dict[str, Any]:
    """The networks a service is attached to; the service's own name is always an alias."""
    if body.get("network_mode"):
        return {}
    result: dict[str, Any] = {}
    for key, network in (body.get("networks") or {}).items():
        network = network or {}
        entry: dict[str, Any] = {"aliases": sorted({service, *(network.get("aliases") or [])})}
        options = {
            "ipv4_address": network.get("ipv4_address"),
            "ipv6_address": network.get("ipv6_address"),
            "link_local_ips": sorted(network.get("link_local_ips") or []),
            "mac_address": network.get("mac_address") or body.get("mac_address"),
            "driver_opts": _driver_options(network),
            "gw_priority": network.get("gw_priority"),
        }
        result[key] = entry | {name: value for name, value in options.items() if value}
    return result


def _driver_options(network: Raw) -> dict[str, str]:
    options = dict(pairs(network.get("driver_opts"), "="))
    if network.get("interface_name"):
        options["com.docker.network.endpoint.ifname"] = network["interface_name"]
    return options


def network_order(body: Raw) -> tuple[str, ...]:
    """The network keys with the one that gives the default route first: highest priority, then name."""
    networks = body.get("networks") or {}
    return tuple(sorted(networks, key=lambda key: (-int((networks[key] or {}).get("priority") or 0), key)))


def endpoint(entry: dict[str, Any]) -> Raw:
    """The EndpointSettings of one attachment."""
    settings: Raw = {"Aliases": entry["aliases"]}
    addresses: Raw = {}
    if entry.get("ipv4_address"):
        addresses["IPv4Address"] = entry["ipv4_address"]
    if entry.get("ipv6_address"):
        addresses["IPv6Address"] = entry["ipv6_address"]
    if entry.get("link_local_ips"):
        addresses["LinkLocalIPs"] = entry["link_local_ips"]
    if addresses:
        settings["IPAMConfig"] = addresses
    if entry.get("mac_address"):
        settings["MacAddress"] = entry["mac_address"]
    if entry.get("driver_opts"):
        settings["DriverOpts"] = entry["driver_opts"]
    if entry.get("gw_priority"):
        settings["GwPriority"] = entry["gw_priority"]
    return settings


def decode_networks(raw: Raw, keys: Mapping[str, str]) -> dict[str, Any]:
    """The attachments from an inspection. `keys` gives the playbook's name for a network's name on the engine."""
    if _namespace(raw["HostConfig"].get("NetworkMode") or ""):
        return {}
    # The engine adds the short id (API before 1.45) and the container's name.
    added = {raw["Id"][:12], raw.get("Name", "").lstrip("/")}
    declared_mac = raw["Config"].get("MacAddress")
    result: dict[str, Any] = {}
    for name, network in (raw.get("NetworkSettings", {}).get("Networks") or {}).items():
        if name in ("host", "none", "bridge"):
            continue
        addresses = network.get("IPAMConfig") or {}
        options = {
            "ipv4_address": addresses.get("IPv4Address"),
            "ipv6_address": addresses.get("IPv6Address"),
            "link_local_ips": sorted(addresses.get("LinkLocalIPs") or []),
            "mac_address": declared_mac or network.get("MacAddress"),
            "driver_opts": network.get("DriverOpts"),
            "gw_priority": network.get("GwPriority"),
        }
        aliases = sorted(set(network.get("Aliases") or []) - added)
        entry: dict[str, Any] = {"aliases": aliases}
        result[keys.get(name, name)] = entry | {key: value for key, value in options.items() if value}
    return result


def parse_mode(body: Raw) -> str | None:
    mode = body.get("network_mode")
    if mode:
        return str(mode)
    return None if body.get("networks") else "none"


def decode_mode(raw: Raw, services: Mapping[str, str]) -> str | None:
    """`network_mode` as the playbook says it. `services` gives the service of a container's id."""
    mode = raw["HostConfig"].get("NetworkMode") or "default"
    if mode.startswith("container:"):
        return shared(mode, services)
    if mode in ("host", "none"):
        return str(mode)
    return "bridge" if mode in ("bridge", "default") else None


def shared(mode: str, services: Mapping[str, str]) -> str:
    """`container:<id>` as `service:<name>` where the container is one of ours."""
    identity = mode.partition(":")[2]
    return f"service:{services[identity]}" if identity in services else mode


def _namespace(mode: str) -> bool:
    return mode.startswith("container:") or mode in ("host", "none", "bridge", "default")
