"""`runbook`: what a person who deploys this plan should know, from plan, playbook and ledger. Reads only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.approved_digest import digest_text, digest_text_of_plays
from provisioner.app.backup_sources import saved_addresses
from provisioner.app.graph import graph_of
from provisioner.app.plan_plays import plan_plays
from provisioner.app.plan_request import prepared_plan
from provisioner.model.change import Action
from provisioner.model.runbook import AppliedRevision, ConcernedSecret, FailedApply, Runbook, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.app.plays import PlayList
    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request
    from provisioner.ledger.revisions import Revision
    from provisioner.model.address import Address
    from provisioner.model.plan import Plan, Policy


def make_runbook(request: Request, policy: Policy, replicas: Mapping[str, int]) -> Runbook:
    """The runbook of the plan of now; raises what `prepared_plan` does."""
    return runbook_of(prepared_plan(request, policy, replicas))


def make_runbooks(plays: PlayList, policy: Policy, replicas: Mapping[str, int]) -> list[tuple[str, Runbook]]:
    """The runbooks of the plays of a list by their names, each for an apply of that play alone (`--limit`).

    Raises what `plan_plays` does.
    """
    runbooks = []
    for play in plan_plays(plays, policy, replicas):
        runbook = runbook_of(play.prepared)
        plan = replace(runbook.plan, digest=digest_text_of_plays([play]))
        runbooks.append((play.opened.play.name, replace(runbook, plan=plan)))
    return runbooks


def runbook_of(prepared: Prepared) -> Runbook:
    """The runbook of a plan."""
    playbook, ledger = prepared.playbook, prepared.ledger
    good = next((revision for revision in reversed(ledger.revisions) if ledger.is_good(revision)), None)
    took: dict[str, float] = {}
    for revision in ledger.revisions:
        took |= revision.took
    return Runbook(
        plan=replace(prepared.plan, digest=digest_text(prepared)),
        stages=_stages(prepared.plan, took),
        secrets=tuple(_secrets(prepared)),
        last=_applied(ledger.last),
        good=_applied(good),
        failed=FailedApply(failed.at, failed.by, failed.outcome) if (failed := ledger.failed) else None,
        saved=saved_addresses(playbook) if playbook.backup.to else (),
        snapshot=tuple(str(risk) for risk in playbook.backup.before),
        checks=tuple(check.name for check in playbook.checks),
    )


def _applied(revision: Revision | None) -> AppliedRevision | None:
    if revision is None:
        return None
    return AppliedRevision(
        revision.number, revision.applied_at, revision.applied_by.partition(",")[0], revision.commit, revision.seconds
    )


def _stages(plan: Plan, took: Mapping[str, float]) -> tuple[Stage, ...]:
    verbs: dict[Address, dict[str, None]] = {}
    for step in plan.steps:
        verbs.setdefault(step.address.whole, {})[step.verb.value] = None
    return tuple(Stage(address, tuple(done), took.get(str(address))) for address, done in verbs.items())


def _secrets(prepared: Prepared) -> list[ConcernedSecret]:
    touched = {str(change.address.whole) for change in prepared.plan.changes if change.action is not Action.UNCHANGED}
    edges = graph_of(prepared.playbook).edges
    origins = {str(address): tier for address, tier in prepared.materials.inputs.origins.items()}
    concerned = []
    for key, declared in prepared.playbook.secrets.items():
        address = f"secret.{key}"
        users = [edge.source for edge in edges if edge.target == address]
        if address in touched or touched.intersection(users):
            tier = origins.get(address, "the engine" if declared.external else "")
            names = tuple(user.partition(".")[2] for user in users)
            concerned.append(ConcernedSecret(key, tier, names, address in touched))
    return concerned
