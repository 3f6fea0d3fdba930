"""P409: production containers with rights that they do not use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.images import store_of
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
        # Data stores' images need a few capabilities to hand over their folders.
        if store_of(service) is not None:
            continue
        dropped = service.body.get("cap_drop")
        names = {text(item).upper() for item in dropped.items} if dropped is not None and dropped.is_sequence else set()
        if "ALL" not in names:
            yield at(service, "cap_drop", message="it keeps the engine's default capabilities")


RULE = Rule(
    id="P409",
    severity=Severity.INFO,
    title="Default capabilities kept in production",
    reason="Most services need none of the fourteen that the engine gives by default.",
    fix="set cap_drop: [ALL], and cap_add for what is then missing",
    check=check,
)
