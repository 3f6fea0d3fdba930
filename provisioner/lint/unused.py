"""What the rules about unused objects have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.edits import Drop
from provisioner.lint.rule import Match, Rule
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts
    from provisioner.model.playbook import Playbook


def unused_rule(identifier: str, kind: str, section: str) -> Rule:
    """The rule about unused objects of one kind (`volume`, declared under `volumes`)."""

    def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
        for item in playbook.unused:
            if item.section == section:
                edit = Drop(item.span.file, (section, item.key))
                message = "no service uses it, so it is not made"
                yield Match(message, item.span, f"{section}.{item.key}", edits=(edit,))

    return Rule(
        id=identifier,
        severity=Severity.WARNING,
        title=f"Unused {kind}",
        reason="It is a leftover, or a service that should use it does not.",
        fix="remove it, or name it in the service that needs it",
        check=check,
    )
