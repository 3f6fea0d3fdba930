"""P303: production data that nobody backs up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.lint.images import is_database
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
        keeps = any(mount.kind in ("volume", "bind") for mount in mounts(service))
        if is_database(service) and keeps and not service.backup:
            yield at(service, message="its data has no backup")


RULE = Rule(
    id="P303",
    severity=Severity.WARNING,
    title="No backup in production",
    reason="A volume survives a container, not a mistake and not a disk.",
    fix="say how to dump and restore it: backup: {command: [pg_dump, …], restore: [pg_restore, …]}",
    check=check,
)
