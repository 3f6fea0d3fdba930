"""A part of a plan's steps, carried out by itself: what `run` and `create` need of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.builds import building_what_was_planned
from provisioner.app.wiring import SystemClock, held_lease
from provisioner.errors import Interrupted
from provisioner.model.report import Outcome
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.execute import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.prepared import Prepared
    from provisioner.ledger.lease import Lease
    from provisioner.model.plan import Step
    from provisioner.ports import EngineWriter, Interrupt, Listener


def carry_out_part(
    prepared: Prepared,
    wanted: Callable[[Step], bool],
    engine: EngineWriter,
    listener: Listener,
    interrupt: Interrupt,
    afterwards: Callable[[EngineWriter], object] = lambda engine: None,
) -> None:
    """Carry out the steps that are `wanted`, in their order, under the lease; `afterwards` still has it.

    Nothing is written where none is wanted. Raises the error of the first step that failed, Interrupted.
    """
    plan = prepared.plan
    steps = _without_others(plan.steps, wanted)
    if not steps:
        return
    plan = replace(plan, steps=steps)
    clock = SystemClock()
    held: Lease
    with (
        held_lease(engine, prepared.playbook.project, prepared.platform, listener) as held,
        interrupt.deferred(),
    ):
        writer = held.fence(engine)
        calls = Calls(plan, writer, prepared.materials.contents, clock, prepared.materials.origins)
        report = execute(
            plan, building_what_was_planned(calls, plan, prepared.playbook), parallel=8, clock=clock,
            listener=listener, interrupted=interrupt,
        )  # fmt: skip
        if not report.failures and not report.interrupted:
            afterwards(writer)
    if report.interrupted:
        raise Interrupted("interrupted before it was done")
    for result in report.results:
        if result.outcome is Outcome.FAILED and result.error is not None:
            raise result.error


def _without_others(steps: Sequence[Step], wanted: Callable[[Step], bool]) -> tuple[Step, ...]:
    """The wanted steps in their order: each needs what a step between them and it needed."""
    kept = {step.id for step in steps if wanted(step)}
    before: dict[int, tuple[set[int], set[int]]] = {}
    for step in steps:
        needs, after = set(step.needs), set(step.after)
        for left_out in (needs | after) - kept:
            inherited = before[left_out]
            needs |= inherited[0] if left_out in needs else set()
            after |= inherited[0] | inherited[1]
        before[step.id] = needs & kept, after & kept
    return tuple(
        replace(
            step, needs=tuple(sorted(before[step.id][0])), after=tuple(sorted(before[step.id][1] - before[step.id][0]))
        )
        for step in steps
        if step.id in kept
    )
