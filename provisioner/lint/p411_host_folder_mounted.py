"""P411: a folder of the host that nobody else should write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook

_WHOLE = (
    "/",
    "/etc",
    "/root",
    "/boot",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/var",
    "/var/lib",
    "/var/lib/docker",
    "/home",
)
_KERNEL = ("/proc", "/sys", "/dev")


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        for mount in mounts(service):
            if mount.kind != "bind":
                continue
            source = mount.source.rstrip("/") or "/"
            path = ("volumes", str(mount.index))
            if not mount.read_only and source in (*_WHOLE, *_KERNEL):
                yield at(service, *path, message=f"it can write the host's {source}", severity=Severity.ERROR)
            elif source in ("/", "/root", "/etc"):
                yield at(service, *path, message=f"it can read the host's {source}, with its keys and passwords")


RULE = Rule(
    id="P411",
    severity=Severity.WARNING,
    title="System folder of the host mounted",
    reason="Writing there is being root on the host; reading there is knowing its secrets.",
    fix="mount only the folder that is needed, read_only: true",
    check=check,
)
