"""P302: init scripts of a database whose data is already there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.lint.images import data_folder, store_of
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.bodies import Mount
    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook, Service


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        store = store_of(service)
        if store is None or not store.initialise:
            continue
        scripts = [mount for mount in mounts(service) if _is_under(mount.target, store.initialise)]
        folder, _ = data_folder(service, store)
        data = [mount for mount in mounts(service) if mount.kind == "volume" and _is_under(folder, mount.target)]
        for mount in scripts if data else ():
            yield from _judge(service, mount, data[-1], playbook, facts)


def _judge(service: Service, scripts: Mount, data: Mount, playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    volume = playbook.volumes.get(data.source)
    if volume is None:
        return
    path = ("volumes", str(scripts.index))
    created, changed = facts.volumes.get(volume.name), facts.modified.get(scripts.source)
    if volume.external:
        message = f"the scripts run on an empty volume only, and '{volume.name}' is external: it is there already"
        yield at(service, *path, message=message)
    elif created is not None and changed is not None and changed > created:
        message = f"the scripts were changed after volume '{volume.name}' was made: what is new in them has not run"
        yield at(service, *path, message=message)
    elif created is None:
        message = f"the scripts run once, while volume '{volume.name}' is empty: later changes in them do nothing"
        yield at(service, *path, message=message, severity=Severity.INFO)


def _is_under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


RULE = Rule(
    id="P302",
    severity=Severity.WARNING,
    title="Init scripts on a volume that is not empty",
    reason="Database images run /docker-entrypoint-initdb.d once, when the data folder is empty. Later changes are"
    " ignored without a word.",
    fix="make the change with a migration (a one-shot service), or start with an empty volume",
    check=check,
)
