"""P412: a secret that stays in an image's history. Its value is never printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.confidential import is_secret
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        arguments = service.body.get("build", "args")
        if arguments is None or not arguments.is_mapping:
            continue
        for key, item in arguments.mapping.items():
            if is_secret(key, text(item)):
                yield at(
                    service, "build", "args", key, message=f"'{key}' is in the image's history for everybody to read"
                )


RULE = Rule(
    id="P412",
    severity=Severity.ERROR,
    title="Secret as a build argument",
    reason="docker history prints build arguments of every image, also after it was pushed.",
    fix="use build: {secrets: […]} and RUN --mount=type=secret",
    check=check,
)
