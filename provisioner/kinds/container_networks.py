"""A container's `networks`, keyed by the playbook's name of the network, and its `network_mode`.

Engine API: HostConfig.NetworkMode, NetworkingConfig.EndpointsConfig, POST /networks/{id}/connect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds.values import address, pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from provisioner.kinds.fields import Raw

_BUILT_IN = ("host", "none", "bridge")
# The observed side's key for aliases that an engine adds by itself, and that may be declared all the same.
_ADDED_ALIASES = "added_aliases"


def parse_networks(service: str, body: Raw, links: Sequence[str] = ()) -> dict[str, Any]:
    """The networks a service is attached to; the service's own name is always an alias.

    `links` are `container:alias`. The service's own `mac_address` is that of its first network.
    """
    if body.get("network_mode"):
        return {}
    first = next(iter(network_order(body)), None)
    result: dict[str, Any] = {}
    for key in network_order(body):
        network = body["networks"][key] or {}
        entry: dict[str, Any] = {"aliases": sorted({service, *(network.get("aliases") or [])})}
        options = {
            "ipv4_address": address(network.get("ipv4_address")),
            "ipv6_address": address(network.get("ipv6_address")),
            "link_local_ips": sorted(address(one) or "" for one in network.get("link_local_ips") or []),
            "mac_address": mac_address(network.get("mac_address") or (body.get("mac_address") if key == first else "")),
            "links": list(links),
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
    if entry.get("links"):
        settings["Links"] = entry["links"]
    if entry.get("gw_priority"):
        settings["GwPriority"] = entry["gw_priority"]
    return settings


def encode_first(
    raw: Raw, attached: dict[str, Any], names: Mapping[str, str], mac: str | None, api_version: tuple[int, int]
) -> None:
    """Write the first network, the one that a container is created on, and its hardware address.

    Before API 1.44 the hardware address is the container's, from then on its endpoint's.
    """
    first = next(iter(attached), None)
    endpoints = {} if first is None else {names.get(first, first): endpoint(attached[first])}
    if first is None and mac:
        endpoints["bridge"] = {"MacAddress": mac}
    mac = mac if first is None else attached[first].get("mac_address")
    if mac and api_version < (1, 44):
        raw["Config"]["MacAddress"] = mac
        for settings in endpoints.values():
            settings.pop("MacAddress", None)
    if any(endpoints.values()):
        raw["NetworkingConfig"] = {"EndpointsConfig": endpoints}


def declared(attached: dict[str, Any]) -> list[str]:
    """The paths of the addresses that a spec declares, and that an engine would otherwise choose."""
    return sorted(f"networks.{key}.mac_address" for key, entry in attached.items() if entry.get("mac_address"))


def without_chosen(observed: dict[str, Any], desired: dict[str, Any], recorded: Iterable[str]) -> dict[str, Any]:
    """Observed attachments without what an engine chose: hardware addresses and aliases that nobody declares.

    `recorded` are the paths of the addresses that were declared when the container was made.
    """
    paths = set(recorded)
    result: dict[str, Any] = {}
    for key, entry in observed.items():
        wanted = desired.get(key, {})
        kept = "mac_address" in wanted or f"networks.{key}.mac_address" in paths
        left = {name: value for name, value in entry.items() if name != "mac_address" or kept}
        declared_too = set(left.pop(_ADDED_ALIASES, ())) & set(wanted.get("aliases", ()))
        result[key] = left | {"aliases": sorted({*left["aliases"], *declared_too})}
    return result


def decode_networks(raw: Raw, keys: Mapping[str, str]) -> dict[str, Any]:
    """The attachments from an inspection. `keys` gives the playbook's name for a network's name on the engine."""
    mode = raw["HostConfig"].get("NetworkMode") or "default"
    if mode.startswith("container:"):
        return {}
    # Where the mode itself is an attachment, it is not one of `networks`; whatever else is there, is.
    implied = {"default": "bridge"}.get(mode, mode)
    short_id, hostname = raw["Id"][:12], raw["Config"].get("Hostname")
    result: dict[str, Any] = {}
    for name, network in (raw.get("NetworkSettings", {}).get("Networks") or {}).items():
        if name == implied and name in _BUILT_IN:
            continue
        addresses = network.get("IPAMConfig") or {}
        options = {
            "ipv4_address": address(addresses.get("IPv4Address")),
            "ipv6_address": address(addresses.get("IPv6Address")),
            "link_local_ips": sorted(address(one) or "" for one in addresses.get("LinkLocalIPs") or []),
            "mac_address": mac_address(network.get("MacAddress")),
            "links": sorted(network.get("Links") or []),
            "driver_opts": network.get("DriverOpts"),
            "gw_priority": network.get("GwPriority"),
        }
        # The engine adds the short id (API before 1.45), and before DNSNames (API 1.44) the hostname, which may well be
        # a declared alias too.
        added = {hostname} & set(network.get("Aliases") or []) if "DNSNames" not in network else set()
        aliases = sorted(set(network.get("Aliases") or []) - added - {short_id})
        entry: dict[str, Any] = {"aliases": aliases}
        if added - {short_id}:
            entry[_ADDED_ALIASES] = sorted(added)
        result[keys.get(name, name)] = entry | {key: value for key, value in options.items() if value}
    return result


def parse_default(body: Raw) -> str | None:
    """The network that comes first because of its `priority`; None where no priority says so."""
    attached = body.get("networks") or {}
    ranked = any((network or {}).get("priority") for network in attached.values())
    return network_order(body)[0] if ranked and len(attached) > 1 and not body.get("network_mode") else None


def decode_default(raw: Raw, keys: Mapping[str, str]) -> str | None:
    return keys.get(raw["HostConfig"].get("NetworkMode") or "")


def decode_mac(raw: Raw) -> str | None:
    """The hardware address on the engine's own bridge."""
    if raw["HostConfig"].get("NetworkMode") not in ("bridge", "default", "", None):
        return None
    attached = raw.get("NetworkSettings", {}).get("Networks") or {}
    return mac_address(raw["Config"].get("MacAddress") or (attached.get("bridge") or {}).get("MacAddress"))


def link(entry: str, containers: Mapping[str, tuple[str, ...]] | None) -> Iterator[str]:
    """A link as `container:alias`; `containers` gives those of a service, None takes the name for a container's.

    A service without an alias needs no link: its name is known on the network.
    """
    name, _, alias = entry.partition(":")
    if containers is None:
        yield f"{name}:{alias or name}"
    elif alias and alias != name:
        yield from (f"{container}:{alias}" for container in containers.get(name, (name,)))


def decode_link(text: str) -> str:
    """`/container:/me/alias` as `container:alias`."""
    container, _, alias = text.partition(":")
    return f"{container.lstrip('/')}:{alias.rpartition('/')[2]}"


def mac_address(text: str | None) -> str | None:
    return text.lower().replace("-", ":") if text else None


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
