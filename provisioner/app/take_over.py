"""Write down which objects of other origin an environment owns, and give containers the names that go with it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.adopt_proof import lists, standing
from provisioner.errors import ProvisionError
from provisioner.kinds.ownership import FORMER_NAME
from provisioner.ledger.adoptions import labels_of_record, record_adoptions
from provisioner.model.adoption import RENAMING, is_adopted
from provisioner.reconcile.adoption import RELABELLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioner.app.adopt_proof import Lists
    from provisioner.model.adoption import Adopted
    from provisioner.model.edges import EngineJson
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineWriter


def take_over(
    engine: EngineWriter,
    project: str,
    mode: Mode,
    known: Sequence[Adopted],
    adopts: Sequence[Adopted],
    listed: Lists | None = None,
    revision: int = 0,
) -> tuple[Adopted, ...]:
    """Rename containers that have another name, keep the record of `known` and `adopts` in one write, and label what
    can be labelled. The record. `listed` is what the engine lists, where that is known already; `revision` is
    the number of the one that is to be kept next, 0 for none.

    Old names that go are written down before, should this run be killed before the record is written; where that can
    not be written, the old names come back. ProvisionError then.
    """
    listed = listed or lists(engine)
    names = {str(raw["Id"]): own_name(raw) for raw in listed.containers}
    taken = {(adopted.kind, adopted.id) for adopted in adopts}
    present = standing(engine, [adopted for adopted in known if (adopted.kind, adopted.id) not in taken], listed)
    record = (*present, *without_own_labels(adopts))
    renames = [
        adopted
        for adopted in adopts
        if adopted.kind == "container" and names.get(adopted.id, adopted.name) != adopted.name
    ]
    former = [
        replace(rename, kind=RENAMING, name=rename.labels[FORMER_NAME], labels={})
        for rename in renames
        if FORMER_NAME in rename.labels
    ]
    if former:
        record_adoptions(engine, project, mode, (*known, *former))
    renamed: list[tuple[str, str]] = []
    try:
        for identity, before, name in _in_turn(renames, names):
            engine.rename(identity, name)
            renamed.append((identity, before))
        record_adoptions(engine, project, mode, record, revision)
    except ProvisionError:
        for identity, before in reversed(renamed):
            with suppress(ProvisionError):
                engine.rename(identity, before)
        if former:
            with suppress(ProvisionError):
                record_adoptions(engine, project, mode, known)
        raise
    for adopted in adopts:
        if adopted.kind in RELABELLED:
            _relabel(engine, adopted)
    return record


def _in_turn(renames: Sequence[Adopted], names: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Each rename as id, name before and name after, so that no name is taken by a container that is still to give it
    up. Where they stand in a circle one gets a name in between. `names` are those of all containers by id."""
    left = {rename.id: rename for rename in renames}
    now = {rename.id: names[rename.id] for rename in renames}
    while left:
        taken = {now[identity] for identity in left}
        free = next((adopted for adopted in left.values() if adopted.name not in taken), None)
        adopted = free or next(iter(left.values()))
        name = adopted.name if free else f"{adopted.id[:12]}_{adopted.name}"
        yield adopted.id, now[adopted.id], name
        now[adopted.id] = name
        if free:
            del left[adopted.id]


def own_name(raw: EngineJson) -> str:
    """The container's own name: one with a further slash is what a link of another container calls it."""
    return next((name for name in (str(name).lstrip("/") for name in raw.get("Names") or ()) if "/" not in name), "")


def _relabel(engine: EngineWriter, adopted: Adopted) -> None:
    """Give a Swarm's object its labels. A service's own labels are no part of its tasks' spec: none is restarted."""
    raw = engine.inspect(adopted.kind, adopted.id)
    if raw is None:
        raise ProvisionError(f"the {adopted.kind} {adopted.name} is gone", hint="run the command again")
    before = labels_of_record(adopted) if is_adopted(adopted) else ()
    labels = {key: value for key, value in (raw["Spec"].get("Labels") or {}).items() if key not in before}
    spec = {**raw["Spec"], "Labels": {**labels, **adopted.labels}}
    engine.update_spec(adopted.kind, adopted.id, int(raw["Version"]["Index"]), spec)


def without_own_labels(objects: Sequence[Adopted]) -> tuple[Adopted, ...]:
    """The records as they are kept: those of objects that carry their labels themselves have none."""
    return tuple(replace(adopted, labels={}) if adopted.kind in RELABELLED else adopted for adopted in objects)
