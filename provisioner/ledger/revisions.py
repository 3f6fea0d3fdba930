"""What was applied, kept on the engine or on the Swarm.

A revision is the canonical document with the digests and keyed fingerprints that went with it, never a secret value.
Losing it loses history and the telling of drift from change; apply works without it.
"""

from __future__ import annotations

import json
import socket
from dataclasses import field, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from provisioner import __version__
from provisioner.document.sources import Document
from provisioner.errors import PlaybookInvalid
from provisioner.ledger.labels import REVISION
from provisioner.ledger.lease import whoami
from provisioner.ledger.store import records, store
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.node import from_plain
from provisioner.model.span import Problem, Span
from provisioner.platforms.choice import Mode, lower
from provisioner.platforms.lowering import InputVersions
from provisioner.playbook.bind import bind
from provisioner.playbook.select import scale
from provisioner.playbook.services import declared_replicas
from provisioner.reconcile.retained import volumes_to_keep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.edges import PlainDocument
    from provisioner.model.playbook import Playbook
    from provisioner.model.specs import KeptVolume
    from provisioner.model.state import DesiredState, ObservedState
    from provisioner.ports import EngineReader, EngineWriter

KEPT = 20
_SAME = ("document", "mode", "scaled")


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. `applied_at` is RFC 3339 in UTC, `document` the canonical document as plain values.

    `containers` are the addresses of the containers that were there afterwards, by their ids, `files` the operations
    that made the volumes of their configs and secrets, by name; `restores` is the number of the revision that a
    rollback brought back, 0 for an apply. `volumes` are those that were there afterwards, by name, with the `key` and
    whether each is to be protected (`protect`); None in a revision of a version that did not keep them. `scaled` are
    the replicas that the command line asked for, by service, `converged` is false where a last look still found a
    difference, and `commit` is the git commit of the playbook's folder, with `-dirty` where files were changed.
    `seconds` is how long the apply took, `took` how long it worked on each object, by address. `images` are the ids of
    those that services are built as, by service: what another tool built carries no label to find it by. `still` are
    the addresses of what did not run when it was adopted.
    """

    number: int
    applied_at: str
    applied_by: str
    name: str
    environment: str | None
    directory: str
    document: PlainDocument
    inputs: Mapping[str, Mapping[str, str]]
    mode: Mode = "containers"
    containers: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    restores: int = 0
    volumes: Mapping[str, KeptVolume] | None = None
    scaled: Mapping[str, int] = field(default_factory=dict)
    converged: bool = True
    commit: str = ""
    seconds: float = 0.0
    took: Mapping[str, float] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    still: Sequence[str] = ()

    def matches(self, playbook: Playbook, inputs: InputVersions, mode: Mode, seen: ObservedState) -> bool:
        """Whether this is what was applied, so that it need not be kept again."""
        now = {**_declared(playbook, inputs, mode), **_containers_and_files(seen)}
        # A value that moved to another tier is the same value.
        then = {key: getattr(self, key) for key in now} | {"inputs": {**self.inputs, "origins": {}}}
        return not self.still and then == now | {"inputs": {**now["inputs"], "origins": {}}}

    def is_declared_by(self, playbook: Playbook, inputs: InputVersions, mode: Mode) -> bool:
        """Whether its objects are those of this playbook with these inputs, and all of them were made."""
        now = _declared(playbook, inputs, mode)
        return not self.still and all(getattr(self, key) == value for key, value in now.items())

    def declares_like(self, other: Revision) -> bool:
        """Whether both declare the same, with the same versions of configs, secrets and builds."""
        return self._declares({key: getattr(other, key) for key in (*_SAME, "inputs")})

    def is_for(self, playbook: Playbook, inputs: InputVersions, mode: Mode) -> bool:
        """Whether it declares what this playbook with these inputs does, wherever that stands and is called."""
        return self._declares(_declared(playbook, inputs, mode))

    def _declares(self, other: Mapping[str, Any]) -> bool:
        return all(getattr(self, key) == other[key] for key in _SAME) and all(
            (self.inputs.get(key) or {}) == (other["inputs"].get(key) or {})
            for key in ("builds", "versions", "profiles")
        )


_KEYS = frozenset(key.name for key in fields(Revision))


def revisions(engine: EngineReader, project: str, *, manager: bool | None = None) -> tuple[Revision, ...]:
    """All kept revisions, oldest first. A torn one is passed over. `manager`: whether the engine is known to be one."""
    parsed = []
    for kept in records(engine, project, manager=manager):
        for series, content in kept.entries():
            if series == REVISION and (revision := parse_revision(content)) is not None:
                parsed.append(revision)
    return tuple(sorted(parsed, key=lambda revision: revision.number))


def parse_revision(content: bytes) -> Revision | None:
    """A revision as it was kept; None for a torn one. Keys of later versions are passed over."""
    try:
        record = json.loads(content)
        return Revision(**{key: value for key, value in record.items() if key in _KEYS})
    except (ValueError, TypeError, AttributeError):
        return None


def last_revision(engine: EngineReader, project: str, *, manager: bool | None = None) -> Revision | None:
    """What was last applied; None when that is not known. `manager`: whether the engine is known to be one."""
    kept = revisions(engine, project, manager=manager)
    return kept[-1] if kept else None


def desired_of(revision: Revision, project: str) -> DesiredState | None:
    """The objects of a revision; None for a document that this version can not read any more."""
    try:
        desired = lower(playbook_of(revision, project), recorded_inputs(revision), revision.mode)
    except PlaybookInvalid:
        return None
    still = {str(a): replace(r, still=True) for a, r in desired.resources.items() if str(a) in revision.still}
    return replace(desired, resources={a: still.get(str(a), r) for a, r in desired.resources.items()})


def playbook_of(revision: Revision, project: str) -> Playbook:
    """The playbook of a revision. PlaybookInvalid for a document that this version can not read any more."""
    root = from_plain(dict(revision.document), Span(f"revision {revision.number}"))
    document = Document(root, project, revision.name, revision.environment, revision.directory, ())
    try:
        playbook = bind(document)
    except (TypeError, ValueError) as error:
        raise PlaybookInvalid([Problem(f"not readable: {error}", root.span)]) from error
    return scale(playbook, {key: number for key, number in revision.scaled.items() if key in playbook.services})


def record_revision(
    engine: EngineWriter,
    playbook: Playbook,
    inputs: InputVersions,
    mode: Mode,
    seen: ObservedState,
    restores: int = 0,
    *,
    last: Revision | None,
    converged: bool = True,
    commit: str = "",
    seconds: float = 0.0,
    took: Mapping[str, float] | None = None,
    still: Sequence[Address] = (),
) -> int:
    """Keep what was applied as the revision after the `last` one; returns its number. `seen` was there afterwards."""
    number = last.number + 1 if last is not None else 1
    content = {
        "number": number,
        "applied_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "applied_by": f"{whoami()}@{socket.gethostname()}, provisioner {__version__}",
        **_declared(playbook, inputs, mode),
        **_containers_and_files(seen),
        "volumes": volumes_to_keep(playbook, seen),
        "images": _built(playbook, seen),
        **({"restores": restores} if restores else {}),
        **({} if converged else {"converged": False}),
        **({"commit": commit} if commit else {}),
        **({"still": [str(address) for address in still]} if still else {}),
        **({"seconds": round(seconds, 1), "took": dict(took)} if took else {}),
    }
    text = json.dumps(content, sort_keys=True).encode()
    store(engine, playbook.project, mode).keep(number, text, KEPT)
    return number


def recorded_inputs(revision: Revision) -> InputVersions:
    """What was found out outside the playbook when a revision was applied."""
    recorded = revision.inputs
    return InputVersions(
        builds=recorded.get("builds", {}),
        versions=_by_address(recorded.get("versions", {})),
        registry=recorded.get("registry", {}),
        origins=_by_address(recorded.get("origins", {})),
        profiles=recorded.get("profiles", {}),
    )


def _by_address(listed: Mapping[str, str]) -> dict[Address, str]:
    return {Address.from_listed(name): text for name, text in listed.items()}


def _declared(playbook: Playbook, inputs: InputVersions, mode: Mode) -> dict[str, Any]:
    return {
        "name": playbook.name,
        "environment": playbook.environment,
        "directory": playbook.directory,
        "document": playbook.root.plain(),
        "mode": mode,
        "inputs": {
            "builds": dict(inputs.builds),
            "versions": {address.listed: version for address, version in inputs.versions.items()},
            "registry": dict(inputs.registry),
            "origins": {address.listed: tier for address, tier in inputs.origins.items()},
            **({"profiles": dict(inputs.profiles)} if inputs.profiles else {}),
        },
        "scaled": _scaled(playbook),
    }


def _containers_and_files(seen: ObservedState) -> dict[str, Any]:
    return {
        "containers": {
            existing.id: str(address) for address, existing in seen.resources.items() if existing.kind == "container"
        },
        "files": {file.name: file.operation for file in seen.files if file.users},
    }


def _built(playbook: Playbook, seen: ObservedState) -> dict[str, str]:
    """The ids of the images of built services, by service."""
    images = seen.facts.images
    return {
        key: images[service.image].id
        for key, service in playbook.services.items()
        if service.builds and service.image in images
    }


def _scaled(playbook: Playbook) -> dict[str, int]:
    """The services whose number of replicas is not what the document says."""
    return {
        key: service.replicas
        for key, service in playbook.services.items()
        if declared_replicas(service) != service.replicas
    }
