"""P105: a service in the host's own network."""

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
        if text(service.body.get("network_mode")) != "host":
            continue
        ports = service.body.get("ports")
        ignored = ", and its 'ports' are ignored" if ports is not None and ports.items else ""
        yield at(service, "network_mode", message=f"it shares the host's network{ignored}")


RULE = Rule(
    id="P105",
    severity=Severity.WARNING,
    title="Host network",
    reason="Every port the process opens is open on the host, it reaches what listens on the host's localhost, and no"
    " other service finds it by name.",
    fix="leave network_mode out and publish the ports that are needed",
    check=check,
)
