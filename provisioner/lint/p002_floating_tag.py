"""P002: an image tag that names a variant and no version."""

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
        parts = reference(service.image)
        if service.builds or parts.digest or not parts.tag or parts.tag.startswith("latest"):
            continue
        if not any(character.isdecimal() for character in parts.tag):
            yield at(
                service, "image", message=f"the tag '{parts.tag}' of '{service.image}' moves from version to version"
            )


RULE = Rule(
    id="P002",
    severity=Severity.WARNING,
    title="Tag without a version number",
    reason="Tags such as alpine, stable or main follow every release, also those that do not read older data.",
    fix="add the version to the tag, such as nginx:1.27-alpine",
    check=check,
)
