"""`drift`: what differs on the engine from what was last applied. Reads only, and asks no secret's tier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioner.app.history import find, open_environment
from provisioner.errors import ProvisionError
from provisioner.ledger.revisions import desired_of, revisions
from provisioner.model.change import Action
from provisioner.model.span import Problem
from provisioner.reconcile.diff import diff
from provisioner.reconcile.grouping import group_replicas
from provisioner.reconcile.observe import observe

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.ledger.revisions import Revision
    from provisioner.model.change import Change
    from provisioner.model.state import DesiredState, Facts, ObservedState
    from provisioner.ports import EngineReader


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs from `revision`, and notes on what is there besides it. `looked_at` counts the objects."""

    title: str
    facts: Facts
    revision: Revision
    changes: tuple[Change, ...]
    notes: tuple[Problem, ...]
    looked_at: int


def drift(request: Request) -> Drift:
    """The differences of a request's environment. ProvisionError where nothing is known of an apply."""
    playbook, engine = open_environment(request)
    revision = find(revisions(engine, playbook.project), None, playbook.title)
    desired, observed = since(engine, revision, playbook.project)
    changes = differences(desired, observed)
    strangers = [
        Problem(f"a {one.kind} named {one.name} stands in its place and belongs to {one.owner}", path=str(one.address))
        for one in observed.strangers
    ]
    besides = [
        Problem("is there, and was not part of the last apply", path=str(change.address), hint="`--prune` removes it")
        for change in diff(desired, observed, desired)
        if change.action is Action.DELETE and change.address.kind != "image"
    ]
    return Drift(
        playbook.title, observed.facts, revision, changes, (*strangers, *besides),
        len({address.whole for address in desired.resources}),
    )  # fmt: skip


def since(engine: EngineReader, revision: Revision, project: str) -> tuple[DesiredState, ObservedState]:
    """What a revision wanted, and what is there now."""
    desired = desired_of(revision, project)
    if desired is None:
        raise ProvisionError(
            f"revision {revision.number} was kept by a version whose documents this one can not read",
            hint="apply once with this version",
        )
    return desired, observe(engine, desired, revision.containers)


def differences(desired: DesiredState, observed: ObservedState) -> tuple[Change, ...]:
    """The changes that would put the desired objects back, without jobs that run at every apply anyway."""
    found = [_meant(change) for change in diff(desired, observed, desired) if change.action is not Action.DELETE]
    return tuple(change for change in group_replicas(found) if change.action is not Action.UNCHANGED)


def _meant(change: Change) -> Change:
    """A change without what every apply does anew, and none where only another object's change would touch it."""
    wanted = change.desired
    left = change.differences
    if wanted is not None and wanted.job == "always":
        left = tuple(one for one in left if one.path != "job")
    if not left and change.observed is not None:
        return replace(change, action=Action.UNCHANGED, differences=())
    return replace(change, differences=left)
