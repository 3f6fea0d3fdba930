"""Options and pools of networks that no engine carries out, though it may take them. Pure.

Options are judged where the network is a bridge; pools where the engine's own driver gives the addresses out.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from provisioner.model.node import items_of, mapping_of
from provisioner.model.span import Problem
from provisioner.playbook.impossible import Impossible, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Network, IPv6Network

    from provisioner.model.node import Node
    from provisioner.model.playbook import Declared, Playbook
    from provisioner.model.span import Span

    Subnet = IPv4Network | IPv6Network

_BRIDGE = "com.docker.network.bridge."
_INTERFACE = f"{_BRIDGE}name"
# libnetwork/drivers/bridge/bridge.go, fromLabels: what is read with strconv.ParseBool.
_SWITCHES = tuple(f"{_BRIDGE}{word}" for word in ("enable_icc", "enable_ip_masquerade", "default_bridge"))
_PARSED_BOOL = frozenset(["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"])
# Linux, IFNAMSIZ without its end.
_LONGEST_INTERFACE = 15
_WHOLE = re.compile(r"[+-]?[0-9]+")


def bridge_options(playbook: Playbook) -> Iterator[Problem]:
    """Options that a bridge does not understand, and one interface for two networks; of a plain engine."""
    first: dict[str, Declared] = {}
    for network in used_networks(playbook):
        if network.external or not _is_bridge(network):
            continue
        options = mapping_of(network.body.get("driver_opts"))
        for key, node in options.items():
            why = _wrong_option(key, "" if node.value is None else str(node.value))
            if why:
                yield _at(network, Impossible(("driver_opts", key), node.span, *why))
        interface = options.get(_INTERFACE)
        if interface is None or not interface.value:
            continue
        other = first.setdefault(str(interface.value), network)
        if other is not network:
            message = f"the interface {shown(interface.value)} is that of networks.{other.key} already"
            yield _at(network, Impossible(("driver_opts", _INTERFACE), interface.span, message, "name another one"))


def _wrong_option(key: str, value: str) -> tuple[str, str] | None:
    if key == _INTERFACE and len(value.encode()) > _LONGEST_INTERFACE:
        return f"{shown(value)} is longer than the {_LONGEST_INTERFACE} letters of an interface", "choose a shorter one"
    if key == "com.docker.network.driver.mtu" and (not _WHOLE.fullmatch(value) or int(value) < 0):
        return f"{shown(value)} is no size of a packet", "write a number of bytes, such as 1450"
    if key in _SWITCHES and value not in _PARSED_BOOL:
        return f"{shown(value)} is neither true nor false", 'write "true" or "false"'
    if key == f"{_BRIDGE}host_binding_ipv4" and not _is_address(value):
        return f"{shown(value)} is no IP address", "write one of the host, such as 127.0.0.1"
    return None


def pool_problems(network: Declared) -> Iterator[Problem]:
    """Pools that containers can not be in, and what needs a pool where none is declared."""
    for index, entry in enumerate(items_of(network.body.get("ipam", "config"))):
        place, node = ("ipam", "config", str(index)), entry.get("subnet")
        if node is None or not node.value:
            for key in ("gateway", "ip_range", "aux_addresses"):
                part = entry.get(key)
                if part is not None and part.value:
                    message = "it is a part of a subnet, and none is declared beside it"
                    yield _at(network, Impossible((*place, key), part.span, message, "name the `subnet` too"))
            continue
        subnet = subnet_of(node)
        if subnet is None or not _is_bridge(network):
            continue
        why = _no_place_for_containers(subnet)
        if why:
            hint = "choose one of private addresses, such as 10.5.0.0/24 or fd00:5::/64"
            yield _at(network, Impossible((*place, "subnet"), node.span, f"{subnet} {why}", hint))


def _no_place_for_containers(subnet: Subnet) -> str:
    """Why the kernel gives a container no route in a subnet, which engines make all the same; '' where it does."""
    address = subnet.network_address
    if address.is_multicast:
        return "is for multicast: no container can have an address of it"
    if address.is_loopback:
        return "is for loopback: no container can have an address of it"
    if subnet.version == 4 and str(address).startswith("0."):
        return "is for no host: no container can have an address of it"
    return ""


def overlaps(playbook: Playbook) -> Iterator[Problem]:
    """Subnets of the playbook's own networks of which an engine makes only the first."""
    taken: list[tuple[Subnet, Span, str]] = []
    for network in used_networks(playbook):
        ipam = network.body.get("ipam", "driver")
        if network.external or (ipam is not None and ipam.value not in (None, "", "default")):
            continue
        mine: list[tuple[Subnet, Span, str]] = []
        for index, entry in enumerate(items_of(network.body.get("ipam", "config"))):
            node = entry.get("subnet")
            subnet = subnet_of(node) if node is not None and node.value else None
            if node is None or subnet is None:
                continue
            for other, span, key in taken:
                if other.version == subnet.version and other.overlaps(subnet):
                    message = f"{subnet} and {other} of networks.{key} at {span} have addresses in common"
                    where = ("ipam", "config", str(index), "subnet")
                    yield _at(network, Impossible(where, node.span, message, "choose another subnet for one of them"))
                    break
            mine.append((subnet, node.span, network.key))
        taken += mine


def _is_bridge(network: Declared) -> bool:
    driver = network.body.get("driver")
    return driver is None or driver.value in (None, "", "bridge")


def used_networks(playbook: Playbook) -> list[Declared]:
    """The networks that active services are on: no others are made."""
    used: set[str] = set()
    for service in playbook.services.values():
        used |= mapping_of(service.body.get("networks")).keys()
    return [network for key, network in playbook.networks.items() if key in used]


def subnet_of(node: Node) -> Subnet | None:
    """The subnet that a node writes; None where it is none."""
    try:
        return ip_network(str(node.value), strict=False)
    except ValueError:
        return None


def _at(network: Declared, impossible: Impossible) -> Problem:
    return Problem(
        impossible.message, impossible.span, ".".join(("networks", network.key, *impossible.keys)), impossible.hint
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
