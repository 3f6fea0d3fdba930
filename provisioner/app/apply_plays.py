"""Apply and destroy a list of plays: each environment by its own use case, in order, until one fails."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol

from provisioner.app.apply import apply_playbook, require_approved
from provisioner.app.destroy import destroy, plan_removal
from provisioner.app.plan_digest import digest_plan, digest_removal
from provisioner.app.plan_plays import OpenedPlay, assumed_externals, open_engines, plan_plays, read_all
from provisioner.errors import Interrupted, ProvisionError
from provisioner.kinds.ownership import PROJECT
from provisioner.model.dataclass import dataclass
from provisioner.model.play import PlayPlan, PlayResult
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.apply import ApplyResult
    from provisioner.app.plan_digest import PlanDigest
    from provisioner.app.plan_plays import PlannedPlay
    from provisioner.app.plays import PlayList
    from provisioner.app.prepared import Prepared
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.play import PlayState
    from provisioner.ports import Interrupt, Listener

    # Asked once, with the plans of all plays.
    Approve = Callable[[Sequence[PlayPlan]], bool]
    # Opens the listener of one play; it is closed when the play has ended.
    OpenListener = Callable[[PlayPlan], AbstractContextManager[Listener]]
    # Carries out one play.
    Act = Callable[[Listener], ApplyResult]


class ApprovedPlans(Protocol):
    """What was agreed to before this apply: the plans in a file, or their digest."""

    def require_current(self, plays: PlayList, planned: Sequence[PlannedPlay]) -> None:
        """PlanStale, naming what moved, unless those plans are the ones of now."""
        ...

    def remarks(self, planned: PlannedPlay) -> Sequence[str]:
        """What a person should know of where the plan of this play is kept."""
        ...


@dataclass(frozen=True, slots=True)
class PlaysResult:
    """`results` are empty where the plans were declined or refused."""

    plans: tuple[PlayPlan, ...]
    results: tuple[PlayResult, ...] = ()

    @property
    def exit_code(self) -> int:
        """That of the first play that failed; 1 where a plan is refused; else 0."""
        if any(play.plan.refusals for play in self.plans):
            return 1
        return next((result.exit_code for result in self.results if result.exit_code), 0)


@dataclass(frozen=True, slots=True)
class PlayRun:
    """One play that is to be carried out."""

    shown: PlayPlan
    act: Act


def apply_plays(
    plays: PlayList,
    policy: Policy,
    scale: Mapping[str, int],
    *,
    approve: Approve,
    open_listener: OpenListener,
    ended: Callable[[PlayResult], None],
    verify: bool,
    interrupt: Interrupt,
    saved: ApprovedPlans | None = None,
    parallel: bool = False,
) -> PlaysResult:
    """Plan all, ask once, then apply and verify one after the other; a play that fails stops those after it.

    With `parallel` all at once. `ended` is told each play's result as soon as it is known. Nothing is done where one
    plan is refused. PlanStale when `saved` is not the plan of now.
    """
    policy = replace(policy, scaled=frozenset(scale))
    planned = plan_plays(plays, policy, scale, in_order=not parallel)
    if saved is not None:
        saved.require_current(plays, planned)
    plans = tuple(_with_remarks(play, saved) for play in planned)
    if not approve(plans) or any(plan.plan.refusals for plan in plans):
        return PlaysResult(plans)

    def run(play: PlannedPlay) -> PlayRun:
        approved = _ApprovedPlay(play.prepared)

        def act(listener: Listener) -> ApplyResult:
            return apply_playbook(
                play.opened.play.request, play.opened.playbook, play.opened.engine, policy,
                approve=lambda plan: True, listener=listener, verify=verify, interrupt=interrupt,
                saved=approved,
            )  # fmt: skip

        return PlayRun(play.shown, act)

    runs = [run(play) for play in planned]
    with interrupt.deferred():
        return PlaysResult(plans, carry_out_runs(runs, open_listener, ended, interrupt, parallel=parallel))


def _with_remarks(planned: PlannedPlay, saved: ApprovedPlans | None) -> PlayPlan:
    """The plan as it is shown, with what is to be known of the file that it is from."""
    shown = planned.shown
    remarks = tuple(Problem(text) for text in saved.remarks(planned)) if saved is not None else ()
    return replace(shown, plan=replace(shown.plan, notes=(*shown.plan.notes, *remarks))) if remarks else shown


def destroy_plays(
    plays: PlayList,
    policy: Policy,
    *,
    approve: Approve,
    open_listener: OpenListener,
    ended: Callable[[PlayResult], None],
    interrupt: Interrupt,
) -> PlaysResult:
    """Plan the removal of all, ask once, then destroy one after the other, the last play first."""
    opened = open_engines(read_all(plays, allow_unset=True))[::-1]
    departing: set[str] = set()
    runs = []
    for play in opened:
        own = replace(policy, prune=True, departing=frozenset(departing))
        plan = plan_removal(play.playbook, play.engine, own)
        departing.update(_containers(play))
        runs.append(PlayRun(PlayPlan(play.play.name, plan), _removal(play, plan, policy, interrupt)))
    plans = tuple(run.shown for run in runs)
    if not approve(plans) or any(plan.plan.refusals for plan in plans):
        return PlaysResult(plans)
    with interrupt.deferred():
        return PlaysResult(plans, carry_out_runs(runs, open_listener, ended, interrupt, parallel=False))


def _removal(play: OpenedPlay, approved: Plan, policy: Policy, interrupt: Interrupt) -> Act:
    salt = token_hex(16)
    digest = digest_removal(approved, salt)

    def approve(current: Plan) -> bool:
        require_approved(digest, digest_removal(current, salt))
        return True

    def act(listener: Listener) -> ApplyResult:
        return destroy(play.play.request, policy, approve=approve, listener=listener, interrupt=interrupt)

    return act


class _ApprovedPlay:
    """The plan of a play as it was agreed to with all others.

    What earlier plays of the list do to it is left out: the images that they pull or build, which others are built
    upon, the external objects that they make.
    So are values that are still to be generated: until they are kept, each look makes others.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._salt = token_hex(16)
        self._assumed = {str(wanted.address) for wanted in assumed_externals(prepared.plan)}
        self._pins = prepared.plan.pins
        self._digest = self._digest_of(prepared)

    def require_current(self, prepared: Prepared) -> None:
        """PlanStale, naming what moved, unless the plan of now is the one that was agreed to."""
        require_approved(self._digest, self._digest_of(prepared))

    def remarks(self, prepared: Prepared) -> tuple[str, ...]:
        """Nothing: it is kept nowhere."""
        return ()

    def _digest_of(self, prepared: Prepared) -> PlanDigest:
        plan = prepared.plan
        here = {name: facts.digests for name, facts in plan.observed.facts.images.items()}
        # Under another digest it is not what was agreed to.
        pulled = {
            name: digest
            for name, digest in self._pins.items()
            if any(repo_digest.endswith(f"@{digest}") for repo_digest in here.get(name, ()))
        }
        as_agreed = replace(prepared, plan=replace(plan, pins={**pulled, **plan.pins}, bases={}))
        digest = digest_plan(as_agreed, self._salt)
        values = {name: value for name, value in digest.values.items() if f"content of {name}" not in digest.pending}
        return replace(digest, observed=self._own(digest.observed), changes=self._own(digest.changes), values=values)

    def _own(self, parts: Mapping[str, str]) -> dict[str, str]:
        return {
            name: part for name, part in parts.items() if not name.startswith("image.") and name not in self._assumed
        }


def _containers(play: OpenedPlay) -> set[str]:
    return {str(raw["Id"]) for raw in play.engine.list("container", {PROJECT: play.playbook.project})}


def carry_out_runs(
    runs: Sequence[PlayRun],
    open_listener: OpenListener,
    ended: Callable[[PlayResult], None],
    interrupt: Interrupt,
    *,
    parallel: bool,
) -> tuple[PlayResult, ...]:
    """Carry the plays out in their order, until one fails or the user interrupts; with `parallel` all at once."""
    if parallel:
        lock = threading.Lock()

        def carry_out(run: PlayRun) -> PlayResult:
            result = _carry_out_one(run, open_listener)
            with lock:
                ended(result)
            return result

        with ThreadPoolExecutor(len(runs)) as pool:
            return tuple(pool.map(carry_out, runs))
    results: list[PlayResult] = []
    stopped = ""
    for run in runs:
        if not stopped and interrupt.is_set():
            stopped = "interrupted"
        if stopped:
            code = Interrupted.exit_code if interrupt.is_set() else 0
            result = PlayResult(run.shown.name, run.shown.plan, "not_started", code, because=stopped)
        else:
            result = _carry_out_one(run, open_listener)
            if result.state != "done":
                stopped = "interrupted" if result.state == "interrupted" else f"the play '{result.name}' failed"
        ended(result)
        results.append(result)
    return tuple(results)


def _carry_out_one(run: PlayRun, open_listener: OpenListener) -> PlayResult:
    began = time.monotonic()
    name, plan = run.shown.name, run.shown.plan
    try:
        with open_listener(run.shown) as listener:
            done = run.act(listener)
    except ProvisionError as error:
        return PlayResult(
            name, plan, "failed", error.exit_code, error=error, seconds=time.monotonic() - began
        )  # fmt: skip
    interrupted = done.report is not None and done.report.interrupted
    state: PlayState = "interrupted" if interrupted else "done" if done.is_well else "failed"
    return PlayResult(
        name, done.plan, state, done.exit_code, done.report, done.checks, seconds=time.monotonic() - began
    )  # fmt: skip
