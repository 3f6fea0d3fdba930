"""P001: an image whose version is left to chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.images import reference
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        if service.builds or service.body.get("image") is None:
            continue
        parts = reference(service.image)
        if parts.digest:
            continue
        if not parts.tag:
            yield at(service, "image", message=f"'{service.image}' names no version, so it means 'latest'")
        elif parts.tag == "latest" or parts.tag.startswith("latest-"):
            yield at(service, "image", message=f"'{service.image}' is whatever is newest on the day it is pulled")


RULE = Rule(
    id="P001",
    severity=Severity.ERROR,
    title="Image without a version",
    reason="Two machines, or one machine on two days, get different programs from the same playbook.",
    fix="name a version, such as postgres:16.4-alpine",
    check=check,
)
