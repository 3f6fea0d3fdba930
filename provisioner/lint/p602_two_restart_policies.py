"""P602: restart and deploy.restart_policy say different things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook

_SAME = {"no": "none", "on-failure": "on-failure", "always": "any", "unless-stopped": "any"}


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        restart = text(service.body.get("restart")).partition(":")[0]
        policy = service.body.get("deploy", "restart_policy")
        if not restart or policy is None:
            continue
        condition = text(policy.get("condition")) or "any"
        if _SAME.get(restart, "any") != condition:
            message = f"'restart: {restart}' and 'deploy.restart_policy.condition: {condition}' disagree"
            yield at(service, "restart", message=message)


RULE = Rule(
    id="P602",
    severity=Severity.WARNING,
    title="Two restart policies",
    reason="Each engine mode follows another one of them, so the service behaves differently in each.",
    fix="keep one of them",
    check=check,
)
