"""Carries out a plan that was made, and looks again: what still differs, what is down, what was taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.builds import building_what_was_planned
from provisioner.app.evidence import masking_secrets
from provisioner.app.external_inputs import collect_inputs
from provisioner.app.plan import prepare
from provisioner.app.wiring import SystemClock
from provisioner.errors import LeaseHeld, NotConverged, ProvisionError
from provisioner.ledger.fence import require_held
from provisioner.model.plan import Verb
from provisioner.model.report import Outcome
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.downtime import out_for, out_of_service
from provisioner.reconcile.execute import NeverSet, execute
from provisioner.reconcile.observe import observe
from provisioner.reconcile.retained import changes_guard
from provisioner.reconcile.revert import rollback_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.external_inputs import Collect
    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request
    from provisioner.ledger.records import Ledger
    from provisioner.model.plan import Policy
    from provisioner.model.report import Report, StepResult
    from provisioner.model.state import ObservedState
    from provisioner.ports import EngineWriter, Interrupt, Listener


def carry_out(
    request: Request,
    prepared: Prepared,
    engine: EngineWriter,
    policy: Policy,
    *,
    listener: Listener,
    interrupt: Interrupt,
    gathering: Collect = collect_inputs,
    known: Ledger | None = None,
) -> tuple[Report, Prepared | None]:
    """Run the steps, then look again: what still differs is in the report. The second look, if there was one.

    `known` is what the ledger says, where the lease was held since it was read and nothing was written.
    Once steps were made nothing is raised: what ends the run is in the report too, with what was and was not done.
    """
    clock = SystemClock()
    calls = Calls(prepared.plan, engine, prepared.materials.contents, clock, prepared.materials.origins)
    building = building_what_was_planned(calls, prepared.plan, prepared.playbook)
    report = execute(
        prepared.plan, masking_secrets(building, prepared.plan, prepared.materials),
        parallel=policy.parallel, clock=clock, listener=listener, interrupted=interrupt, keep_going=policy.keep_going,
    )  # fmt: skip
    if report.failures or report.interrupted:
        return _stopped(prepared, report, engine, policy, clock, listener), None
    try:
        # What was to be made anew has been.
        as_made = replace(policy, made_anew=(), rerun=())
        after = prepare(request, prepared.playbook, engine, as_made, gathering, known=known)
        report = _watched(report, after, engine, policy, clock, listener, interrupt)
    except ProvisionError as error:
        return replace(report, trouble=error), None
    if report.failures or report.interrupted:
        return report, None
    # The protection of a volume is in the ledger, which is written after this look.
    remaining = tuple(
        c for c in after.plan.changes if not (c.desired and c.desired.job == "always") and not changes_guard(c)
    )
    return replace(report, remaining=remaining), after


def _stopped(
    prepared: Prepared, report: Report, engine: EngineWriter, policy: Policy, clock: SystemClock, listener: Listener
) -> Report:
    """A run that failed or was interrupted: what it had begun to replace serves again, and what is down is named.

    Without the lease nothing is touched any more, and that it was lost is why: whoever took it over may have removed
    what was waited for.
    """
    if any(isinstance(result.error, LeaseHeld) for result in report.failures):
        return report
    known = prepared.last.containers if prepared.last else {}
    try:
        require_held(engine)
        observed = observe(engine, prepared.plan.desired, known)
        report = _withdraw(prepared, report, observed, engine, policy, clock, listener)
        return replace(report, down=out_of_service(prepared.plan, observe(engine, prepared.plan.desired, known)))
    except ProvisionError as error:
        return replace(report, trouble=report.trouble or error)


def _watched(
    report: Report,
    after: Prepared,
    engine: EngineWriter,
    policy: Policy,
    clock: SystemClock,
    listener: Listener,
    interrupt: Interrupt,
) -> Report:
    """The report with what became of services that ran when they were waited for, and did not at the second look."""
    resources = after.plan.observed.resources
    waits = tuple(
        step
        for step in after.plan.steps
        if step.verb is Verb.WAIT and step.address in resources and resources[step.address].not_converged_reason
    )
    if not waits:
        return report
    again = replace(after.plan, steps=tuple(replace(step, needs=()) for step in waits))
    calls = masking_secrets(Calls(again, engine, {}, clock), again, after.materials)
    done = execute(again, calls, parallel=policy.parallel, clock=clock, listener=listener, interrupted=interrupt)
    return replace(
        report,
        results=(*report.results, *done.results),
        seconds=report.seconds + done.seconds,
        interrupted=done.interrupted,
    )


def _withdraw(
    prepared: Prepared,
    report: Report,
    observed: ObservedState,
    engine: EngineWriter,
    policy: Policy,
    clock: SystemClock,
    listener: Listener,
) -> Report:
    """Take back the rollouts that are not proven (`on_failure: rollback`): what they were to replace serves again.

    A failure that could be taken back is NotConverged: what is declared does not run. An interrupt that was heeded
    does not stop the way back.
    """
    back = rollback_plan(prepared.plan, report.results, observed, interrupted=report.interrupted)
    by_swarm = {
        result.step.address.whole for result in report.failures
        if isinstance(result.error, NotConverged) and result.error.taken_back
    }  # fmt: skip
    if by_swarm:
        return replace(report, taken_back=tuple(sorted(by_swarm)))
    if not back.steps:
        return report
    calls = masking_secrets(Calls(back, engine, {}, clock), back, prepared.materials)
    done = execute(
        back, calls, parallel=policy.parallel, clock=clock, listener=listener, interrupted=NeverSet(),
        purpose="Taking back",
    )  # fmt: skip
    undone = {result.step.address.whole for result in done.results if result.outcome is not Outcome.DONE}
    went_back = {change.address.whole for change in back.changes} - undone
    results = tuple(
        _taken_back(result, out_for(result.step.address, report.results, done.results))
        if result.step.address.whole in went_back
        else result
        for result in report.results
        if not _made_up_for(result, done.results)
    )
    return replace(report, results=(*results, *done.results), taken_back=tuple(sorted(went_back)))


def _made_up_for(result: StepResult, done: Sequence[StepResult]) -> bool:
    """Whether a step that was skipped was made on the way back: what was proven keeps its place, and what it replaced
    is removed.
    """
    step = result.step
    return (
        result.outcome is Outcome.SKIPPED
        and bool(step.object_id)
        and any(
            (other.step.verb, other.step.object_id, other.outcome) == (step.verb, step.object_id, Outcome.DONE)
            for other in done
        )
    )


def _taken_back(result: StepResult, seconds: float | None) -> StepResult:
    """The result of a failure that was taken back; `seconds` is how long nothing served, None where that is not known.

    In one sentence: what failed, what serves now, and for how long nothing did.
    """
    if result.error is None:
        return result
    down = ""
    if seconds is not None:
        down = f"; it was out of service for {seconds:.1f} s" if seconds else "; it was never out of service"
    error = NotConverged(
        f"{result.error.message}; it was taken back, and the one before it is there again{down}",
        hint="mend the new one and apply again", evidence=getattr(result.error, "evidence", ()),
    )  # fmt: skip
    return replace(result, error=error)
