"""P104: networks whose addresses overlap."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.rule import Rule, at_object
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Declared, Playbook

Subnet = IPv4Network | IPv6Network


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    taken = [
        (f"network '{name}' of the engine", _subnet(each))
        for name, subnets in facts.subnets.items()
        for each in subnets
    ]
    for network in playbook.networks.values():
        if network.external:
            continue
        mine = [subnet for subnet in _declared(network) if subnet is not None]
        for subnet in mine:
            for owner, other in taken:
                if other is not None and subnet.version == other.version and subnet.overlaps(other):
                    message = f"{subnet} overlaps {other} of {owner}"
                    yield at_object(playbook, "networks", network.key, "ipam", "config", message=message)
        taken.extend((f"'{network.key}'", subnet) for subnet in mine)


def _declared(network: Declared) -> list[Subnet | None]:
    config = network.body.get("ipam", "config")
    entries = config.items if config is not None and config.is_sequence else ()
    return [_subnet(text(entry.get("subnet"))) for entry in entries if entry.is_mapping]


def _subnet(value: str) -> Subnet | None:
    try:
        return ip_network(value, strict=False)
    except ValueError:
        return None


RULE = Rule(
    id="P104",
    severity=Severity.ERROR,
    title="Overlapping subnets",
    reason="The engine refuses the second network, or packets take the wrong one.",
    fix="choose another subnet, or leave the choice to the engine",
    check=check,
)
