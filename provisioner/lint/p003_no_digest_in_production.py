"""P003: production runs an image by a tag that can be pushed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.images import reference
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
        parts = reference(service.image)
        if not service.builds and service.body.get("image") is not None and not parts.digest:
            yield at(service, "image", message=f"'{service.image}' has no digest")


RULE = Rule(
    id="P003",
    severity=Severity.WARNING,
    title="No digest in production",
    reason="A tag can be pushed again with other content. A digest can not: what was tested is what runs.",
    fix="append the digest: image:tag@sha256:…, as docker buildx imagetools inspect prints it",
    check=check,
)
