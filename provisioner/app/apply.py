"""`apply`: bring the engine to the declared state, and prove it."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import field, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol

from provisioner.app.external_inputs import collect_inputs
from provisioner.app.intentions import forget_what_ended
from provisioner.app.outcome import failed_checks, keep_checks, keep_failure, keep_part, keep_revision
from provisioner.app.plan import prepare
from provisioner.app.plan_digest import digest_plan
from provisioner.app.secret_inputs import persist_new_values
from provisioner.app.wiring import held_lease
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
from provisioner.ledger.lease import left_behind
from provisioner.model.dataclass import dataclass
from provisioner.model.event import Notice
from provisioner.model.plan import Verb
from provisioner.model.report import Report
from provisioner.reconcile.adoption import RELABELLED
from provisioner.reconcile.retained import changes_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.external_inputs import Collect
    from provisioner.app.plan_digest import PlanDigest
    from provisioner.app.prepared import Prepared
    from provisioner.app.published import PublishedPort
    from provisioner.app.request import Request
    from provisioner.ledger.lease import Lease
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.model.verification import CheckResult
    from provisioner.ports import EngineWriter, Interrupt, Listener


class ApprovedPlan(Protocol):
    """What was agreed to before this apply: a plan in a file, a digest, or the plan of a play."""

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
    def is_done(self) -> bool:
        """Whether everything was done, whatever its checks say."""
        return not (self.plan.refusals or (self.report is not None and _exit_code(self.report)))

    @property
    def is_well(self) -> bool:
        """Whether everything was done and holds, whatever could not be compared."""
        return self.is_done and all(check.ok for check in self.checks)


# Codes that say why the run could not go on. Of several errors the first of these decides.
_KEPT = (LeaseHeld.exit_code, Unreachable.exit_code, PlanStale.exit_code, SecretUnavailable.exit_code)


def _exit_code(report: Report) -> int:
    errors = [result.error for result in report.failures] + ([report.trouble] if report.trouble else [])
    codes = {error.exit_code if error is not None else 1 for error in errors}
    for code in _KEPT:
        if code in codes:
            return code
    if report.interrupted:
        return Interrupted.exit_code
    if codes:
        return NotConverged.exit_code if codes == {NotConverged.exit_code} else 1
    return NotConverged.exit_code if report.remaining else 0


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
    """Plan, ask, carry out, look again, verify. `restores` is the number of the revision that the playbook is from.

    PlanStale when `saved` is not the plan of now.

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
        if prepared.materials.needs_persisting:
            persist_new_values(request, playbook, prepared.materials)
        with _lease_for(engine, prepared, policy, listener, held) as lease_held:
            again = prepare(request, playbook, engine, policy, gathering)
            _require_still_approved(again, approved, salt)
            if held is None:
                _take_snapshot(request, again, engine, lease_held, listener, interrupt)
            from provisioner.app.execution import carry_out

            with interrupt.deferred():
                writer = lease_held.fence(engine)
                again = _with_taken(
                    again, writer, engine, lambda: prepare(request, playbook, engine, policy, gathering)
                )
                report, after = carry_out(
                    request, again, writer, policy, listener=listener, interrupt=interrupt, gathering=gathering,
                    known=None if again.plan.adopts or again.plan.moves else again.ledger,
                )  # fmt: skip
                report = _record_outcome(report, again, after, writer, restores)
            prepared = again
            result = _verified(ApplyResult(prepared.plan, report), playbook, engine, verify=verify)
            if result.checks and again.whole:
                keep_checks(again, writer, result.checks)
        return _located(result, prepared, engine)
    if prepared.plan.steps:
        from provisioner.app.execution import carry_out

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
            with _lease_for(engine, prepared, policy, listener, held) as lease_held:
                keep_checks(prepared, lease_held.fence(engine), result.checks)
    return _located(result, prepared, engine)


def _with_taken(
    planned: Prepared, writer: EngineWriter, engine: EngineWriter, plan_again: Callable[[], Prepared]
) -> Prepared:
    """The plan after what it takes over or moves was written down, where a Swarm's objects got other labels the one
    that knows them so."""
    taken = (*planned.plan.adopts, *planned.plan.moves)
    if not taken:
        return planned
    from provisioner.app.take_over import take_over

    project = planned.playbook.project
    learn(engine, project, take_over(writer, project, planned.platform.mode, planned.ledger.adopted, taken))
    if not any(adopted.kind in RELABELLED for adopted in taken):
        return planned
    again = plan_again()
    return replace(again, plan=replace(again.plan, adopts=planned.plan.adopts, moves=planned.plan.moves))


def _located(result: ApplyResult, prepared: Prepared, engine: EngineWriter) -> ApplyResult:
    """The result with where services can be reached, as far as the engine says."""
    with suppress(ProvisionError):
        ports = prepared.platform.published_ports(engine, prepared.playbook.project)
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


def _record_outcome(
    report: Report, before: Prepared, after: Prepared | None, engine: EngineWriter, restores: int
) -> Report:
    """The report, once the ledger has what became of a run: a revision, or why there is none."""
    if after is None:
        keep_failure(report, before, engine)
        return report
    forget_what_ended(after, engine)
    if not after.whole:
        keep_part(report, after, engine)
    elif not _recorded(after):
        return keep_revision(report, after, engine, restores)
    return report


def _verified(result: ApplyResult, playbook: Playbook, engine: EngineWriter, *, verify: bool) -> ApplyResult:
    """The result with how the playbook's checks ended, where all went well before."""
    if not verify or result.exit_code != 0 or not playbook.checks:
        return result
    from provisioner.app.verify import run_checks

    report = result.report or Report(result.plan, (), 0.0)
    try:
        return replace(result, checks=run_checks(playbook, engine, playbook.checks))
    except KeyboardInterrupt:
        return replace(result, report=replace(report, interrupted=True))
    except ProvisionError as error:
        return replace(result, report=replace(report, trouble=error))


def _lease_for(
    engine: EngineWriter, prepared: Prepared, policy: Policy, listener: Listener, held: Lease | None = None
) -> AbstractContextManager[Lease]:
    """The lease for a block: `held`, which stays with its owner, or one that is taken and given back."""
    if held is not None:
        return nullcontext(held)
    return held_lease(engine, prepared.playbook.project, prepared.platform, listener, policy.lock_timeout)


def _writes(prepared: Prepared) -> bool:
    """Whether anything is to be written: steps that do more than wait, an adoption, a new value, or a revision that is
    not kept."""
    acts = any(step.verb is not Verb.WAIT for step in prepared.plan.steps)
    # What is stopped on purpose, and runs all the same, is stopped no more.
    acts = acts or bool(prepared.ledger.intentions.stopped.keys() & prepared.playbook.services.keys())
    return (
        acts
        or bool(prepared.plan.adopts or prepared.plan.moves)
        or bool(prepared.materials.new_values)
        or (prepared.whole and not _recorded(prepared))
    )


def _recorded(prepared: Prepared) -> bool:
    last = prepared.last
    ledger = prepared.ledger
    if last is None or ledger.left or any(map(changes_guard, prepared.plan.changes)):
        return False
    if not last.converged and not prepared.plan.changes:
        return False
    return last.matches(prepared.playbook, prepared.materials.inputs, prepared.platform.mode, prepared.plan.observed)


def require_approved(approved: PlanDigest, current: PlanDigest) -> None:
    """PlanStale, naming what moved, unless what is about to be done is what was approved."""
    moved = approved.differences(current)
    if moved:
        raise PlanStale(
            f"something changed between the plan and the apply: {'; '.join(moved)}",
            hint="nothing was done; look at the new plan and apply again",
        )
