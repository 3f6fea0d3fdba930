"""P601: production services that stay down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.edits import Put
from provisioner.lint.rule import Rule, at, file_of, is_production
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    if not is_production(playbook) or playbook.engine.mode == "swarm":
        return
    for service in playbook.services.values():
        if service.job is not None or service.body.get("deploy", "restart_policy") is not None:
            continue
        if text(service.body.get("restart")) in ("", "no"):
            edit = Put(file_of(service, "restart"), ("services", service.name), "restart", "unless-stopped")
            yield at(service, "restart", message="it stays down when it ends or the host restarts", edits=(edit,))


RULE = Rule(
    id="P601",
    severity=Severity.WARNING,
    title="No restart policy in production",
    reason="Engines restart only what they are told to restart.",
    fix="set restart: unless-stopped",
    check=check,
)
