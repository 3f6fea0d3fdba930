"""What is handed over is given up early: a name by what still runs, all else before the successor is proven. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.model.operation import Rename
from provisioner.model.plan import Verb
from provisioner.reconcile.container_steps import names_of_containers, previous_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.plan import Step
    from provisioner.model.state import ObservedState
    from provisioner.reconcile.handover import Handover

_ENDS = (Verb.EXECUTE, Verb.STOP)


def give_up_early(steps: Sequence[Step], pair: Handover, observed: ObservedState) -> list[Step]:
    """The steps with the holder of something set aside while it runs where that is a name, and else stopped before its
    successor is proven.
    """
    frees = next(step for step in steps if step.id == pair.frees)
    if frees.verb is Verb.RENAME:
        return _advanced(steps, [frees], ())
    made = [step.id for step in steps if step.address == frees.address and step.verb is Verb.CREATE]
    ends = [step for step in steps if step.object_id == frees.object_id and step.verb in _ENDS]
    if not pair.named:
        return _advanced(steps, ends, made)
    everything = (*observed.resources.values(), *observed.leftovers)
    existing = next(seen for seen in everything if seen.id == frees.object_id)
    name = previous_name(existing, names_of_containers(observed))
    rename = replace(frees, id=max(step.id for step in steps) + 1, operation=Rename(name), needs=(), after=())
    return [rename, *(_needing(step, rename.id) if step in ends or step.id == frees.id else step for step in steps)]


def _advanced(steps: Sequence[Step], chain: Sequence[Step], needs: Sequence[int]) -> list[Step]:
    """The steps of a chain wait for `needs` and each other only; who waits for one waits for what that waited for."""
    own = {step.id for step in chain}
    before = {step.id: {need for need in step.needs if need not in own} for step in chain}
    result = []
    for step in steps:
        if step.id in own:
            wanted = {*needs, *(need for need in step.needs if need in own)}
            result.append(replace(step, needs=tuple(sorted(wanted)), after=()))
        else:
            result.append(_needing(step, *(more for need in step.needs for more in before.get(need, ()))))
    return result


def _needing(step: Step, *needs: int) -> Step:
    return replace(step, needs=tuple(sorted({*step.needs, *needs})))
