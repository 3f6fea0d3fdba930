"""P203: somebody waits for a health that nothing reports."""

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
        waiting = [other for other, condition in waiting_for(playbook, service.name) if condition == "service_healthy"]
        if not waiting or has_health_check(service):
            continue
        dockerfile, image = facts.dockerfiles.get(service.name), facts.images.get(service.name)
        if image is not None and not service.builds:
            silent = not image.healthcheck
        elif dockerfile is not None:
            # Its base image might have one: then the image, once it is built, tells.
            silent = dockerfile.health is False or (image is not None and not image.healthcheck)
        else:
            silent = False
        if silent:
            other = waiting[0]
            message = f"it waits until '{service.name}' is healthy, which has no health check, nor has its image"
            yield at(other, "depends_on", service.name, message=message)


RULE = Rule(
    id="P203",
    severity=Severity.ERROR,
    title="Waiting for a health that is never reported",
    reason="Without a health check there is no healthy: the apply waits until its time is over and fails.",
    fix="give the dependency a healthcheck, or wait for service_started",
    check=check,
)
