"""What was applied, kept on the engine or on the Swarm.

A revision is the canonical document with the digests and keyed fingerprints that went with it, never a secret value.
Losing it loses history and the telling of drift from change; apply works without it.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from provisioner import __version__
from provisioner.document.sources import Document
from provisioner.errors import PlaybookInvalid
from provisioner.ledger.lease import whoami
from provisioner.ledger.store import records, store, stores
from provisioner.model.node import from_plain
from provisioner.model.span import Span
from provisioner.platforms.choice import Mode, lower
from provisioner.platforms.lowering import Inputs
from provisioner.playbook.bind import bind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.playbook import Playbook
    from provisioner.model.state import DesiredState, ObservedState
    from provisioner.ports import EngineReader, EngineWriter

KEPT = 20


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. `applied_at` is RFC 3339 in UTC, `document` the canonical document as plain values.

    `containers` are the addresses of the containers that were there afterwards, by their ids, `files` the operations
    that made the volumes of their configs and secrets, by name; `restores` is the number of the revision that a
    rollback brought back, 0 for an apply.
    """

    number: int
    applied_at: str
    applied_by: str
    name: str
    environment: str | None
    directory: str
    document: Mapping[str, Any]
    inputs: Mapping[str, Mapping[str, str]]
    mode: Mode = "containers"
    containers: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    restores: int = 0

    def says(self, playbook: Playbook, inputs: Inputs, mode: Mode, seen: ObservedState) -> bool:
        """Whether this is what was applied, so that it need not be kept again."""
        now = _content(playbook, inputs, mode, seen)
        # A value that moved to another tier is the same value.
        then = {key: getattr(self, key) for key in now} | {"inputs": {**self.inputs, "origins": {}}}
        return then == now | {"inputs": {**now["inputs"], "origins": {}}}


def revisions(engine: EngineReader, project: str, *, manager: bool | None = None) -> tuple[Revision, ...]:
    """All kept revisions, oldest first. A torn one is passed over. `manager`: whether the engine is known to be one."""
    found = []
    for content in (one for kept in records(engine, project, manager=manager) for one in kept.revisions()):
        try:
            found.append(Revision(**json.loads(content)))
        except (ValueError, TypeError):
            continue
    return tuple(sorted(found, key=lambda revision: revision.number))


def last_revision(engine: EngineReader, project: str, *, manager: bool | None = None) -> Revision | None:
    """What was last applied; None when that is not known. `manager`: whether the engine is known to be one."""
    kept = revisions(engine, project, manager=manager)
    return kept[-1] if kept else None


def desired_of(revision: Revision, project: str) -> DesiredState | None:
    """The objects of a revision; None for a document that this version can not read any more."""
    try:
        return lower(playbook_of(revision, project), Inputs(**revision.inputs), revision.mode)
    except PlaybookInvalid:
        return None


def playbook_of(revision: Revision, project: str) -> Playbook:
    """The playbook of a revision. PlaybookInvalid for a document that this version can not read any more."""
    root = from_plain(dict(revision.document), Span(f"revision {revision.number}"))
    return bind(Document(root, project, revision.name, revision.environment, revision.directory, ()))


def record_revision(
    engine: EngineWriter,
    playbook: Playbook,
    inputs: Inputs,
    mode: Mode,
    seen: ObservedState,
    restores: int = 0,
) -> int:
    """Keep what was applied as a new revision; returns its number. `seen` is what was there afterwards."""
    kept = revisions(engine, playbook.project)
    number = kept[-1].number + 1 if kept else 1
    content = {
        "number": number,
        "applied_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "applied_by": f"{whoami()}@{socket.gethostname()}, provisioner {__version__}",
        **_content(playbook, inputs, mode, seen),
        **({"restores": restores} if restores else {}),
    }
    text = json.dumps(content, sort_keys=True).encode()
    store(engine, playbook.project, mode).keep(number, text, KEPT)
    return number


def _content(playbook: Playbook, inputs: Inputs, mode: Mode, seen: ObservedState) -> dict[str, Any]:
    return {
        "name": playbook.name,
        "environment": playbook.environment,
        "directory": playbook.directory,
        "document": playbook.root.plain(),
        "mode": mode,
        "inputs": {
            "builds": dict(inputs.builds),
            "versions": dict(inputs.versions),
            "registry": dict(inputs.registry),
            "origins": dict(inputs.origins),
            **({"profiles": dict(inputs.profiles)} if inputs.profiles else {}),
        },
        "containers": {one.id: str(address) for address, one in seen.resources.items() if one.kind == "container"},
        "files": {one.name: one.spec["operation"] for one in seen.files if one.users},
    }


def forget_revisions(engine: EngineWriter, project: str) -> None:
    """Remove the ledger of an environment that is gone."""
    for kept in stores(engine, project):
        kept.forget()
