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
    from typing import Any

    from provisioner.app.adopt_proof import Lists
    from provisioner.model.adoption import Adopted
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
    listed = listed or lists(engine, swarm=mode == "swarm")
    names = {str(raw["Id"]): own_name(raw) for raw in listed.containers}
    taken = {(one.kind, one.id) for one in adopts}
    present = standing(engine, [one for one in known if (one.kind, one.id) not in taken], listed)
    record = (*present, *without_own_labels(adopts))
    renames = [one for one in adopts if one.kind == "container" and names.get(one.id, one.name) != one.name]
    former = [
        replace(one, kind=RENAMING, name=one.labels[FORMER_NAME], labels={})
        for one in renames
        if FORMER_NAME in one.labels
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
    for one in adopts:
        if one.kind in RELABELLED:
            _relabel(engine, one)
    return record


def _in_turn(renames: Sequence[Adopted], names: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Each rename as id, name before and name after, so that no name is taken by a container that is still to give it
    up. Where they stand in a circle one gets a name in between. `names` are those of all containers by id."""
    left = {one.id: one for one in renames}
    now = {one.id: names[one.id] for one in renames}
    while left:
        taken = {now[identity] for identity in left}
        free = next((one for one in left.values() if one.name not in taken), None)
        one = free or next(iter(left.values()))
        name = one.name if free else f"{one.id[:12]}_{one.name}"
        yield one.id, now[one.id], name
        now[one.id] = name
        if free:
            del left[one.id]


def own_name(raw: Mapping[str, Any]) -> str:
    """The container's own name: one with a further slash is what a link of another container calls it."""
    return next((name for name in (str(one).lstrip("/") for one in raw.get("Names") or ()) if "/" not in name), "")


def _relabel(engine: EngineWriter, one: Adopted) -> None:
    """Give a Swarm's object its labels. A service's own labels are no part of its tasks' spec: none is restarted."""
    raw = engine.inspect(one.kind, one.id)
    if raw is None:
        raise ProvisionError(f"the {one.kind} {one.name} is gone", hint="run the command again")
    before = labels_of_record(one) if is_adopted(one) else ()
    labels = {key: value for key, value in (raw["Spec"].get("Labels") or {}).items() if key not in before}
    spec = {**raw["Spec"], "Labels": {**labels, **one.labels}}
    engine.update_spec(one.kind, one.id, int(raw["Version"]["Index"]), spec)


def without_own_labels(objects: Sequence[Adopted]) -> tuple[Adopted, ...]:
    """The records as they are kept: those of objects that carry their labels themselves have none."""
    return tuple(replace(one, labels={}) if one.kind in RELABELLED else one for one in objects)
