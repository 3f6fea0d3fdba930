"""P415: a mounted folder holds the files in which provision keeps secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        for mount in mounts(service):
            if mount.kind != "bind":
                continue
            source = mount.source.rstrip("/") or "/"
            held = facts.secret_files.get(mount.source, ())
            if held:
                names = [os.path.relpath(path, playbook.directory) for path in held[:2]]
                message = f"the service can read {', '.join(names)}{' and more' if len(held) > 2 else ''}"
            elif playbook.secrets and _holds(source, playbook.directory):
                message = "the service can read the playbook's folder, where .env.local and .provision/ are kept"
            else:
                continue
            yield at(service, "volumes", str(mount.index), message=message)


def _holds(folder: str, directory: str) -> bool:
    return folder == directory or directory.startswith(f"{folder.rstrip('/')}/")


RULE = Rule(
    id="P415",
    severity=Severity.ERROR,
    title="Folder with provision's secret files mounted",
    reason="Every value in .env.local, of other services too, and the fingerprint key can be read in the container.",
    fix="mount only the folders that it needs, such as ./src; what it needs of secrets goes under its `secrets`",
    check=check,
)
