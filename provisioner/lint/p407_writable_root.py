"""P407: production containers that can rewrite themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.images import store_of
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
        flag = service.body.get("read_only")
        if (flag is None or flag.value is not True) and store_of(service) is None and service.job is None:
            yield at(service, "read_only", message="its root file system can be written")


RULE = Rule(
    id="P407",
    severity=Severity.INFO,
    title="Writable root file system in production",
    reason="An intruder can leave programs behind, and what the service writes by mistake is lost with the container.",
    fix="set read_only: true, with tmpfs: [/tmp] where it needs scratch space",
    check=check,
)
