"""P305: several processes that write one database's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.lint.images import store_of
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    first: dict[str, str] = {}
    for service in playbook.services.values():
        store = store_of(service)
        if store is None or not store.single:
            continue
        for mount in mounts(service):
            if mount.kind not in ("volume", "bind") or not mount.source or mount.read_only:
                continue
            if mount.target != store.data:
                continue
            path = ("volumes", str(mount.index))
            if service.replicas > 1:
                message = f"{service.replicas} replicas of {store.family} write the same files in '{mount.source}'"
                yield at(service, *path, message=message)
            owner = first.setdefault(f"{mount.kind}:{mount.source}", service.name)
            if owner != service.name:
                yield at(service, *path, message=f"'{owner}' writes the same files in '{mount.source}'")
            if service.update.order == "start-first":
                message = f"start-first runs two {store.family} on the files in '{mount.source}' for a while"
                yield at(service, *path, message=message, fix="use update: {order: stop-first}")


RULE = Rule(
    id="P305",
    severity=Severity.ERROR,
    title="Several writers of one database's files",
    reason="Two servers on one data folder destroy it.",
    fix="give each its own volume, and let the database replicate",
    check=check,
)
