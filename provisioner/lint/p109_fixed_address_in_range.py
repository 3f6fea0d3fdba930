"""P109: a fixed address that the engine may give to another container."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from provisioner.lint.bodies import networks, text
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Declared, Playbook

_KEYS = {4: "ipv4_address", 6: "ipv6_address"}


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for network in playbook.networks.values():
        ranges = [] if network.external else _served(network)
        for service in playbook.services.values() if ranges else ():
            for version, key in _KEYS.items():
                address = text(service.body.get("networks", network.key, key))
                others = [
                    other.name for other in playbook.services.values()
                    if network.key in networks(other) and not text(other.body.get("networks", network.key, key))
                ]  # fmt: skip
                if others and _within(address, version, ranges):
                    message = f"{address} is among the addresses of which {_first(others)} gets the next free one"
                    yield at(service, "networks", network.key, key, message=message)


def _served(network: Declared) -> list[IPv4Network | IPv6Network]:
    """The ranges of which containers without an address get one."""
    pools = network.body.get("ipam", "config")
    ranges = []
    for pool in pools.items if pools is not None and pools.is_sequence else ():
        try:
            ranges.append(ip_network(text(pool.get("ip_range")) or text(pool.get("subnet")), strict=False))
        except ValueError:
            continue
    return ranges


def _within(address: str, version: int, ranges: Iterable[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(network.version == version and parsed in network for network in ranges)


def _first(names: list[str]) -> str:
    return f"'{names[0]}'" if len(names) == 1 else f"each of '{names[0]}' and {len(names) - 1} more"


RULE = Rule(
    id="P109",
    severity=Severity.WARNING,
    title="Fixed address in the range of the others",
    reason="A container that starts first, or again, may get it; the one that it is meant for then does not start.",
    fix="give the network an `ip_range` that leaves fixed addresses out",
    check=check,
)
