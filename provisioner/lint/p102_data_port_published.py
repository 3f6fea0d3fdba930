"""P102: a database or cache that the host's network can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.images import store_of
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity
from provisioner.playbook.ports import published

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        store = store_of(service)
        if store is None:
            continue
        for port in published(service.body):
            if port.target in store.ports and not port.loopback:
                outer = port.first or ""
                yield at(
                    service,
                    "ports",
                    str(port.index),
                    message=f"{store.family} is open to the host's network on port {outer or 'that the engine picks'}",
                    fix=f"leave it out: other services reach {service.name}:{port.target} without it; for a client on"
                    f" this machine publish 127.0.0.1:{outer}:{port.target}",
                )


RULE = Rule(
    id="P102",
    severity=Severity.WARNING,
    title="Published port of a data store",
    reason="Services on one network need no published port. Docker's rules stand before the host's firewall, so the"
    " port is open to everybody who can reach the host.",
    fix="remove the port, or publish it on 127.0.0.1",
    check=check,
)
