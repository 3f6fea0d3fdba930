"""P205: a health check that says yes to everything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.bodies import has_health_check, health_test
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook

_ALWAYS = re.compile(r"(?:\|\||;)\s*(?:true|:|exit 0)\s*\Z|\A(?:true|:|exit 0)\Z")


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        if not has_health_check(service):
            continue
        form, *rest = health_test(service)
        line = " ".join(rest).strip() if form in ("CMD", "CMD-SHELL") else " ".join((form, *rest))
        if _ALWAYS.search(line):
            yield at(service, "healthcheck", "test", message="it succeeds whatever the service does")


RULE = Rule(
    id="P205",
    severity=Severity.ERROR,
    title="Health check that can not fail",
    reason="Whoever waits for it waits for nothing, and a broken service counts as healthy.",
    fix="let the command's own exit code decide",
    check=check,
)
