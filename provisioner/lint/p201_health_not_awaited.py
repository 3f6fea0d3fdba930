"""P201: a dependency whose health check nobody waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import has_health_check
from provisioner.lint.edits import Await
from provisioner.lint.rule import Rule, at, file_of
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


_HEALTHY = "service_healthy"


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        for dependency in service.depends_on:
            other = playbook.services[dependency.service]
            if dependency.condition == "service_started" and other.job is None and has_health_check(other):
                yield at(
                    service,
                    "depends_on",
                    other.name,
                    message=f"it starts as soon as '{other.name}' does, not when '{other.name}' is healthy",
                    edits=(Await(file_of(service, "depends_on", other.name), service.name, other.name, _HEALTHY),),
                )


RULE = Rule(
    id="P201",
    severity=Severity.WARNING,
    title="Dependency that does not wait for health",
    reason="depends_on alone orders starts. The dependency may need seconds more until it answers, and the first"
    " connections are refused.",
    fix="write depends_on with condition: service_healthy",
    check=check,
)
