"""P202: others depend on a service that can not say when it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import has_health_check, waiting_for
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        if service.job is not None or has_health_check(service):
            continue
        dockerfile, image = facts.dockerfiles.get(service.name), facts.images.get(service.name)
        if (dockerfile is not None and dockerfile.health) or (image is not None and image.healthcheck):
            continue
        # Who waits for its health knows of a check in the image; P203 is about those who do not.
        waiting = [
            other.name for other, condition in waiting_for(playbook, service.name) if condition == "service_started"
        ]
        if waiting:
            yield at(service, message=f"{_list(waiting)} on it, and it has no health check")


def _list(names: list[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    if len(quoted) == 1:
        return f"{quoted[0]} depends"
    return f"{', '.join(quoted[:-1])} and {quoted[-1]} depend"


RULE = Rule(
    id="P202",
    severity=Severity.WARNING,
    title="No health check on what others depend on",
    reason="A process that has started is not yet one that answers. Only a health check tells when it is.",
    fix="add a healthcheck, and wait for it with condition: service_healthy",
    check=check,
)
