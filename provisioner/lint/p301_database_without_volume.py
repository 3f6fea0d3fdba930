"""P301: a database whose data goes when its container goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.lint.images import data_folder, is_database, store_of
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.bodies import Mount
    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        store = store_of(service)
        if store is None or not is_database(service):
            continue
        folder, declared = data_folder(service, store)
        mount = _holding(folder, declared, mounts(service))
        fix = f"mount a named volume at {folder}"
        if mount is None:
            hidden = any(folder.startswith(f"{other.target}/") for other in mounts(service))
            above = "; the image's own volume hides what is mounted above it" if hidden else ""
            message = f"{store.family} keeps its data in {folder}, where nothing is mounted{above}"
            yield at(service, "volumes", message=message, fix=fix)
        elif mount.kind == "volume" and not mount.source:
            message = f"the volume at {mount.target} has no name, so nothing finds it again"
            yield at(service, "volumes", str(mount.index), message=message, fix=fix)


def _holding(folder: str, declared: str, candidates: Iterable[Mount]) -> Mount | None:
    """The mount that holds the folder. The volume that the image itself declares hides a mount above it."""
    above = [
        mount for mount in candidates if mount.target == folder or folder.startswith(mount.target.rstrip("/") + "/")
    ]
    deepest = max(above, key=lambda mount: len(mount.target), default=None)
    hidden = folder == declared or folder.startswith(declared + "/")
    if deepest is None or (hidden and len(deepest.target) < len(declared)):
        return None
    return deepest


RULE = Rule(
    id="P301",
    severity=Severity.ERROR,
    title="Database without a volume",
    reason="The data lies in the container or in a volume without a name, and is gone with the service's next change.",
    fix="mount a named volume where the database keeps its data",
    check=check,
)
