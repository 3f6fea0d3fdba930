"""P404: a secret as an environment variable. Its value is never printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import variables
from provisioner.lint.confidential import is_secret
from provisioner.lint.rule import Rule, at, is_production
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    severity = Severity.ERROR if is_production(playbook) else Severity.WARNING
    for service in playbook.services.values():
        for key, value in variables(service):
            if is_secret(key, value):
                yield at(
                    service,
                    "environment",
                    key,
                    message=f"'{key}' holds a secret, and everybody who may inspect the container reads it",
                    fix=f"declare it under secrets: and give the service {key}_FILE: /run/secrets/{key.lower()}",
                    severity=severity,
                )


RULE = Rule(
    id="P404",
    severity=Severity.WARNING,
    title="Secret in the environment",
    reason="The environment of a container is shown by docker inspect, inherited by every child process and written"
    " into crash reports. In production this is an error.",
    fix="declare it under secrets: and read it from /run/secrets",
    check=check,
)
