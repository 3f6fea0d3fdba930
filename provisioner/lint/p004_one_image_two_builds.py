"""P004: two services build different things under one image name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook, Service


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    first: dict[str, Service] = {}
    for service in playbook.services.values():
        build = service.body.get("build")
        if build is None:
            continue
        other = first.setdefault(service.image, service)
        if other is not service and build.plain() != other.body.mapping["build"].plain():
            yield at(
                service, "image", message=f"'{service.image}' is also what '{other.name}' builds, from something else"
            )


RULE = Rule(
    id="P004",
    severity=Severity.ERROR,
    title="One image name for two builds",
    reason="The build that ends last wins, and both services run its image.",
    fix="give each build an image name of its own, or leave image out",
    check=check,
)
