"""P414: the kernel's own protection is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        options = service.body.get("security_opt")
        for index, item in enumerate(options.items if options is not None and options.is_sequence else ()):
            option = text(item).replace(":", "=", 1)
            if option in ("seccomp=unconfined", "apparmor=unconfined", "label=disable", "systempaths=unconfined"):
                yield at(service, "security_opt", str(index), message=f"'{option}' takes a protection away")


RULE = Rule(
    id="P414",
    severity=Severity.WARNING,
    title="Confinement switched off",
    reason="The default profiles forbid what no ordinary program does. Without them, a kernel's hole is within reach.",
    fix="leave it out, or write a profile that allows what is needed",
    check=check,
)
