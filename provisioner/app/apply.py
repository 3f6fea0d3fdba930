"""`apply`: bring the engine to the declared state, and prove it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import TYPE_CHECKING

from provisioner.app.builds import building_what_was_planned
from provisioner.app.load import load_playbook
from provisioner.app.materials import gather, settle
from provisioner.app.plan import Prepared, prepare
from provisioner.app.plan_digest import digest_plan
from provisioner.app.verify import run_checks
from provisioner.app.wiring import SystemClock, open_engine
from provisioner.errors import NotConverged, PlanStale, Unsafe
from provisioner.ledger.lease import lease, left_behind
from provisioner.ledger.revisions import record_revision
from provisioner.model.plan import Verb
from provisioner.model.report import Outcome
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.execute import execute
from provisioner.reconcile.observe import observe
from provisioner.reconcile.withdrawal import withdrawal

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from provisioner.app.materials import Gathering
    from provisioner.app.plan_digest import PlanDigest
    from provisioner.app.request import Request
    from provisioner.app.saved_plan import SavedPlan
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.model.report import Report, StepResult
    from provisioner.model.verification import CheckResult
    from provisioner.ports import EngineWriter, Listener


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """`report` is None where the plan was declined, refused or empty."""

    plan: Plan
    report: Report | None = None
    checks: tuple[CheckResult, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """0 done, 1 something failed, 3 not converged, 130 interrupted."""
        if self.plan.refusals:
            return 1
        if self.report is not None:
            if self.report.failures:
                rolled_back = all(isinstance(one.error, NotConverged) for one in self.report.failures)
                return NotConverged.exit_code if rolled_back else 1
            if self.report.interrupted:
                return 130
            if self.report.remaining:
                return 3
        return 0 if all(check.ok for check in self.checks) else 1


def apply(
    request: Request,
    policy: Policy,
    scale: Mapping[str, int],
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    verify: bool,
    interrupt: threading.Event,
    saved: SavedPlan | None = None,
    gathering: Gathering = gather,
) -> ApplyResult:
    """Plan, ask, carry out, look again, verify. Nothing is written to the engine when nothing differs.

    PlanStale when `saved` is not the plan of now.
    """
    playbook = load_playbook(
        request, targets=() if policy.alone else policy.targets, scale=scale, feasible=not policy.alone
    )
    return apply_playbook(
        request, playbook, open_engine(request, playbook.engine), policy, approve=approve, listener=listener,
        verify=verify, interrupt=interrupt, saved=saved, gathering=gathering,
    )  # fmt: skip


def apply_playbook(
    request: Request,
    playbook: Playbook,
    engine: EngineWriter,
    policy: Policy,
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    verify: bool,
    interrupt: threading.Event,
    saved: SavedPlan | None = None,
    gathering: Gathering = gather,
    restores: int = 0,
) -> ApplyResult:
    """`apply` for a playbook that is there already. `restores` is the number of the revision that it is from."""
    prepared = prepare(request, playbook, engine, policy, gathering)
    if saved is not None:
        saved.require_current(prepared)
    salt = token_hex(16)
    approved = digest_plan(prepared, salt)
    if not approve(prepared.plan) or prepared.plan.refusals:
        return ApplyResult(prepared.plan)
    report = None
    if _writes(prepared) or left_behind(engine, playbook.project, manager=prepared.plan.observed.facts.swarm_manager):
        if prepared.materials.unsettled:
            settle(request, playbook, prepared.materials)
        with lease(engine, playbook.project, prepared.mode, clock=SystemClock()):
            again = prepare(request, playbook, engine, policy, gathering)
            if again.plan.refusals:
                raise Unsafe("\n".join(str(problem) for problem in again.plan.refusals))
            require_approved(approved, digest_plan(again, salt))
            report, after = carry_out(
                request, again, engine, policy, listener=listener, interrupt=interrupt, gathering=gathering
            )
            if after is not None and after.whole and not _recorded(after):
                record_revision(
                    engine, playbook, after.materials.inputs, after.mode, after.plan.observed, restores=restores
                )
        prepared = again
    elif prepared.plan.steps:
        report, _ = carry_out(
            request, prepared, engine, policy, listener=listener, interrupt=interrupt, gathering=gathering
        )
    result = ApplyResult(prepared.plan, report)
    if verify and result.exit_code == 0 and playbook.checks:
        return replace(result, checks=run_checks(playbook, engine, playbook.checks))
    return result


def carry_out(
    request: Request,
    prepared: Prepared,
    engine: EngineWriter,
    policy: Policy,
    *,
    listener: Listener,
    interrupt: threading.Event,
    gathering: Gathering = gather,
) -> tuple[Report, Prepared | None]:
    """Run the steps, then look again: what still differs is in the report. The second look, if there was one."""
    clock = SystemClock()
    calls = Calls(prepared.plan, engine, prepared.materials.contents, clock, prepared.materials.origins)
    report = execute(
        prepared.plan, building_what_was_planned(calls, prepared.plan, prepared.playbook),
        parallel=policy.parallel, clock=clock, listener=listener, interrupted=interrupt,
    )  # fmt: skip
    if report.failures and not report.interrupted:
        return _withdraw(prepared, report, engine, policy, clock, listener, interrupt), None
    if report.interrupted:
        return report, None
    after = prepare(request, prepared.playbook, engine, policy, gathering)
    report = _watched(report, after, engine, policy, clock, listener, interrupt)
    if report.failures or report.interrupted:
        return report, None
    remaining = tuple(c for c in after.plan.changes if not (c.desired and c.desired.job == "always"))
    return replace(report, remaining=remaining), after


def _watched(
    report: Report,
    after: Prepared,
    engine: EngineWriter,
    policy: Policy,
    clock: SystemClock,
    listener: Listener,
    interrupt: threading.Event,
) -> Report:
    """The report with what became of services that ran when they were waited for, and did not at the second look."""
    found = after.plan.observed.resources
    waits = tuple(
        step
        for step in after.plan.steps
        if step.verb is Verb.WAIT and step.address in found and found[step.address].unsettled
    )
    if not waits:
        return report
    again = replace(after.plan, steps=tuple(replace(step, needs=()) for step in waits))
    calls = Calls(again, engine, {}, clock)
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
    engine: EngineWriter,
    policy: Policy,
    clock: SystemClock,
    listener: Listener,
    interrupt: threading.Event,
) -> Report:
    """Take back the rollouts that failed (`on_failure: rollback`): what they were to replace serves again.

    A failure that could be taken back is NotConverged: what is declared does not run.
    """
    observed = observe(engine, prepared.plan.desired, prepared.last.containers if prepared.last else {})
    back = withdrawal(prepared.plan, report.results, observed)
    if not back.steps:
        return report
    calls = Calls(back, engine, {}, clock)
    done = execute(back, calls, parallel=policy.parallel, clock=clock, listener=listener, interrupted=interrupt)
    undone = {one.step.address.whole for one in done.results if one.outcome is not Outcome.DONE}
    withdrawn = {change.address.whole for change in back.changes} - undone
    results = tuple(_taken_back(one) if one.step.address.whole in withdrawn else one for one in report.results)
    return replace(report, results=(*results, *done.results), interrupted=done.interrupted)


def _taken_back(result: StepResult) -> StepResult:
    if result.error is None:
        return result
    error = NotConverged(
        f"{result.error.message}; it was taken back, and the one before it is there again",
        hint="mend the new one and apply again", evidence=getattr(result.error, "evidence", ()),
    )  # fmt: skip
    return replace(result, error=error)


def _writes(prepared: Prepared) -> bool:
    """Whether anything is to be written: steps that do more than wait, a new value, or a revision that is not kept."""
    acts = any(step.verb is not Verb.WAIT for step in prepared.plan.steps)
    return acts or bool(prepared.materials.fresh) or (prepared.whole and not _recorded(prepared))


def _recorded(prepared: Prepared) -> bool:
    last = prepared.last
    return last is not None and last.says(
        prepared.playbook, prepared.materials.inputs, prepared.mode, prepared.plan.observed
    )


def require_approved(approved: PlanDigest, current: PlanDigest) -> None:
    """PlanStale, naming what moved, unless what is about to be done is what was approved."""
    moved = approved.differences(current)
    if moved:
        raise PlanStale(
            f"something changed between the plan and the apply: {'; '.join(moved)}",
            hint="nothing was done; look at the new plan and apply again",
        )
