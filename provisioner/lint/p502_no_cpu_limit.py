"""P502: production services without a CPU limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.rule import Rule, at, is_production
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    if not is_production(playbook):
        return
    for service in playbook.services.values():
        limits = (service.body.get("deploy", "resources", "limits", "cpus"), service.body.get("cpus"))
        if all(limit is None for limit in (*limits, service.body.get("cpu_quota"))):
            yield at(service, "deploy", message="it may take all processors of the host")


RULE = Rule(
    id="P502",
    severity=Severity.INFO,
    title="No CPU limit in production",
    reason="One busy service makes all others slow.",
    fix="set deploy.resources.limits.cpus",
    check=check,
)
