"""`apply`: bring the engine to the declared state, and prove it."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol

from provisioner.app.builds import building_what_was_planned
from provisioner.app.evidence import masking_secrets
from provisioner.app.external_inputs import collect_inputs
from provisioner.app.load import load_playbook
from provisioner.app.outcome import failed_checks, keep_checks, keep_failure, keep_revision
from provisioner.app.plan import prepare
from provisioner.app.plan_digest import digest_plan
from provisioner.app.possible import refused_all_the_same
from provisioner.app.published import PublishedPort, published_ports
from provisioner.app.secret_inputs import persist_new_values
from provisioner.app.take_over import take_over
from provisioner.app.verify import run_checks
from provisioner.app.wiring import SystemClock, open_engine
from provisioner.errors import (
    Interrupted,
    LeaseHeld,
    NotConverged,
    PlanStale,
    ProvisionError,
    SecretUnavailable,
    Unreachable,
    Unsafe,
)
from provisioner.ledger.adoptions import learn
from provisioner.ledger.lease import lease, left_behind
from provisioner.model.event import Notice
from provisioner.model.plan import Verb
from provisioner.model.report import Outcome, Report
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.downtime import out_for, out_of_service
from provisioner.reconcile.execute import NeverSet, execute
from provisioner.reconcile.observe import observe
from provisioner.reconcile.retained import changes_guard
from provisioner.reconcile.withdrawal import withdrawal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.external_inputs import Collect
    from provisioner.app.plan_digest import PlanDigest
    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request
    from provisioner.app.saved_plan import SavedPlan
    from provisioner.ledger.lease import Lease
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.model.report import StepResult
    from provisioner.model.state import ObservedState
    from provisioner.model.verification import CheckResult
    from provisioner.ports import EngineWriter, Interrupt, Listener


class ApprovedPlan(Protocol):
    """What was agreed to before this apply: a plan in a file, or that of a play."""

    def require_current(self, prepared: Prepared) -> None:
        """PlanStale, naming what moved, unless that plan is the one of now."""
        ...

    def remarks(self, prepared: Prepared) -> Sequence[str]:
        """What a person should know of where that plan is kept."""
        ...


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """`report` is None where the plan was declined, refused or empty. `ports` is where services can be reached now."""

    plan: Plan
    report: Report | None = None
    checks: tuple[CheckResult, ...] = field(default=())
    ports: tuple[PublishedPort, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 done, 1 something failed, 3 not converged, 130 interrupted; 69, 75, 76 and 77 as the error says."""
        if self.plan.refusals:
            return 1
        if self.report is not None and (code := _exit_code(self.report)):
            return code
        if not all(check.ok for check in self.checks):
            return 1
        return SecretUnavailable.exit_code if self.plan.incomparable else 0

    @property
    def is_well(self) -> bool:
        """Whether everything was done and holds, whatever could not be compared."""
        failed = self.report is not None and _exit_code(self.report)
        return not (self.plan.refusals or failed) and all(check.ok for check in self.checks)


# Codes that say why the run could not go on. Of several errors the first of these decides.
_KEPT = (LeaseHeld.exit_code, Unreachable.exit_code, PlanStale.exit_code, SecretUnavailable.exit_code)


def _exit_code(report: Report) -> int:
    errors = [one.error for one in report.failures] + ([report.trouble] if report.trouble else [])
    codes = {error.exit_code if error is not None else 1 for error in errors}
    for code in _KEPT:
        if code in codes:
            return code
    if report.interrupted:
        return Interrupted.exit_code
    if codes:
        return NotConverged.exit_code if codes == {NotConverged.exit_code} else 1
    return NotConverged.exit_code if report.remaining else 0


def apply(
    request: Request,
    policy: Policy,
    scale: Mapping[str, int],
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    verify: bool,
    interrupt: Interrupt,
    saved: SavedPlan | None = None,
    gathering: Collect = collect_inputs,
) -> ApplyResult:
    """Plan, ask, carry out, look again, verify. Nothing is written to the engine when nothing differs.

    PlanStale when `saved` is not the plan of now.
    """
    playbook = load_playbook(
        request, targets=() if policy.alone else policy.targets, scale=scale, feasible=not policy.alone,
        further=partial(refused_all_the_same, request),
    )  # fmt: skip
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
    interrupt: Interrupt,
    saved: ApprovedPlan | None = None,
    gathering: Collect = collect_inputs,
    restores: int = 0,
    held: Lease | None = None,
) -> ApplyResult:
    """`apply` for a playbook that is there already. `restores` is the number of the revision that it is from.

    `held` is the environment's lease, where the caller has it and goes on having it.
    """
    prepared = prepare(request, playbook, engine, policy, gathering)
    if saved is not None:
        saved.require_current(prepared)
        for remark in saved.remarks(prepared):
            listener(Notice(remark))
    salt = token_hex(16)
    approved = digest_plan(prepared, salt)
    if not approve(prepared.plan) or prepared.plan.refusals:
        return ApplyResult(prepared.plan)
    report = None
    if _writes(prepared) or left_behind(engine, playbook.project, manager=prepared.plan.observed.facts.swarm_manager):
        if prepared.materials.unsettled:
            persist_new_values(request, playbook, prepared.materials)
        with _held(engine, prepared, policy, listener, held) as lease_held:
            again = prepare(request, playbook, engine, policy, gathering)
            _require_still_approved(again, approved, salt)
            if held is None:
                _take_snapshot(request, again, engine, lease_held, listener, interrupt)
            with interrupt.deferred():
                writer = lease_held.fence(engine)
                if taken := (*again.plan.adopts, *again.plan.moves):
                    adopted = take_over(writer, playbook.project, again.mode, again.ledger.adopted, taken)
                    learn(engine, playbook.project, adopted)
                report, after = carry_out(
                    request, again, writer, policy, listener=listener, interrupt=interrupt, gathering=gathering
                )
                if after is not None and after.whole and not _recorded(after):
                    report = keep_revision(report, after, writer, restores)
                elif after is None:
                    keep_failure(report, again, writer)
            prepared = again
            result = _verified(ApplyResult(prepared.plan, report), playbook, engine, verify=verify)
            if result.checks and again.whole:
                keep_checks(again, writer, result.checks)
        return _located(result, prepared, engine)
    if prepared.plan.steps:
        with interrupt.deferred():
            report, _ = carry_out(
                request, prepared, engine, policy, listener=listener, interrupt=interrupt, gathering=gathering
            )
    result = _verified(ApplyResult(prepared.plan, report), playbook, engine, verify=verify)
    last = prepared.last
    if result.checks and prepared.whole and last is not None:
        known = prepared.ledger.failed_checks(last)
        # That checks hold is told only of a revision whose checks failed before.
        if known != failed_checks(result.checks):
            with _held(engine, prepared, policy, listener, held) as lease_held:
                keep_checks(prepared, lease_held.fence(engine), result.checks)
    return _located(result, prepared, engine)


def _located(result: ApplyResult, prepared: Prepared, engine: EngineWriter) -> ApplyResult:
    """The result with where services can be reached, as far as the engine says."""
    with suppress(ProvisionError):
        ports = published_ports(engine, prepared.playbook.project, swarm=prepared.mode == "swarm")
        return replace(result, ports=ports)
    return result


def _require_still_approved(prepared: Prepared, approved: PlanDigest, salt: str) -> None:
    """Unsafe where the plan is refused by now, PlanStale where it is another one than was approved."""
    if prepared.plan.refusals:
        raise Unsafe("\n".join(str(problem) for problem in prepared.plan.refusals))
    require_approved(approved, digest_plan(prepared, salt))


def _take_snapshot(
    request: Request, prepared: Prepared, engine: EngineWriter, held: Lease, listener: Listener, interrupt: Interrupt
) -> None:
    """The backup before what the playbook names as risky; a restore, which has the lease, keeps the data itself."""
    if prepared.playbook.backup.before:
        from provisioner.app.snapshot import take_snapshot

        take_snapshot(request, prepared, engine, held, listener, interrupt)


def _verified(result: ApplyResult, playbook: Playbook, engine: EngineWriter, *, verify: bool) -> ApplyResult:
    """The result with how the playbook's checks ended, where all went well before."""
    if not verify or result.exit_code != 0 or not playbook.checks:
        return result
    report = result.report or Report(result.plan, (), 0.0)
    try:
        return replace(result, checks=run_checks(playbook, engine, playbook.checks))
    except KeyboardInterrupt:
        return replace(result, report=replace(report, interrupted=True))
    except ProvisionError as error:
        return replace(result, report=replace(report, trouble=error))


def carry_out(
    request: Request,
    prepared: Prepared,
    engine: EngineWriter,
    policy: Policy,
    *,
    listener: Listener,
    interrupt: Interrupt,
    gathering: Collect = collect_inputs,
) -> tuple[Report, Prepared | None]:
    """Run the steps, then look again: what still differs is in the report. The second look, if there was one.

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
        after = prepare(request, prepared.playbook, engine, policy, gathering)
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


def _held(
    engine: EngineWriter, prepared: Prepared, policy: Policy, listener: Listener, held: Lease | None = None
) -> AbstractContextManager[Lease]:
    """The lease for a block: `held`, which stays with its owner, or one that is taken and given back."""
    if held is not None:
        return nullcontext(held)
    return lease(
        engine, prepared.playbook.project, prepared.mode, clock=SystemClock(), timeout=policy.lock_timeout,
        waiting=lambda text: listener(Notice(text)),
    )  # fmt: skip


def _stopped(
    prepared: Prepared,
    report: Report,
    engine: EngineWriter,
    policy: Policy,
    clock: SystemClock,
    listener: Listener,
) -> Report:
    """A run that failed or was interrupted: what it had begun to replace serves again, and what is down is named.

    Without the lease nothing is touched any more.
    """
    if any(isinstance(result.error, LeaseHeld) for result in report.failures):
        return report
    known = prepared.last.containers if prepared.last else {}
    try:
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
    found = after.plan.observed.resources
    waits = tuple(
        step
        for step in after.plan.steps
        if step.verb is Verb.WAIT and step.address in found and found[step.address].unsettled
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
    back = withdrawal(prepared.plan, report.results, observed, interrupted=report.interrupted)
    if not back.steps:
        return report
    calls = masking_secrets(Calls(back, engine, {}, clock), back, prepared.materials)
    done = execute(
        back, calls, parallel=policy.parallel, clock=clock, listener=listener, interrupted=NeverSet(),
        purpose="Taking back",
    )  # fmt: skip
    undone = {one.step.address.whole for one in done.results if one.outcome is not Outcome.DONE}
    withdrawn = {change.address.whole for change in back.changes} - undone
    results = tuple(
        _taken_back(one, out_for(one.step.address, report.results, done.results))
        if one.step.address.whole in withdrawn
        else one
        for one in report.results
    )
    return replace(report, results=(*results, *done.results), taken_back=tuple(sorted(withdrawn)))


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


def _writes(prepared: Prepared) -> bool:
    """Whether anything is to be written: steps that do more than wait, an adoption, a new value, or a revision that is
    not kept."""
    acts = any(step.verb is not Verb.WAIT for step in prepared.plan.steps)
    return (
        acts
        or bool(prepared.plan.adopts or prepared.plan.moves)
        or bool(prepared.materials.fresh)
        or (prepared.whole and not _recorded(prepared))
    )


def _recorded(prepared: Prepared) -> bool:
    last = prepared.last
    ledger = prepared.ledger
    if last is None or ledger.destroyed or ledger.failed or any(map(changes_guard, prepared.plan.changes)):
        return False
    if not last.converged and not prepared.plan.changes:
        return False
    return last.says(prepared.playbook, prepared.materials.inputs, prepared.mode, prepared.plan.observed)


def require_approved(approved: PlanDigest, current: PlanDigest) -> None:
    """PlanStale, naming what moved, unless what is about to be done is what was approved."""
    moved = approved.differences(current)
    if moved:
        raise PlanStale(
            f"something changed between the plan and the apply: {'; '.join(moved)}",
            hint="nothing was done; look at the new plan and apply again",
        )
