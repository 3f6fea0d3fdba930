"""Address pools: what an engine adds to the declared ones is no difference, everything else is."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds import network
from provisioner.kinds.compare import compare, declared_fields

V4 = {"subnet": "10.1.0.0/24"}
V6 = {"subnet": "fd00:1::/64"}
OTHER_V4 = {"subnet": "10.2.0.0/24"}
OTHER_V6 = {"subnet": "fd5e::/64", "gateway": "fd5e::1"}


# A network's spec, and what was declared of it when it was made.
Live = tuple[dict[str, Any], frozenset[str]]


def live(pools: list[dict[str, Any]], *, made_with: list[dict[str, Any]]) -> Live:
    """A network with these pools, each with a gateway, that was made when `made_with` were declared."""
    capital = {"subnet": "Subnet", "gateway": "Gateway"}
    raw = {
        "Driver": "bridge",
        "IPAM": {"Config": [{capital[key]: text for key, text in {"gateway": "10.9.9.9", **p}.items()} for p in pools]},
    }
    spec = network.parse({"ipam": {"config": made_with}})
    return network.decode(raw), frozenset(declared_fields(network.FIELDS, spec))


def differences(declared: list[dict[str, Any]], observed: Live) -> list[str]:
    desired = network.parse({"ipam": {"config": declared}})
    return [one.path for one in compare(network.FIELDS, desired, observed[0], declared=observed[1])]


@pytest.mark.parametrize(
    ("declared", "pools"),
    [
        ([V4], [V4, OTHER_V6]),
        ([V4], [OTHER_V6, V4]),
        ([V6], [OTHER_V4, V6]),
        ([V6, V4], [V4, V6]),
        ([V4], [V4]),
        ([], [V4, OTHER_V6]),
        ([{}], [V4]),
    ],
)
def test_what_the_engine_adds_is_no_difference(declared: list[dict[str, Any]], pools: list[dict[str, Any]]) -> None:
    assert differences(declared, live(pools, made_with=declared)) == []


@pytest.mark.parametrize(
    ("declared", "pools", "made_with"),
    [
        ([V4], [V4, OTHER_V4], [V4]),
        ([V4], [OTHER_V4], [OTHER_V4]),
        ([V4, V6], [V4, OTHER_V6], [V4, V6]),
        ([V4, V6], [V4], [V4]),
        ([V4, V6], [V4, OTHER_V6], [V4]),
        ([V4], [V4, V6], [V4, V6]),
        ([V6], [V4, V6], [V4, V6]),
        ([], [V4], [V4]),
        ([{**V4, "gateway": "10.1.0.7"}], [V4], [V4]),
    ],
)
def test_other_pools_are(
    declared: list[dict[str, Any]], pools: list[dict[str, Any]], made_with: list[dict[str, Any]]
) -> None:
    assert differences(declared, live(pools, made_with=made_with)) == ["ipam.config"]
