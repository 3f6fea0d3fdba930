"""Everything that an engine keeps of an environment's past: revisions, and what was destroyed after them."""

from __future__ import annotations

import json
import socket
from dataclasses import field, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from provisioner import __version__
from provisioner.ledger.adoptions import learn, newest, parse_adoptions
from provisioner.ledger.intentions import Intention, Intentions, keep_intentions, parse_intentions
from provisioner.ledger.labels import ADOPTED, CHECKS, DESTROYED, FAILED, INTENTIONS, NARROWED, RELEASED, REVISION
from provisioner.ledger.lease import whoami
from provisioner.ledger.revisions import KEPT, Revision, parse_revision
from provisioner.ledger.store import records, store, stores
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.state import DesiredState, Resource
from provisioner.reconcile.retained import volumes_left

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _typeshed import DataclassInstance

    from provisioner.model.adoption import Adopted
    from provisioner.model.edges import PlainDocument
    from provisioner.model.playbook import Playbook
    from provisioner.model.specs import KeptVolume
    from provisioner.model.state import ObservedState
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader, EngineWriter

_KEPT_DESTROYED = 5
_KEPT_FAILED = 10
_KEPT_RELEASED = 10
_KEPT_NARROWED = 10
# Of what was released these have names of their own versions: nothing of ours stands there, and nobody removed it.
_VERSIONED = ("image", "config", "secret")
# Letters of a reason that are kept.
_LONGEST_REASON = 300
_Record = TypeVar("_Record", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A `destroy`. `after` is the number of the last revision then, 0 for none; `volumes` are those that stayed."""

    number: int
    at: str
    by: str
    after: int
    volumes: Mapping[str, KeptVolume] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Released:
    """A release of adopted objects, at `addresses`. `after` is the number of the last revision then, 0 for none."""

    number: int
    at: str
    by: str
    after: int
    addresses: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Narrowed:
    """An apply of a part of a playbook that the last revision does not declare. `after` is that one's number, 0 for
    none; `addresses` are those that it changed.
    """

    number: int
    at: str
    by: str
    after: int
    addresses: Sequence[str] = ()
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """An apply that failed. `after` is the number of the last revision then, 0 for none.

    `failures` are what failed, as address and first line of the reason; `outcome` is `failed`, `interrupted` or
    `rolled back`, `commit` the git commit of the playbook's folder. `evidence` are the last words by address: results
    of health checks and the end of the log, without values of secrets.
    """

    number: int
    at: str
    by: str
    after: int
    outcome: str = "failed"
    failures: Sequence[Sequence[str]] = ()
    commit: str = ""
    evidence: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """How the checks of the revision `number` ended; `failed` are the names of those that did not hold."""

    number: int
    at: str
    failed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of an environment, oldest first. `checks` are by the number of their revision; `adopted` are the
    objects that it owns though another tool made them, `intentions` what is stopped or scaled on purpose. `awaited` is
    the number of the revision that goes with the last adoption, 0 where none does.
    """

    project: str
    revisions: tuple[Revision, ...] = ()
    destroys: tuple[Destroyed, ...] = ()
    failures: tuple[Failed, ...] = ()
    checks: Mapping[int, Checked] = field(default_factory=dict)
    adopted: tuple[Adopted, ...] = ()
    intentions: Intentions = field(default_factory=Intentions)
    releases: tuple[Released, ...] = ()
    awaited: int = 0
    parts: tuple[Narrowed, ...] = ()

    @property
    def lacks_revision(self) -> bool:
        """Whether an adoption ended before it kept its revision, and nothing was applied since."""
        return self.awaited > (self.last.number if self.last else 0)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is kept."""
        return self == Ledger(self.project)

    @property
    def last(self) -> Revision | None:
        """The revision that was kept last."""
        return self.revisions[-1] if self.revisions else None

    @property
    def destroyed(self) -> Destroyed | None:
        """The `destroy` that came after the last revision."""
        number = self.revisions[-1].number if self.revisions else 0
        return self.destroys[-1] if self.destroys and self.destroys[-1].after >= number else None

    @property
    def failed(self) -> Failed | None:
        """The apply that failed after the last revision."""
        number = self.revisions[-1].number if self.revisions else 0
        return self.failures[-1] if self.failures and self.failures[-1].after >= number else None

    @property
    def narrowed(self) -> Narrowed | None:
        """The apply of a part that came after the last revision."""
        number = self.revisions[-1].number if self.revisions else 0
        return self.parts[-1] if self.parts and self.parts[-1].after >= number else None

    @property
    def left(self) -> bool:
        """Whether what there is now is no more what the last revision left: destroyed, failed, or applied in part."""
        return self.destroyed is not None or self.failed is not None or self.narrowed is not None

    def failed_checks(self, revision: Revision) -> tuple[str, ...]:
        """The checks of a revision that did not hold when they were run last."""
        checked = self.checks.get(revision.number)
        return tuple(checked.failed) if checked else ()

    def is_good(self, revision: Revision) -> bool:
        """Whether a revision was reached, and none of its checks is known to have failed."""
        return revision.converged and not self.failed_checks(revision)

    @property
    def volumes(self) -> Mapping[str, Mapping[str, Any]]:
        """The volumes that the environment had when it was last looked at: `key` and `protect` by name."""
        if self.destroyed is not None:
            return self.destroyed.volumes
        if self.last is not None and self.last.volumes is not None:
            return self.last.volumes
        # Kept before revisions told it: what any of them declared may be there still.
        volumes: dict[str, Mapping[str, Any]] = {}
        for revision in self.revisions:
            volumes |= _volumes_in(revision.document, self.project)
        return volumes

    @property
    def guards(self) -> dict[str, bool]:
        """Whether a volume is protected, by its name."""
        return {name: bool(volume.get("protect")) for name, volume in self.volumes.items()}

    def expected(self, desired: DesiredState | None) -> DesiredState | None:
        """The objects that should be there: `desired`, which the last revision wanted, with the volumes that no file
        declares any more; after a `destroy` only the volumes that stayed. None where that is not known.
        """
        if desired is None and self.last is None and self.destroyed is not None:
            desired = DesiredState(self.project, {})
        if desired is None:
            return None
        released = self._released()
        resources = {a: r for a, r in desired.resources.items() if str(a) not in released or a.kind not in _VERSIONED}
        desired = replace(desired, resources=resources)
        if self.destroyed is not None:
            resources = {a: r for a, r in resources.items() if r.kind == "volume" and r.name in self.volumes}
        elif self.last is None or self.last.volumes is None:
            return desired
        named = {r.name for r in resources.values() if r.kind == "volume"}
        for name, volume in sorted(self.volumes.items()):
            if name not in named:
                address = Address("volume", str(volume.get("key") or name))
                while address in resources:
                    address = replace(address, name=f"{address.name}_")
                resources[address] = Resource(address, "volume", name, {}, protect=bool(volume.get("protect")))
        return replace(desired, resources=resources)

    def _released(self) -> set[str]:
        """The addresses of what was let go of after the last revision."""
        number = self.revisions[-1].number if self.revisions else 0
        return {address for released in self.releases if released.after >= number for address in released.addresses}


def read_ledger(engine: EngineReader, project: str, *, manager: bool | None = None) -> Ledger:
    """All that is kept. A torn record is passed over. `manager`: whether the engine is known to be one.

    An engine that shows adopted objects with their labels does so from now on by what was read here.
    """
    revisions: list[Revision] = []
    destroys: list[Destroyed] = []
    failures: list[Failed] = []
    checks: dict[int, Checked] = {}
    releases: list[Released] = []
    parts: list[Narrowed] = []
    adoptions = []
    intentions = Intentions()
    for kept in records(engine, project, manager=manager):
        for series, content in kept.entries():
            if series == REVISION and (revision := parse_revision(content)) is not None:
                revisions.append(revision)
            if series == DESTROYED and (destroyed := _parse(Destroyed, content)) is not None:
                destroys.append(destroyed)
            if series == FAILED and (failed := _parse(Failed, content)) is not None:
                failures.append(failed)
            if series == CHECKS and (checked := _parse(Checked, content)) is not None:
                checks[checked.number] = checked
            if series == RELEASED and (released := _parse(Released, content)) is not None:
                releases.append(released)
            if series == NARROWED and (narrowed := _parse(Narrowed, content)) is not None:
                parts.append(narrowed)
            if series == ADOPTED:
                adoptions.append(parse_adoptions(content))
            if series == INTENTIONS and (intended := parse_intentions(content)) and intended.number > intentions.number:
                intentions = intended
    adopted = newest(adoptions)
    learn(engine, project, adopted.objects)
    return Ledger(
        project,
        tuple(sorted(revisions, key=lambda revision: revision.number)),
        tuple(sorted(destroys, key=lambda destroyed: destroyed.number)),
        tuple(sorted(failures, key=lambda failure: failure.number)),
        checks,
        adopted.objects,
        intentions,
        tuple(sorted(releases, key=lambda released: released.number)),
        adopted.revision,
        tuple(sorted(parts, key=lambda narrowed: narrowed.number)),
    )


def record_intentions(engine: EngineWriter, project: str, mode: Mode, intentions: Intentions) -> None:
    """Keep what is stopped and scaled on purpose now."""
    keep_intentions(store(engine, project, mode), intentions, INTENTIONS)


def intention(replicas: int = 0, declared: int = 0) -> Intention:
    """One of now, of whoever runs this."""
    return Intention(**_now(), replicas=replicas, declared=declared)


def record_destroyed(engine: EngineWriter, playbook: Playbook, mode: Mode, ledger: Ledger, left: ObservedState) -> None:
    """Keep that the environment was destroyed; `left` is what was seen afterwards."""
    number = ledger.destroys[-1].number + 1 if ledger.destroys else 1
    content = {
        "number": number,
        **_now(),
        "after": ledger.last.number if ledger.last else 0,
        "volumes": volumes_left(playbook, left),
    }
    store(engine, playbook.project, mode).keep(number, _text(content), _KEPT_DESTROYED, DESTROYED)


def record_released(engine: EngineWriter, project: str, mode: Mode, ledger: Ledger, addresses: Sequence[str]) -> None:
    """Keep that adopted objects were let go of."""
    number = ledger.releases[-1].number + 1 if ledger.releases else 1
    content = {
        "number": number,
        **_now(),
        "after": ledger.last.number if ledger.last else 0,
        "addresses": sorted(set(addresses)),
    }
    store(engine, project, mode).keep(number, _text(content), _KEPT_RELEASED, RELEASED)


def record_narrowed(
    engine: EngineWriter, project: str, mode: Mode, ledger: Ledger, addresses: Sequence[str], commit: str
) -> None:
    """Keep that an apply carried out a part of a playbook, and what it changed."""
    number = ledger.parts[-1].number + 1 if ledger.parts else 1
    content = {
        "number": number,
        **_now(),
        "after": ledger.last.number if ledger.last else 0,
        "addresses": sorted(set(addresses)),
        "commit": commit,
    }
    store(engine, project, mode).keep(number, _text(content), _KEPT_NARROWED, NARROWED)


def record_failed(
    engine: EngineWriter,
    project: str,
    mode: Mode,
    ledger: Ledger,
    outcome: str,
    failures: Sequence[tuple[str, str]],
    commit: str,
    evidence: Mapping[str, Sequence[str]],
) -> None:
    """Keep that an apply failed: what failed, as address and reason, and the last words, already without secrets."""
    number = ledger.failures[-1].number + 1 if ledger.failures else 1
    content = {
        "number": number,
        **_now(),
        "after": ledger.last.number if ledger.last else 0,
        "outcome": outcome,
        "failures": [[address, reason.partition("\n")[0][:_LONGEST_REASON]] for address, reason in failures],
        "commit": commit,
        "evidence": {address: list(lines) for address, lines in evidence.items()},
    }
    store(engine, project, mode).keep(number, _text(content), _KEPT_FAILED, FAILED)


def record_checks(engine: EngineWriter, project: str, mode: Mode, number: int, failed: Sequence[str]) -> None:
    """Keep how the checks of revision `number` ended."""
    content = {"number": number, "at": _now()["at"], "failed": list(failed)}
    store(engine, project, mode).keep(number, _text(content), KEPT, CHECKS)


def forget_ledger(engine: EngineWriter, project: str) -> None:
    """Remove all that is kept of an environment."""
    for kept in stores(engine, project):
        kept.forget()


def _now() -> dict[str, str]:
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    return {"at": moment, "by": f"{whoami()}@{socket.gethostname()}, provisioner {__version__}"}


def _text(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


def _parse(kind: type[_Record], content: bytes) -> _Record | None:
    """A record as it was kept; None for a torn one. Keys of later versions are passed over."""
    known = {column.name for column in fields(kind)}
    try:
        return kind(**{key: value for key, value in json.loads(content).items() if key in known})
    except (ValueError, TypeError, AttributeError):
        return None


def _volumes_in(document: PlainDocument, project: str) -> dict[str, KeptVolume]:
    """The volumes that a document declares as its own."""
    volumes: dict[str, KeptVolume] = {}
    for key, body in (document.get("volumes") or {}).items():
        body = body or {}
        if not body.get("external"):
            volumes[str(body.get("name") or f"{project}_{key}")] = {"key": key, "protect": bool(body.get("protect"))}
    return volumes
