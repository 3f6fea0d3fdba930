"""Adopted objects: what the ledger keeps of them, and the engine seen with the labels that they can not carry.

Labels of containers, networks and volumes can not be changed. So the ledger keeps those that an adopted object would
have, and `AdoptionsView` shows every object of the engine with them: everything that asks whose an object is reads
labels, and knows of no ledger.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from provisioner.kinds.ownership import PROJECT
from provisioner.kinds.service import FORM_LABEL
from provisioner.ledger.first_look import begin_look
from provisioner.ledger.labels import ADOPTED, LEDGER
from provisioner.ledger.store import records, store
from provisioner.model.adoption import Adopted
from provisioner.reconcile.adoption import RELABELLED, is_same_volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provisioner.model.edges import EngineJson
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader, EngineWriter
    from provisioner.reconcile.one_look import OneLook
# The newest record has everything; the one before is there while it is being written.
_KEPT = 2
_WORKERS = 8
_FIELDS = frozenset(field.name for field in fields(Adopted))
# Where an inspection of each kind has its labels.
_LABELS = {
    "container": ("Config", "Labels"), "image": ("Config", "Labels"), "network": ("Labels",), "volume": ("Labels",),
    "service": ("Spec", "Labels"), "config": ("Spec", "Labels"), "secret": ("Spec", "Labels"),
}  # fmt: skip


class Adoptions(NamedTuple):
    """One record of adopted objects. `revision` is the number of the revision that the adoption was to keep after it; 0
    where it keeps none."""

    number: int = 0
    objects: tuple[Adopted, ...] = ()
    revision: int = 0


def parse_adoptions(content: bytes) -> Adoptions | None:
    """One record; None for a torn one. Keys of later versions are passed over."""
    try:
        record = json.loads(content)
        objects = [Adopted(**{key: entry[key] for key in entry.keys() & _FIELDS}) for entry in record["objects"]]
        return Adoptions(int(record["number"]), tuple(objects), int(record.get("revision", 0)))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def newest(candidates: Iterable[Adoptions | None]) -> Adoptions:
    """The record with the highest number; an empty one without any."""
    return max(
        (adoptions for adoptions in candidates if adoptions is not None),
        key=lambda adoptions: adoptions.number,
        default=Adoptions(),
    )


def read_adoptions(
    engine: EngineReader, project: str, *, manager: bool | None = None
) -> tuple[int, tuple[Adopted, ...]]:
    """The number of the last record of adopted objects, and the objects. `manager`: whether the engine is known as
    one of a Swarm."""
    last = newest(
        parse_adoptions(content)
        for kept in records(engine, project, manager=manager)
        for series, content in kept.entries()
        if series == ADOPTED
    )
    return last.number, last.objects


def record_adoptions(
    engine: EngineWriter, project: str, mode: Mode, objects: Sequence[Adopted], revision: int = 0
) -> None:
    """Keep that these objects, and no others, are adopted: one write. `revision` is the number of the one that is to be
    kept right after it, 0 for none. ProvisionError where that can not be done."""
    number, _ = read_adoptions(engine, project)
    ordered = sorted(objects, key=lambda adopted: (adopted.kind, adopted.address, adopted.id))
    content = {
        "number": number + 1,
        "objects": [asdict(adopted) for adopted in ordered],
        **({"revision": revision} if revision else {}),
    }
    store(engine, project, mode).keep(number + 1, json.dumps(content, sort_keys=True).encode(), _KEPT, ADOPTED)


def learn(engine: EngineReader, project: str, adopted: Sequence[Adopted]) -> None:
    """Tell an engine's view what the ledger of `project` says now, so that it need not be read again."""
    know = getattr(engine, "know", None)
    if know is not None:
        know(project, adopted)


def learn_of_others(
    engine: EngineReader, project: str, listed: Iterable[EngineJson], *, manager: bool
) -> Mapping[tuple[str, str], str]:
    """The environment that has adopted an object, by kind and id, but for `project`; an engine's view shows these as
    theirs from now on. `listed` are the engine's containers, and a Swarm's configs, as it lists them.
    """
    owners: dict[tuple[str, str], str] = {}
    projects = (((raw.get("Spec") or raw).get("Labels") or {}).get(LEDGER) for raw in listed)
    for other in sorted({str(name) for name in projects if name} - {project}):
        _, adopted = read_adoptions(engine, other, manager=manager)
        learn(engine, other, adopted)
        owners |= {(record.kind, record.id): other for record in adopted}
    return owners


def with_adoptions(engine: EngineWriter, begun: Mapping[str, OneLook] = MappingProxyType({})) -> EngineWriter:
    """The engine on which adopted objects carry the labels that the ledgers keep for them. `begun` are looks at it by
    project: the first one look at that project is this one."""
    return cast("EngineWriter", AdoptionsView(engine, begun=begun))


def as_if_adopted(
    engine: EngineReader, project: str, objects: Sequence[Adopted], known: Sequence[Adopted] = ()
) -> EngineReader:
    """The engine as it would be if these objects were adopted besides, under the names that they would get. Those of
    the `known` records are shown without the labels that these gave them."""
    return cast("EngineReader", AdoptionsView(engine, {project: tuple(objects)}, known))


def one_look(engine: EngineReader, project: str, *, ledger: bool = True) -> EngineReader:
    """The engine, asked each thing once; what its ledgers say of adopted objects is learned by `engine`, too.

    What every plan needs is asked for at once: what the engine says of itself, the ledger, and what the project owns.
    Without `ledger`, whoever asks knows that already.
    """
    if isinstance(engine, AdoptionsView):
        return cast("EngineReader", engine.looking_once(project, ledger=ledger))
    look = begin_look(engine, project, ledger=ledger)
    return cast("EngineReader", look)


class AdoptionsView:
    """An engine whose adopted objects are shown with their labels.

    A project's ledger is read when its objects are listed for the first time, unless somebody has told it before.
    `planned` are objects by project that no ledger has yet: they are shown as if they were adopted, containers under
    the name that they would get. Where `known` has a record of one, what only that says of it is left out. `begun` are
    looks by project that wait for `looking_once`.
    """

    def __init__(
        self,
        engine: EngineReader,
        planned: Mapping[str, tuple[Adopted, ...]] | None = None,
        known: Sequence[Adopted] = (),
        begun: Mapping[str, OneLook] = MappingProxyType({}),
    ) -> None:
        self._engine = engine
        self._begun = dict(begun)
        self._planned = dict(planned or {})
        self._known = {(adopted.kind, adopted.id): labels_of_record(adopted) for adopted in known}
        self._projects: dict[str, tuple[Adopted, ...]] = {}
        self._index: dict[tuple[str, str], Adopted] = {}
        self._lock = threading.RLock()
        self._whole: AdoptionsView | None = None
        self._index_again()

    def looking_once(self, project: str, *, ledger: bool = True) -> AdoptionsView:
        """This view of the engine, asked each thing once, and what a plan of `project` needs at once."""
        look = self._begun.pop(project, None) or begin_look(self._engine, project, ledger=ledger)
        view = AdoptionsView(cast("EngineReader", look), self._planned)
        view._known = self._known
        view._projects, view._whole = dict(self._projects), self
        view._index_again()
        return view

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def know(self, project: str, adopted: Sequence[Adopted]) -> None:
        """Take these for all adopted objects of `project`."""
        if self._whole is not None:
            self._whole.know(project, adopted)
        with self._lock:
            self._projects[project] = (*adopted, *self._planned.get(project, ()))
            self._index_again()

    def _index_again(self) -> None:
        known = [adopted for objects in (*self._projects.values(), *self._planned.values()) for adopted in objects]
        self._index = {(adopted.kind, adopted.id): adopted for adopted in known}
        self._names = {
            adopted.id: adopted.name
            for objects in self._planned.values()
            for adopted in objects
            if adopted.kind == "container"
        }

    def list(self, kind: str, labels: Mapping[str, str]) -> Sequence[EngineJson]:
        project = labels.get(PROJECT)
        listed = self._engine.list(kind, labels)
        # What has moved inside carries the labels of its former address, until the ledger is known.
        adopted = self._adopted(project) if project else ()
        objects = [self._labelled(kind, raw) for raw in listed]
        if kind == "task":
            return [
                *objects,
                *self._tasks({record.id for record in adopted if record.kind == "service"} - _services(objects)),
            ]
        identities = {_identity(kind, raw) for raw in objects}
        missing = [record.id for record in adopted if record.kind == kind and record.id not in identities]
        if not missing or kind == "image":
            return objects
        with ThreadPoolExecutor(min(_WORKERS, len(missing))) as pool:
            others = [raw for raw in pool.map(lambda identity: self.inspect(kind, identity), missing) if raw]
        return [*objects, *(raw for raw in others if _carries(kind, raw, labels))]

    def inspect(self, kind: str, name: str) -> EngineJson | None:
        raw = self._engine.inspect(kind, name)
        return self._labelled(kind, raw) if raw is not None else None

    def containers(self) -> Sequence[EngineJson]:
        listed = self._engine.containers()
        return [self._with(raw, self._index.get(("container", str(raw["Id"]))), ("Labels",)) for raw in listed]

    def _adopted(self, project: str) -> tuple[Adopted, ...]:
        with self._lock:
            if project not in self._projects:
                _, adopted = read_adoptions(self._engine, project)
                self.know(project, adopted)
            return self._projects[project]

    def _tasks(self, services: set[str]) -> Sequence[EngineJson]:
        """The tasks of services whose labels, which are their tasks', are not set yet."""
        return [raw for raw in self._engine.list("task", {}) if raw.get("ServiceID") in services] if services else []

    def _labelled(self, kind: str, raw: EngineJson) -> EngineJson:
        if kind not in _LABELS:
            return raw
        adopted = self._index.get((kind, _identity(kind, raw)))
        if adopted is None or (kind == "volume" and not is_same_volume(adopted, raw)):
            return raw
        shown = self._with(raw, adopted, _LABELS[kind])
        name = self._names.get(adopted.id) if kind == "container" else None
        return {**shown, "Name": f"/{name}"} if name else shown

    def _with(self, raw: EngineJson, adopted: Adopted | None, path: tuple[str, ...]) -> EngineJson:
        if adopted is None:
            return raw
        if len(path) == 1:
            before = self._known.get((adopted.kind, adopted.id), frozenset())
            labels = {key: value for key, value in (raw.get(path[0]) or {}).items() if key not in before}
            return {**raw, path[0]: {**labels, **adopted.labels}}
        return {**raw, path[0]: self._with(raw.get(path[0]) or {}, adopted, path[1:])}


def labels_of_record(adopted: Adopted) -> frozenset[str]:
    """The labels that an object has for its record: of a Swarm's only what another record may not say."""
    return frozenset({FORM_LABEL} if adopted.kind in RELABELLED else adopted.labels)


def _identity(kind: str, raw: EngineJson) -> str:
    return str(raw.get("Name") if kind == "volume" else raw.get("Id") or raw.get("ID") or "")


def _services(tasks: Iterable[EngineJson]) -> set[str]:
    return {str(raw.get("ServiceID")) for raw in tasks}


def _carries(kind: str, raw: EngineJson, labels: Mapping[str, str]) -> bool:
    carried: Any = raw
    for key in _LABELS[kind]:
        carried = carried.get(key) or {}
    return all(key in carried and value in ("", carried[key]) for key, value in labels.items())
