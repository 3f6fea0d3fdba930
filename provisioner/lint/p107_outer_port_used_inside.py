"""P107: an address inside the network with the port that is published outside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.bodies import inner_ports, outer_ports, shares_network, variables
from provisioner.lint.edits import Swap
from provisioner.lint.images import store_of
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.edits import TextEdit
    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook, Service


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        if shares_network(service):
            continue
        for key, value in variables(service):
            for match in re.finditer(r"(?<![\w.-])([A-Za-z][\w-]*):([0-9]{2,5})(?![\w.])", value):
                other = playbook.services.get(match[1])
                if other is None or other is service or shares_network(other):
                    continue
                port, inside = int(match[2]), inner_ports(other)
                store = store_of(other)
                if port in outer_ports(other) and port not in inside | set(store.ports if store else ()):
                    yield at(
                        service,
                        "environment",
                        key,
                        message=f"port {port} of '{other.name}' is for the host; inside the network it is another",
                        fix=f"use {other.name}:{min(inside)}",
                        edits=_edits(service, key, match[0], f"{other.name}:{min(inside)}", sure=len(inside) == 1),
                    )


def _edits(service: Service, key: str, old: str, new: str, *, sure: bool) -> tuple[TextEdit, ...]:
    node = service.body.get("environment", key)
    return (Swap(node.span, old, new),) if node is not None and sure else ()


RULE = Rule(
    id="P107",
    severity=Severity.ERROR,
    title="Host port used between containers",
    reason="Containers reach each other on the port that the program listens on. The published one is the host's.",
    fix="use the port inside the container",
    check=check,
)
