"""P410: a container that sees the host's processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook

_MEANS = {
    "pid": "sees and can signal every process of the host",
    "ipc": "shares memory with the host's processes",
    "userns_mode": "is root of the host when it is root",
    "uts": "can rename the host",
    "cgroup": "sees the limits of everything on the host",
}


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        for key, means in _MEANS.items():
            if text(service.body.get(key)) == "host":
                yield at(service, key, message=f"it {means}")


RULE = Rule(
    id="P410",
    severity=Severity.WARNING,
    title="Host namespace",
    reason="The wall between container and host is missing on that side.",
    fix="leave the key out",
    check=check,
)
