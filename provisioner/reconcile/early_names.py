"""A name is given up by what still runs: a container can be renamed before it is stopped. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.model.operation import Rename
from provisioner.model.plan import Verb
from provisioner.reconcile.rollout import previous_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.plan import Step
    from provisioner.model.state import ObservedState
    from provisioner.reconcile.handover import Handover

_RETIRES = (Verb.EXECUTE, Verb.STOP, Verb.REMOVE)


def give_name_up_early(steps: Sequence[Step], pair: Handover, observed: ObservedState) -> list[Step]:
    """The steps with the holder of a name set aside while it runs: before it is stopped, or its successor is proven."""
    frees = next(step for step in steps if step.id == pair.frees)
    if isinstance(frees.operation, Rename):
        return [_without_waiting(step, frees) for step in steps]
    everything = (*observed.resources.values(), *observed.leftovers)
    found = next(one for one in everything if one.id == frees.object_id)
    names = {one.name: one.address for one in everything if one.kind == "container"}
    aside = replace(
        frees, id=max(step.id for step in steps) + 1, operation=Rename(previous_name(found, names)), needs=(), after=()
    )  # fmt: skip
    ordered: list[Step] = [aside]
    for step in steps:
        retires = step.object_id == frees.object_id and step.verb in _RETIRES
        ordered.append(replace(step, needs=(*step.needs, aside.id)) if retires else step)
    return ordered


def _without_waiting(step: Step, renames: Step) -> Step:
    """A step where the renaming waits for nothing; who waits for that waits for what it waited for."""
    if step.id == renames.id:
        return replace(step, needs=(), after=())
    if renames.id in step.needs:
        return replace(step, needs=tuple(sorted({*step.needs, *renames.needs})))
    return step
