"""P402: a container that may do everything the host may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        flag = service.body.get("privileged")
        if flag is not None and flag.value is True:
            yield at(service, "privileged", message="it has every capability and every device of the host")


RULE = Rule(
    id="P402",
    severity=Severity.ERROR,
    title="Privileged container",
    reason="Whoever breaks into it owns the host.",
    fix="name the capability (cap_add) or the device (devices) that it needs",
    check=check,
)
