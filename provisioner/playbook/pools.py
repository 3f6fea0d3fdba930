"""Names and address pools of networks, and fixed addresses on them, that no engine takes. Pure.

A pool is judged where the engine's own driver gives the addresses out; of an external network the file tells nothing.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from provisioner.model.node import items_of, mapping_of
from provisioner.model.span import Problem
from provisioner.playbook.impossible import Impossible, shown
from provisioner.playbook.network_options import pool_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Address, IPv6Address

    from provisioner.model.node import Node
    from provisioner.model.playbook import Declared, Playbook

    Address = IPv4Address | IPv6Address
    Subnet = IPv4Network | IPv6Network

# daemon/network.go, runconfig.IsPreDefinedNetwork: every engine has them.
_PREDEFINED = ("bridge", "host", "none", "default")
# libnetwork/controller.go: of these drivers there is one network.
_ONLY_ONCE = ("host", "null")
_FIXED = {"ipv4_address": 4, "ipv6_address": 6}


class _Pool(NamedTuple):
    """A subnet, and who has which addresses of it already."""

    subnet: Subnet
    taken: dict[Address, str]


def network_problems(playbook: Playbook) -> Iterator[Problem]:
    """What can not be of the playbook's own networks."""
    for network in playbook.networks.values():
        if network.external:
            continue
        if network.name in _PREDEFINED:
            name = network.body.get("name") or network.body
            yield _at(network, Impossible(
                ("name",), name.span, f"every engine has a network {shown(network.name)} of its own",
                "choose another name, or use that one with `external: true`",
            ))  # fmt: skip
        driver = network.body.get("driver")
        if driver is not None and driver.value in _ONLY_ONCE:
            yield _at(network, Impossible(
                ("driver",), driver.span, f"an engine has one network of the driver {driver.value}, its own",
                "write `network_mode: host` or `network_mode: none` at the services instead",
            ))  # fmt: skip
        if _gives_addresses(network.body):
            for index, entry in enumerate(items_of(network.body.get("ipam", "config"))):
                for impossible in _pool_problems(("ipam", "config", str(index)), entry):
                    yield _at(network, impossible)
            yield from pool_problems(network)
    yield from _second_pools(playbook, named_only=True)


def fixed_addresses(playbook: Playbook) -> Iterator[Problem]:
    """Fixed addresses on the playbook's own networks that can not be had; a Swarm gives none at all."""
    for service in playbook.services.values():
        given = service.body.mapping
        attached = given["networks"].value if "networks" in given else None
        for name, entry in attached.items() if isinstance(attached, dict) else ():
            for key, version in _FIXED.items() if isinstance(entry.value, dict) else ():
                node = entry.value.get(key)
                network = playbook.networks.get(name) if node is not None and node.value else None
                if node is not None and network is not None:
                    yield from _address_problems(
                        network, node, version, f"services.{service.name}.networks.{name}.{key}"
                    )


def kept_addresses(playbook: Playbook) -> Iterator[Problem]:
    """`aux_addresses` that engines can not keep, because the gateway or another one has them."""
    for network in playbook.networks.values():
        if network.external or not _has_gateway(network.body) or not _gives_addresses(network.body):
            continue
        for index, entry in enumerate(items_of(network.body.get("ipam", "config"))):
            subnet, others = _subnet_of(entry), entry.get("aux_addresses")
            if subnet is None or others is None or not others.is_mapping:
                continue
            taken = _unusable(subnet) | _gateway(network.body, entry, subnet)
            for name, item in others.mapping.items():
                address = _address(str(item.value))
                if address in taken:
                    keys = ("ipam", "config", str(index), "aux_addresses", name)
                    message = f"{address} can not be kept: it is {taken[address]}"
                    yield _at(network, Impossible(keys, item.span, message, "choose another one, or leave it out"))
                elif address is not None:
                    taken[address] = f"kept for {shown(name)} already"


def host_bits(playbook: Playbook) -> Iterator[Problem]:
    """Subnets and ranges that are written as an address inside them: Docker Engine 25.0 and later take none."""
    for network in playbook.networks.values():
        for index, entry in enumerate(items_of(network.body.get("ipam", "config"))):
            for key in ("subnet", "ip_range"):
                node = entry.get(key)
                pool = _subnet(str(node.value)) if node is not None and node.value else None
                if node is None or pool is None or _address(str(node.value).partition("/")[0]) == pool.network_address:
                    continue
                message = f"{shown(node.value)} is an address inside of {pool}"
                keys = ("ipam", "config", str(index), key)
                yield _at(network, Impossible(keys, node.span, message, f"write {pool}"))


def second_pools(playbook: Playbook) -> Iterator[Problem]:
    """Second pools of one family in networks that are bridges because nothing else is said: those of a plain engine."""
    return _second_pools(playbook, named_only=False)


def scarce_addresses(playbook: Playbook) -> Iterator[Problem]:
    """Bridges whose subnet has fewer addresses than containers are to be on it at once; one-shots are not counted."""
    attached: Counter[str] = Counter()
    for service in playbook.services.values():
        if service.job is None:
            attached.update(dict.fromkeys(mapping_of(service.body.get("networks")), service.replicas))
    for network in playbook.networks.values():
        driver = network.body.get("driver")
        is_bridge = driver is None or driver.value in (None, "", "bridge")
        if network.external or not is_bridge or not _gives_addresses(network.body):
            continue
        for index, entry in enumerate(items_of(network.body.get("ipam", "config"))):
            pool, node = _pool(network.body, entry), entry.get("subnet")
            if pool is None or node is None:
                continue
            room = pool.subnet.num_addresses - len(pool.taken)
            if attached[network.key] > room:
                keys = ("ipam", "config", str(index), "subnet")
                containers = "1 container" if room == 1 else f"{room} containers"
                message = f"{pool.subnet} has addresses for {containers}, and {attached[network.key]} are on it"
                yield _at(network, Impossible(keys, node.span, message, "write a larger subnet"))


def _at(network: Declared, impossible: Impossible) -> Problem:
    return Problem(
        impossible.message, impossible.span, ".".join(("networks", network.key, *impossible.keys)), impossible.hint
    )


def _gives_addresses(body: Node) -> bool:
    """Whether the engine's own driver gives addresses out."""
    driver = body.get("ipam", "driver")
    return driver is None or driver.value in (None, "", "default")


def _pool_problems(keys: tuple[str, ...], entry: Node) -> Iterator[Impossible]:
    """A subnet that is none, and what lies outside it."""
    node = entry.get("subnet")
    if node is None or not node.value:
        return
    subnet = _subnet(str(node.value))
    if subnet is None:
        hint = "write an address and a length, such as 10.5.0.0/24"
        yield Impossible((*keys, "subnet"), node.span, f"{shown(node.value)} is no subnet", hint)
        return
    part = entry.get("ip_range")
    if part is not None and part.value:
        inner = _subnet(str(part.value))
        # Engines before 25.0 take any range of the family, also one outside.
        if inner is None or inner.version != subnet.version:
            message = f"{shown(part.value)} is no part of the subnet {subnet}"
            yield Impossible((*keys, "ip_range"), part.span, message, "write a part of it, or leave it out")
    others = entry.get("aux_addresses")
    named: list[tuple[tuple[str, ...], Node | None]] = [(("gateway",), entry.get("gateway"))]
    named += [(("aux_addresses", name), item) for name, item in (others.mapping.items() if others is not None else ())]
    for place, item in named:
        if item is None or not item.value:
            continue
        address = _address(str(item.value))
        if address is None or address not in subnet:
            message = f"{shown(item.value)} is no address of the subnet {subnet}"
            yield Impossible((*keys, *place), item.span, message, f"write one such as {subnet[1]}")
        elif place == ("gateway",) and address in (whose := _unusable(subnet)):
            message = f"{address} can not be the gateway: it is {whose[address]}"
            yield Impossible((*keys, *place), item.span, message, f"write one such as {subnet[1]}")


def _address_problems(network: Declared, node: Node, version: int, path: str) -> Iterator[Problem]:
    """A fixed address that is outside the network's subnets, or that is somebody's already."""
    address = _address(str(node.value))
    if network.external or not _gives_addresses(network.body) or address is None or address.version != version:
        return
    entries = items_of(network.body.get("ipam", "config"))
    pools = [pool for entry in entries if (pool := _pool(network.body, entry)) is not None]
    fault = _wrong_address(address, pools)
    if fault:
        yield Problem(f"{address} {fault[0]}", node.span, path, fault[1])


def _wrong_address(address: Address, pools: Sequence[_Pool]) -> tuple[str, str] | None:
    """What is wrong with a fixed address, and how to mend it."""
    own = [pool for pool in pools if pool.subnet.version == address.version]
    if not own:
        hint = "give the network one, as `ipam: {config: [{subnet: …}]}`: engines take fixed addresses in those only"
        return f"can not be had: the network has no IPv{address.version} subnet of its own", hint
    pool = next((pool for pool in own if address in pool.subnet), None)
    if pool is None:
        return f"is outside the network's subnet {own[0].subnet}", "choose one inside, or leave it out"
    whose = pool.taken.get(address)
    return (f"is {whose}, {pool.subnet}", "choose another one") if whose else None


def _pool(body: Node, entry: Node) -> _Pool | None:
    subnet = _subnet_of(entry)
    if subnet is None:
        return None
    taken = _unusable(subnet)
    others = entry.get("aux_addresses")
    for name, other in others.mapping.items() if others is not None and others.is_mapping else ():
        if (kept := _address(str(other.value))) is not None:
            taken[kept] = f"kept for {shown(name)} by `aux_addresses`"
    return _Pool(subnet, taken | _gateway(body, entry, subnet))


def _gateway(body: Node, entry: Node, subnet: Subnet) -> dict[Address, str]:
    """The gateway's address: the one that is declared, else the first of its range, which an engine gives to it."""
    declared = entry.get("gateway")
    if declared is not None and declared.value:
        chosen = _address(str(declared.value))
        return {} if chosen is None else {chosen: "the gateway"}
    if not _has_gateway(body) or subnet.num_addresses <= 2:
        return {}
    part = entry.get("ip_range")
    pool = _subnet(str(part.value)) if part is not None and part.value else subnet
    if pool is None or pool.version != subnet.version:
        return {}
    first = subnet[1] if pool.network_address == subnet.network_address else pool.network_address
    return {first: "the gateway, which gets the first address where `gateway` is not declared"}


def _has_gateway(body: Node) -> bool:
    """Whether the network is a bridge with a gateway: one that is isolated has none from 27.1 on."""
    driver, options = body.get("driver"), body.get("driver_opts")
    named = driver.value if driver is not None else None
    set_apart = options is not None and options.is_mapping and any("gateway_mode" in key for key in options.mapping)
    return named in (None, "", "bridge") and not set_apart


def _subnet_of(entry: Node) -> Subnet | None:
    node = entry.get("subnet")
    return _subnet(str(node.value)) if node is not None and node.value else None


def _unusable(subnet: Subnet) -> dict[Address, str]:
    """The addresses of a subnet that no end point can have."""
    if subnet.num_addresses <= 2:
        return {}
    if subnet.version == 6:
        return {subnet.network_address: "the address of the network itself"}
    return {
        subnet.network_address: "the address of the network itself",
        subnet.broadcast_address: "the broadcast address",
    }


def _second_pools(playbook: Playbook, *, named_only: bool) -> Iterator[Problem]:
    for network in playbook.networks.values():
        driver = network.body.get("driver")
        named = str(driver.value) if driver is not None and driver.value else ""
        if network.external or named != ("bridge" if named_only else ""):
            continue
        for impossible in _pools_of_one_family(network.body):
            yield _at(network, impossible)


def _pools_of_one_family(body: Node) -> Iterator[Impossible]:
    """Two pools of one family, which a bridge can not have."""
    first: dict[int, str] = {}
    for index, entry in enumerate(items_of(body.get("ipam", "config"))):
        node = entry.get("subnet")
        subnet = _subnet(str(node.value)) if node is not None else None
        if node is None or subnet is None:
            continue
        if subnet.version in first:
            message = f"a bridge has one IPv{subnet.version} subnet, and {first[subnet.version]} is that already"
            keys = ("ipam", "config", str(index))
            yield Impossible(keys, node.span, message, "make a network of each, or one larger subnet")
        else:
            first[subnet.version] = str(node.value)


def _subnet(text: str) -> Subnet | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
