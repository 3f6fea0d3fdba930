"""Write down which objects of other origin an environment owns, and give containers the names that go with it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.errors import ProvisionError
from provisioner.ledger.adoptions import record_adoptions
from provisioner.reconcile.adoption import RELABELLED, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.adoption import Adopted
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader, EngineWriter


def take_over(
    engine: EngineWriter, project: str, mode: Mode, known: Sequence[Adopted], adopts: Sequence[Adopted]
) -> tuple[Adopted, ...]:
    """Rename containers that have another name, keep the record of `known` and `adopts` in one write, and label what
    can be labelled. The record.

    A renamed container is found again by its new name, should this run be killed before the record is written; where
    that can not be written, the old names come back. ProvisionError then.
    """
    renamed: list[tuple[str, str]] = []
    try:
        for one in adopts:
            raw = engine.inspect("container", one.id) if one.kind == "container" else None
            if raw is not None and name_of(raw) != one.name:
                engine.rename(one.id, one.name)
                renamed.append((one.id, name_of(raw)))
        taken = {(one.kind, one.id) for one in adopts}
        present = [one for one in known if (one.kind, one.id) not in taken and stands(engine, one)]
        record = (*present, *without_own_labels(adopts))
        record_adoptions(engine, project, mode, record)
    except ProvisionError:
        for identity, name in reversed(renamed):
            with suppress(ProvisionError):
                engine.rename(identity, name)
        raise
    for one in adopts:
        if one.kind in RELABELLED:
            _relabel(engine, one)
    return record


def _relabel(engine: EngineWriter, one: Adopted) -> None:
    """Give a Swarm's object its labels. A service's own labels are no part of its tasks' spec: none is restarted."""
    raw = engine.inspect(one.kind, one.id)
    if raw is None:
        raise ProvisionError(f"the {one.kind} {one.name} is gone", hint="run the command again")
    spec = {**raw["Spec"], "Labels": {**(raw["Spec"].get("Labels") or {}), **one.labels}}
    engine.update_spec(one.kind, one.id, int(raw["Version"]["Index"]), spec)


def stands(engine: EngineReader, one: Adopted) -> bool:
    """Whether an adopted object is still there."""
    return engine.inspect(one.kind, one.id) is not None


def without_own_labels(objects: Sequence[Adopted]) -> tuple[Adopted, ...]:
    """The records as they are kept: those of objects that carry their labels themselves have none."""
    return tuple(replace(one, labels={}) if one.kind in RELABELLED else one for one in objects)
