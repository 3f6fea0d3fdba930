"""A backup before an apply that may cost data: `backup.before`. Where it fails, nothing is applied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from provisioner.app.backup import Saving, open_places, take_backup
from provisioner.backup.retention import BEFORE
from provisioner.errors import Interrupted, ProvisionError
from provisioner.ledger.adoptions import as_if_adopted
from provisioner.model.change import Action, Impact
from provisioner.model.event import Notice

if TYPE_CHECKING:
    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request
    from provisioner.ledger.lease import Lease
    from provisioner.model.backup import Risk
    from provisioner.model.change import Change
    from provisioner.ports import DataEngine, EngineWriter, Interrupt, Listener

_MAJOR = re.compile(r"[vV]?([0-9]+)")
_WORDS: dict[Risk, str] = {
    "migration": "a job runs", "data_loss": "data are lost", "major_image": "an image's major version is another",
}  # fmt: skip


def take_snapshot(
    request: Request, prepared: Prepared, engine: EngineWriter, held: Lease, listener: Listener, interrupt: Interrupt
) -> None:
    """Back up the environment where the plan does what `backup.before` names, and there are data of it yet.

    ProvisionError where the backup fails; the apply is not to begin then.
    """
    playbook = prepared.playbook
    matches = [risk for risk in risks(prepared) if risk in playbook.backup.before]
    has_volumes = any(existing.kind == "volume" for existing in prepared.plan.observed.resources.values())
    if not matches or not has_volumes:
        return
    why = ", ".join(_WORDS[risk] for risk in matches)
    # What the apply is about to move is saved under its new address already.
    seen = cast("DataEngine", as_if_adopted(engine, playbook.project, prepared.plan.moves))
    saving = Saving(playbook, seen, prepared.platform, open_places(request, playbook))
    listener(Notice(f"a snapshot is taken first, since {why}"))
    try:
        manifest = take_backup(
            saving, held, (), on_item=lambda part: None, reason=f"{BEFORE}{matches[0]}", interrupt=interrupt
        )
    except KeyboardInterrupt:
        raise Interrupted("interrupted in the snapshot before it; nothing was applied") from None
    except ProvisionError as error:
        error.message = f"nothing was applied, since the snapshot before it failed: {error.message}"
        error.args = (error.message,)
        raise
    listener(Notice(f"the snapshot is {manifest.id}"))


def risks(prepared: Prepared) -> tuple[Risk, ...]:
    """What of an apply may cost data, from its plan."""
    matches: list[Risk] = []
    changes = [change for change in prepared.plan.changes if change.action is not Action.UNCHANGED]
    if any(_loses_data(change) for change in changes):
        matches.append("data_loss")
    if any(
        change.desired is not None and change.desired.job and change.action is not Action.DELETE for change in changes
    ):
        matches.append("migration")
    if _major_images(prepared):
        matches.append("major_image")
    return tuple(matches)


def _loses_data(change: Change) -> bool:
    volume = change.observed is not None and change.observed.kind == "volume"
    gone = volume and change.action in (Action.DELETE, Action.REPLACE)
    return gone or any(difference.impact is Impact.DATA_LOSS for difference in change.differences)


def _major_images(prepared: Prepared) -> bool:
    """Whether a service's image has another major version than in the last revision."""
    services = (prepared.last.document.get("services") or {}) if prepared.last else {}
    before = {name: str((body or {}).get("image") or "") for name, body in services.items()}
    return any(
        name in before and None not in (pair := (major(before[name]), major(service.image))) and pair[0] != pair[1]
        for name, service in prepared.playbook.services.items()
    )


def major(image: str) -> int | None:
    """The first number of an image's tag; None where the tag does not begin with one."""
    _, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    match = _MAJOR.match(tag)
    return int(match[1]) if match else None
