"""The counts of a plan and of a report, from which every output and exit code takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Verb
from provisioner.model.report import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.plan import Plan
    from provisioner.model.report import Report, StepResult


@dataclass(frozen=True, slots=True)
class Summary:
    """How many objects a plan touches, by action, and how many it leaves alone. `pending`: an apply would act; `adopt`
    counts the volumes of another tool that it takes over as they are."""

    create: int
    update: int
    replace: int
    delete: int
    unchanged: int
    pending: bool
    adopt: int = 0


def summarize(plan: Plan) -> Summary:
    """The counts of a plan."""
    actions = [change.action for change in changed(plan.changes)]
    return Summary(
        create=actions.count(Action.CREATE),
        update=actions.count(Action.UPDATE),
        replace=actions.count(Action.REPLACE),
        delete=actions.count(Action.DELETE),
        unchanged=plan.unchanged,
        pending=bool(actions)
        or bool(plan.adopts or plan.moves)
        or any(step.verb is not Verb.WAIT for step in plan.steps),
        adopt=len(plan.adopts),
    )


def total(summaries: Iterable[Summary]) -> Summary:
    """The counts of several plans together."""
    every = tuple(summaries)
    return Summary(
        create=sum(summary.create for summary in every),
        update=sum(summary.update for summary in every),
        replace=sum(summary.replace for summary in every),
        delete=sum(summary.delete for summary in every),
        unchanged=sum(summary.unchanged for summary in every),
        pending=any(summary.pending for summary in every),
        adopt=sum(summary.adopt for summary in every),
    )


def changed(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that change something."""
    return tuple(change for change in changes if change.action is not Action.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Recap:
    """What became of each object. `ok` counts those that are as declared now, the changed ones among them."""

    ok: int
    changed: int
    failed: int
    skipped: int


def recap(report: Report) -> Recap:
    """The counts of a report: each object once, replicas as their service, by the worst that happened to it.

    Changes of a plan that was not carried out (a report without results) count as skipped.
    """
    plan = report.plan
    touched = {change.address.whole for change in changed(plan.changes)}
    declared = {address.whole for address in plan.desired.resources} - touched
    outcomes: dict[Address, set[Outcome]] = {}
    moved: set[Address] = set()
    for result in report.results:
        address = result.step.address.whole
        outcomes.setdefault(address, set()).add(result.outcome)
        if result.outcome is Outcome.DONE and result.step.verb is not Verb.WAIT:
            moved.add(address)
    broken = report.interrupted or not report.results or any(seen != {Outcome.DONE} for seen in outcomes.values())
    for address in touched - outcomes.keys():
        # A change without a step of its own was carried out along with others, if they were carried out.
        outcomes[address] = {Outcome.SKIPPED} if broken else {Outcome.DONE}
        if not broken:
            moved.add(address)
    failed = {address for address, seen in outcomes.items() if Outcome.FAILED in seen}
    skipped = {address for address, seen in outcomes.items() if Outcome.SKIPPED in seen} - failed
    # Steps on objects behind the declared ones, such as the volumes that carry secrets, count with their users.
    done = (moved & (touched | declared)) - failed - skipped
    unchanged = plan.unchanged - len((failed | skipped | done) & declared)
    return Recap(ok=max(unchanged, 0) + len(done), changed=len(done), failed=len(failed), skipped=len(skipped))


def by_outcome(results: Iterable[StepResult], outcome: Outcome) -> tuple[StepResult, ...]:
    """The results with one outcome, in the order of the plan."""
    return tuple(result for result in results if result.outcome is outcome)
