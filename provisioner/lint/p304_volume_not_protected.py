"""P304: a production database's volume that a command may delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.lint.edits import Put
from provisioner.lint.images import is_database
from provisioner.lint.rule import Rule, at_object, is_production
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    if not is_production(playbook):
        return
    holders: dict[str, str] = {}
    for service in playbook.services.values():
        if is_database(service):
            for mount in mounts(service):
                if mount.kind == "volume" and mount.source:
                    holders.setdefault(mount.source, service.name)
    for key, holder in holders.items():
        volume = playbook.volumes.get(key)
        if volume is not None and not volume.protect and not volume.external:
            message = f"the data of '{holder}' can be deleted by a command"
            edit = Put(_file(playbook, key), ("volumes", key), "protect", "true")
            yield at_object(playbook, "volumes", key, message=message, edits=(edit,))


def _file(playbook: Playbook, key: str) -> str:
    volumes = playbook.root.get("volumes")
    return volumes.key_spans[key].file if volumes is not None else ""


RULE = Rule(
    id="P304",
    severity=Severity.WARNING,
    title="Unprotected volume in production",
    reason="destroy --volumes in the wrong terminal deletes it. A protected volume is never deleted or replaced.",
    fix="set protect: true on the volume",
    check=check,
)
