"""P501: production services without a memory limit."""

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
        limit = service.body.get("deploy", "resources", "limits", "memory")
        if limit is None and service.body.get("mem_limit") is None:
            yield at(service, "deploy", message="it may take all memory of the host")


RULE = Rule(
    id="P501",
    severity=Severity.WARNING,
    title="No memory limit in production",
    reason="One leak, and the kernel ends processes of other services.",
    fix="set deploy.resources.limits.memory",
    check=check,
)
