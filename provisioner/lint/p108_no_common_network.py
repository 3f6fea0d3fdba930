"""P108: an address of a service that shares no network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.bodies import networks, text, variables
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        if text(service.body.get("network_mode")):
            continue
        for key, value in variables(service):
            for match in re.finditer(r"(?:(?<=://)|(?<=@)|(?<![\w./-]))([A-Za-z][\w-]*):[0-9]{2,5}(?![\w.])", value):
                other = playbook.services.get(match[1])
                if other is None or other is service or text(other.body.get("network_mode")):
                    continue
                if not set(networks(service)) & set(networks(other)):
                    message = f"'{other.name}' is on no network of '{service.name}'"
                    yield at(service, "environment", key, message=message)


RULE = Rule(
    id="P108",
    severity=Severity.ERROR,
    title="No common network",
    reason="Services find each other only on a network that both are on.",
    fix="put both services on one network",
    check=check,
)
