"""`destroy`: remove what the environment owns. Volumes only when asked, protected ones never."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING

from provisioner.app.apply import ApplyResult, require_approved
from provisioner.app.load import load_playbook
from provisioner.app.plan_digest import digest_removal
from provisioner.app.wiring import SystemClock, open_engine
from provisioner.errors import ProvisionError
from provisioner.ledger.lease import lease, left_behind
from provisioner.ledger.revisions import forget_revisions, last_revision
from provisioner.model.change import Action
from provisioner.model.event import Notice
from provisioner.model.state import DesiredState
from provisioner.platforms.choice import choose_mode, lower
from provisioner.platforms.lowering import Inputs
from provisioner.reconcile.diff import diff
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.execute import execute
from provisioner.reconcile.observe import observe
from provisioner.reconcile.planning import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.request import Request
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.model.report import Report
    from provisioner.ports import EngineReader, Interrupt, Listener

_REASON = "destroy"


def destroy(
    request: Request,
    policy: Policy,
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    interrupt: Interrupt,
) -> ApplyResult:
    """Plan the removal of everything that is owned, ask, carry out, look again.

    PlanStale when what is owned has changed since the question was asked.
    """
    playbook = load_playbook(request, allow_unset=True)
    engine = open_engine(request, playbook.engine)
    policy = replace(policy, prune=True)
    removal = plan_removal(playbook, engine, policy)
    salt = token_hex(16)
    approved = digest_removal(removal, salt)
    if not approve(removal) or removal.refusals:
        return ApplyResult(removal)
    report = None
    if removal.steps or left_behind(engine, playbook.project):
        clock = SystemClock()
        mode = choose_mode(playbook, swarm_manager=engine.facts().swarm_manager)
        with lease(
            engine, playbook.project, mode, clock=clock, timeout=policy.lock_timeout,
            waiting=lambda text: listener(Notice(text)),
        ) as held:  # fmt: skip
            removal = plan_removal(playbook, engine, policy)
            require_approved(approved, digest_removal(removal, salt))
            with interrupt.deferred():
                report = execute(
                    removal, Calls(removal, held.fence(engine), {}, clock), parallel=policy.parallel, clock=clock,
                    listener=listener, interrupted=interrupt, keep_going=policy.keep_going,
                )  # fmt: skip
                if not report.failures and not report.interrupted:
                    report = _looked_again(report, lambda: plan_removal(playbook, engine, policy))
    if report is None or not (report.failures or report.remaining or report.interrupted or report.trouble):
        forget_revisions(engine, playbook.project)
    return ApplyResult(removal, report)


def _looked_again(report: Report, look: Callable[[], Plan]) -> Report:
    try:
        return replace(report, remaining=look().changes)
    except ProvisionError as error:
        return replace(report, trouble=error)


def plan_removal(playbook: Playbook, engine: EngineReader, policy: Policy) -> Plan:
    """The plan that removes what the environment owns, dependents first. Protected volumes refuse it."""
    mode = choose_mode(playbook, swarm_manager=engine.facts().swarm_manager)
    declared = lower(playbook, Inputs(), mode)
    nothing = DesiredState(playbook.project, {})
    last = last_revision(engine, playbook.project)
    observed = observe(engine, nothing, last.containers if last else {})
    changes = [
        replace(change, reason=_REASON, desired=declared.resources.get(change.address))
        for change in diff(nothing, observed)
        if change.action is Action.DELETE
    ]
    protected = [
        c for c in changes if c.desired and c.desired.protect and c.address.kind == "volume" and not policy.volumes
    ]
    kept = [change for change in changes if change not in protected]
    return plan(playbook.title, kept, nothing, observed, policy, order=declared.resources, gone=_REASON)
