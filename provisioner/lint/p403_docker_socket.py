"""P403: a container that can command the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts, text
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook

_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock")


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        for mount in mounts(service):
            if mount.kind == "bind" and mount.source.endswith(_SOCKETS):
                message = "it can command the engine" + (", also read-only: that is about the file" * mount.read_only)
                yield at(service, "volumes", str(mount.index), message=message)
        if text(service.body.get("use_api_socket")) == "true":
            yield at(service, "use_api_socket", message="it can command the engine")


RULE = Rule(
    id="P403",
    severity=Severity.WARNING,
    title="Engine socket in a container",
    reason="Whoever reaches the socket can start a container with the host's root folder in it. Mounting it read-only"
    " changes nothing about that.",
    fix="put a socket proxy in between that lets only the needed requests through",
    check=check,
)
