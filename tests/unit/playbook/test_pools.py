"""Networks that no engine makes, and fixed addresses that none gives, found in the file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioner.platforms.fitness import given_values, unfit
from provisioner.playbook.crossref import contradictions
from tests.unit.playbook.engine_facts import FACTS

SUBNET = "10.5.0.0/24"


def problems(bound: Any, network: dict[str, Any], **attached: Any) -> list[tuple[str, str]]:
    services = {"a": {"image": "a:1", "networks": {"n": attached or None}}}
    problems = contradictions(bound(services=services, networks={"n": network}), "containers")
    assert all(one.span is not None and one.hint for one in problems)
    return [(one.path, one.message) for one in problems]


def pool(subnet: str = SUBNET, **more: Any) -> dict[str, Any]:
    return {"ipam": {"config": [{"subnet": subnet, **more}]}}


@pytest.mark.parametrize(
    ("network", "key", "said"),
    [
        (pool("10.5.0.0/33"), "subnet", "'10.5.0.0/33' is no subnet"),
        (pool("wide"), "subnet", "'wide' is no subnet"),
        (pool(gateway="10.6.0.1"), "gateway", "'10.6.0.1' is no address of the subnet 10.5.0.0/24"),
        (pool(gateway="fd00::1"), "gateway", "'fd00::1' is no address of the subnet"),
        (pool(gateway="first"), "gateway", "'first' is no address"),
        (pool(gateway="10.5.0.0"), "gateway", "10.5.0.0 can not be the gateway: it is the address of the network"),
        (pool(gateway="10.5.0.255"), "gateway", "10.5.0.255 can not be the gateway: it is the broadcast address"),
        (pool(ip_range="fd00::/120"), "ip_range", "'fd00::/120' is no part of the subnet 10.5.0.0/24"),
        (pool(ip_range="few"), "ip_range", "'few' is no part of"),
        (pool(aux_addresses={"router": "10.6.0.9"}), "aux_addresses.router", "'10.6.0.9' is no address of"),
    ],
)
def test_what_lies_outside_a_subnet(bound: Any, network: dict[str, Any], key: str, said: str) -> None:
    ((path, message),) = problems(bound, network)
    assert path == f"networks.n.ipam.config.0.{key}"
    assert said in message


@pytest.mark.parametrize(
    ("network", "attached", "said"),
    [
        (pool(), {"ipv4_address": "10.6.0.9"}, "is outside the network's subnet 10.5.0.0/24"),
        (pool(), {"ipv4_address": "10.5.0.0"}, "is the address of the network itself, 10.5.0.0/24"),
        (pool(), {"ipv4_address": "10.5.0.255"}, "is the broadcast address, 10.5.0.0/24"),
        (pool(gateway="10.5.0.9"), {"ipv4_address": "10.5.0.9"}, "is the gateway, 10.5.0.0/24"),
        (pool(aux_addresses={"router": "10.5.0.7"}), {"ipv4_address": "10.5.0.7"}, "is kept for 'router'"),
        (pool(), {"ipv6_address": "fd00::9"}, "the network has no IPv6 subnet of its own"),
        ({}, {"ipv4_address": "10.5.0.9"}, "the network has no IPv4 subnet of its own"),
        (pool(), {"ipv4_address": "10.5.0.1"}, "is the gateway, which gets the first address where"),
        (pool(ip_range="10.5.0.128/25"), {"ipv4_address": "10.5.0.128"}, "is the gateway, which gets"),
        (pool(ip_range="10.5.0.9/32"), {"ipv4_address": "10.5.0.9"}, "is the gateway, which gets"),
        ({**pool(ip_range="10.5.0.0/25"), "internal": True}, {"ipv4_address": "10.5.0.1"}, "is the gateway"),
        ({**pool("10.5.0.7/24"), "driver": "bridge"}, {"ipv4_address": "10.5.0.1"}, "is the gateway, which gets"),
        (pool("fd00::/64"), {"ipv6_address": "fd00::1"}, "is the gateway, which gets"),
        (pool("fd00::/64"), {"ipv6_address": "fd00::"}, "is the address of the network itself"),
        (pool("fd00::/64"), {"ipv6_address": "fd01::9"}, "is outside the network's subnet fd00::/64"),
    ],
)
def test_addresses_that_can_not_be_had(
    bound: Any, network: dict[str, Any], attached: dict[str, str], said: str
) -> None:
    ((path, message),) = problems(bound, network, **attached)
    assert path == f"services.a.networks.n.{next(iter(attached))}"
    assert said in message


@pytest.mark.parametrize("name", ["bridge", "host", "none", "default"])
def test_names_that_engines_have_given(bound: Any, name: str) -> None:
    ((path, message),) = problems(bound, {"name": name})
    assert path == "networks.n.name"
    assert f"'{name}'" in message
    assert problems(bound, {"name": name, "external": True}) == []


@pytest.mark.parametrize(
    ("network", "attached"),
    [
        (pool(ip_range="10.5.0.128/25", gateway="10.5.0.1"), {"ipv4_address": "10.5.0.9"}),
        (pool(ip_range=SUBNET, aux_addresses={"x": "10.5.0.3"}), {"ipv4_address": "10.5.0.254"}),
        ({"enable_ipv6": True, "ipam": {"config": [{"subnet": SUBNET}, {"subnet": "fd00::/64"}]}},
         {"ipv4_address": "10.5.0.9", "ipv6_address": "fd00::ffff:ffff:ffff:ffff"}),
        ({"ipam": {"driver": "own", "config": [{"subnet": "wide"}]}}, {"ipv4_address": "10.5.0.9"}),
        (pool(gateway="10.5.0.9", aux_addresses={"x": "10.5.0.1"}), {"ipv4_address": "10.5.0.2"}),
        (pool(gateway="10.5.0.9"), {"ipv4_address": "10.5.0.1"}),
        (pool(ip_range="10.5.0.128/25"), {"ipv4_address": "10.5.0.1"}),
        (pool(ip_range="10.5.0.128/25"), {"ipv4_address": "10.5.0.129"}),
        ({**pool(), "driver": "macvlan"}, {"ipv4_address": "10.5.0.1"}),
        ({**pool(), "driver_opts": {"com.docker.network.bridge.gateway_mode_ipv4": "isolated"}},
         {"ipv4_address": "10.5.0.1"}),
        ({"external": True}, {"ipv4_address": "10.5.0.9"}),
        (pool("10.5.0.0/31"), {"ipv4_address": "10.5.0.1"}),
    ],
)  # fmt: skip
def test_what_can_be_is_let_pass(bound: Any, network: dict[str, Any], attached: dict[str, str]) -> None:
    assert problems(bound, network, **attached) == []


@pytest.mark.parametrize(
    ("network", "replicas", "said"),
    [
        (pool("10.5.0.0/30"), 2, "10.5.0.0/30 has addresses for 1 container, and 2 are on it"),
        (pool("10.5.0.0/29"), 6, "has addresses for 5 containers, and 6 are on it"),
        (pool("10.5.0.0/29", aux_addresses={"x": "10.5.0.6"}), 5, "has addresses for 4 containers"),
        (pool("10.5.0.0/29"), 5, ""),
        (pool("10.5.0.0/30") | {"external": True}, 2, ""),
        (pool("10.5.0.0/30") | {"driver": "macvlan"}, 2, ""),
        (pool("fd00::/64"), 2, ""),
    ],
)
def test_more_containers_than_addresses(bound: Any, network: dict[str, Any], replicas: int, said: str) -> None:
    services = {"a": {"image": "a:1", "networks": {"n": None}, "scale": replicas}}
    found = contradictions(bound(services=services, networks={"n": network}), "containers")
    assert [problem.path for problem in found] == (["networks.n.ipam.config.0.subnet"] if said else [])
    assert said in "".join(str(problem.message) for problem in found)
    assert contradictions(bound(services=services, networks={"n": network}), "swarm") == ()


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (pool(aux_addresses={"x": "10.5.0.1"}), "10.5.0.1 can not be kept: it is the gateway, which gets the first"),
        (pool(aux_addresses={"x": "10.5.0.0"}), "it is the address of the network itself"),
        (pool(aux_addresses={"x": "10.5.0.255"}), "it is the broadcast address"),
        (pool(gateway="10.5.0.9", aux_addresses={"x": "10.5.0.9"}), "10.5.0.9 can not be kept: it is the gateway"),
        (pool(ip_range="10.5.0.128/25", aux_addresses={"x": "10.5.0.128"}), "it is the gateway, which gets"),
        (pool(aux_addresses={"w": "10.5.0.9", "x": "10.5.0.9"}), "it is kept for 'w' already"),
    ],
)
def test_addresses_that_can_not_be_kept(bound: Any, network: dict[str, Any], said: str) -> None:
    ((path, message),) = problems(bound, network)
    assert path == "networks.n.ipam.config.0.aux_addresses.x"
    assert said in message


@pytest.mark.parametrize(
    ("network", "key", "written"),
    [
        (pool("10.5.0.7/24"), "subnet", "10.5.0.0/24"),
        (pool("fd00::7/64"), "subnet", "fd00::/64"),
        (pool(ip_range="10.5.0.130/25"), "ip_range", "10.5.0.128/25"),
    ],
)
@pytest.mark.parametrize("mode", ["containers", "swarm"])
def test_what_is_no_subnet_to_engines_from_25_on(
    bound: Any, network: dict[str, Any], key: str, written: str, mode: str
) -> None:
    """Docker Engine 28.5 refuses these for a bridge and for an overlay; 20.10 takes them."""
    playbook = bound(services={"a": {"image": "a:1", "networks": {"n": None}}}, networks={"n": network})
    facts = [replace(FACTS, api_version=version) for version in ((1, 43), (1, 44), (1, 51))]
    told = [
        [verdict for verdict in unfit(playbook, tuple(given_values(playbook)), one, swarm=mode == "swarm")]
        for one in facts
    ]
    assert told[0] == []
    for (verdict,) in told[1:]:
        assert verdict.refused
        assert (verdict.problem.path, verdict.problem.hint) == (f"networks.n.ipam.config.0.{key}", f"write {written}")
        assert verdict.problem.span is not None


@pytest.mark.parametrize("subnet", ["10.5.0.0/24", "10.5.0.9/32", "fd00::/64", "FD00:0::/64"])
def test_subnets_that_all_engines_take(bound: Any, subnet: str) -> None:
    playbook = bound(services={"a": {"image": "a:1", "networks": {"n": None}}}, networks={"n": pool(subnet)})
    assert list(unfit(playbook, tuple(given_values(playbook)), replace(FACTS, api_version=(1, 51)))) == []


@pytest.mark.parametrize("driver", ["host", "null"])
def test_drivers_of_which_an_engine_has_one_network(bound: Any, driver: str) -> None:
    ((path, message),) = problems(bound, {"driver": driver})
    assert path == "networks.n.driver"
    assert f"one network of the driver {driver}" in message
