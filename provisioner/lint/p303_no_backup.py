"""P303: production data that nobody backs up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.lint.images import is_database
from provisioner.lint.rule import Rule, at, is_production
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioner.lint.bodies import Mount
    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook, Service


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    if not is_production(playbook):
        return
    for service in playbook.services.values():
        keeps = [mount for mount in mounts(service) if mount.kind in ("volume", "bind")]
        if is_database(service) and keeps and not _is_saved(playbook, service, keeps):
            yield at(service, message="its data has no backup")


def _is_saved(playbook: Playbook, service: Service, keeps: Sequence[Mount]) -> bool:
    """Whether `provision backup` saves its data: as a dump, or the files of all that it keeps."""
    if not playbook.backup.to:
        return False
    return bool(service.backup and service.backup.command) or all(_is_archived(playbook, mount) for mount in keeps)


def _is_archived(playbook: Playbook, mount: Mount) -> bool:
    declared = playbook.volumes.get(mount.source)
    if mount.kind != "volume" or declared is None:
        return False
    return declared.backup.enabled if declared.backup is not None else not declared.external


RULE = Rule(
    id="P303",
    severity=Severity.WARNING,
    title="No backup in production",
    reason="A volume survives a container, not a mistake and not a disk.",
    fix="say where archives go (backup: {to: …}), and how to dump it: backup: {command: [pg_dump, …]}",
    check=check,
)
