"""P401: a process that runs as root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.images import store_of
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        declared = service.body.get("user")
        if declared is not None:
            if text(declared).partition(":")[0] in ("root", "0"):
                yield at(service, "user", message="it runs as root")
            continue
        dockerfile, image = facts.dockerfiles.get(service.name), facts.images.get(service.name)
        if service.builds and dockerfile is not None and not dockerfile.user and (image is None or not image.user):
            yield at(service, "build", message="it runs as root: neither the playbook nor its Dockerfile names a user")
        elif dockerfile is not None and dockerfile.user.partition(":")[0] in ("root", "0"):
            yield at(service, "build", message="its Dockerfile ends as USER root")
        elif not service.builds and image is not None and not image.user and store_of(service) is None:
            # Data stores' images start as root to hand over their folders, and give root up themselves.
            yield at(
                service,
                "image",
                message=f"'{service.image}' runs as root unless it gives root up itself",
                severity=Severity.INFO,
            )


RULE = Rule(
    id="P401",
    severity=Severity.WARNING,
    title="Root user",
    reason="A hole in the program is then a hole in the container's every file, and one step from the host.",
    fix="set user:, or USER in the Dockerfile",
    check=check,
)
