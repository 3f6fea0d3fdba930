"""Networks that no engine makes, and fixed addresses that none gives, found in the file."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.playbook.crossref import contradictions

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
        ({"external": True}, {"ipv4_address": "10.5.0.9"}),
        (pool("10.5.0.0/31"), {"ipv4_address": "10.5.0.1"}),
    ],
)  # fmt: skip
def test_what_can_be_is_let_pass(bound: Any, network: dict[str, Any], attached: dict[str, str]) -> None:
    assert problems(bound, network, **attached) == []


@pytest.mark.parametrize("driver", ["host", "null"])
def test_drivers_of_which_an_engine_has_one_network(bound: Any, driver: str) -> None:
    ((path, message),) = problems(bound, {"driver": driver})
    assert path == "networks.n.driver"
    assert f"one network of the driver {driver}" in message
