"""P103: a port that is open on every interface of the host."""

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

_PUBLIC = (80, 443)


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        store = store_of(service)
        for port in published(service.body):
            # A Swarm's mesh has no host address; what P102 names is not named twice.
            if playbook.engine.mode == "swarm" or (store is not None and port.target in store.ports):
                continue
            if port.everywhere and port.first not in _PUBLIC:
                yield at(
                    service,
                    "ports",
                    str(port.index),
                    message=f"port {port.first or 'that the engine picks'} is open on every interface of the host",
                    fix=f"publish 127.0.0.1:{port.first or ''}:{port.target}, or put the service behind a proxy",
                )


RULE = Rule(
    id="P103",
    severity=Severity.INFO,
    title="Port open on every interface",
    reason="Docker's rules stand before the host's firewall. Only 80 and 443 are usually meant for everybody.",
    fix="publish it on 127.0.0.1, or on the address that is meant",
    check=check,
)
