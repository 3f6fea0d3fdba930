"""P408: a capability that is close to root on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook

_DANGEROUS = {
    "ALL": "everything",
    "SYS_ADMIN": "mounting and much else",
    "SYS_MODULE": "loading kernel modules",
    "SYS_PTRACE": "reading the memory of other processes",
    "SYS_RAWIO": "raw access to devices",
    "SYS_BOOT": "restarting the host",
    "DAC_READ_SEARCH": "reading every file",
    "NET_ADMIN": "changing routes and firewalls",
    "BPF": "loading programs into the kernel",
    "SYS_TIME": "setting the host's clock",
}


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        section = service.body.get("cap_add")
        for index, item in enumerate(section.items if section is not None and section.is_sequence else ()):
            name = text(item).upper().removeprefix("CAP_")
            if name in _DANGEROUS:
                yield at(service, "cap_add", str(index), message=f"{name} allows {_DANGEROUS[name]}")


RULE = Rule(
    id="P408",
    severity=Severity.WARNING,
    title="Dangerous capability",
    reason="With it, leaving the container is a known recipe.",
    fix="leave it out, or waive this with the reason why the service needs it",
    check=check,
)
