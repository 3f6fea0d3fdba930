"""`drift`: what differs on the engine from what was last applied. Reads only, and asks no secret's tier."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.foreign_owners import learn_owners
from provisioner.app.history import find, open_environment
from provisioner.app.intentions import as_scaled, said_on_purpose
from provisioner.errors import ProvisionError
from provisioner.ledger.records import read_ledger
from provisioner.ledger.revisions import desired_of
from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem
from provisioner.reconcile.diff import diff
from provisioner.reconcile.grouping import group_replicas
from provisioner.reconcile.observe import observe
from provisioner.reconcile.retained import retained_objects

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.ledger.records import Destroyed, Ledger
    from provisioner.ledger.revisions import Revision
    from provisioner.model.change import Change
    from provisioner.model.state import DesiredState, Facts, ObservedState
    from provisioner.ports import EngineReader
    from provisioner.reconcile.retained import Retained


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs from `revision`, and notes on what is there besides it. `looked_at` counts the objects.

    `standing`: in the place of some objects stand others, which keep an apply from being carried out; `adoptable`: they
    can all be adopted. `destroyed`: the environment was taken away after that revision; then its volumes alone should
    be there.
    """

    title: str
    facts: Facts
    revision: Revision
    changes: tuple[Change, ...]
    notes: tuple[Problem, ...]
    looked_at: int
    destroyed: Destroyed | None = None
    standing: bool = False
    adoptable: bool = False


def drift(request: Request) -> Drift:
    """The differences of a request's environment. ProvisionError where nothing is known of an apply."""
    playbook, engine = open_environment(request)
    ledger = read_ledger(engine, playbook.project)
    revision = find(ledger.revisions, None, playbook.title)
    desired, observed = since(engine, ledger, revision)
    changes = tuple(said_on_purpose(change, ledger) for change in differences(desired, observed))
    foreign = [
        Problem(
            f"a {standing.kind} named {standing.name} stands in its place and belongs to {standing.owner}",
            path=str(standing.address),
        )
        for standing in observed.foreign
    ]
    retained = retained_objects(playbook, [revision.document for revision in ledger.revisions])
    besides = [
        _besides(change, retained)
        for change in diff(desired, observed, desired)
        if change.action is Action.DELETE and change.address.kind != "image"
    ]
    return Drift(
        playbook.title, observed.facts, revision, changes, (*foreign, *besides),
        len({address.whole for address in desired.resources}), ledger.destroyed,
        bool(observed.foreign), bool(observed.foreign) and all(standing.adoptable for standing in observed.foreign),
    )  # fmt: skip


def _besides(change: Change, retained: Retained) -> Problem:
    """What is said of an object that the last apply did not want."""
    path, existing = str(change.address), change.observed
    if existing is not None and retained.is_external(existing):
        return Problem("is external now, and is left alone", path=path)
    if existing is not None and (why := retained.reason(existing)):
        return Problem(f"is there: {why}", path=path)
    if existing is not None and existing.kind == "volume":
        return Problem("is there, and was not part of the last apply; it is kept with its data", path=path)
    return Problem("is there, and was not part of the last apply", path=path, hint="`--prune` removes it")


def since(engine: EngineReader, ledger: Ledger, revision: Revision) -> tuple[DesiredState, ObservedState]:
    """What the last revision and what came after it left on the engine, and what is there now."""
    desired = ledger.expected(desired_of(as_scaled(revision, ledger), ledger.project))
    if desired is None:
        raise ProvisionError(
            f"revision {revision.number} was kept by a version whose documents this one can not read",
            hint="apply once with this version",
        )
    observed = observe(engine, desired, revision.containers, ledger.guards)
    if learn_owners(engine, desired.project, observed):
        observed = observe(engine, desired, revision.containers, ledger.guards)
    # Of a volume that no file declares nothing is known but that it should be there.
    known = {a: r for a, r in desired.resources.items() if r.spec or a not in observed.resources}
    return replace(desired, resources=known), observed


def differences(desired: DesiredState, observed: ObservedState) -> tuple[Change, ...]:
    """The changes that would put the desired objects back, without jobs that run at every apply anyway."""
    changes = [meant(change) for change in diff(desired, observed, desired) if change.action is not Action.DELETE]
    return tuple(change for change in group_replicas(changes) if change.action is not Action.UNCHANGED)


def meant(change: Change) -> Change:
    """A change without what every apply does anew and what never ran, and none where only another object's change would
    touch it."""
    wanted = change.desired
    left = change.differences
    if wanted is not None and wanted.job == "always":
        left = tuple(difference for difference in left if difference.path != "job")
    if wanted is not None and wanted.still:
        left = tuple(difference for difference in left if difference.path != "state")
    if not left and change.observed is not None:
        return replace(change, action=Action.UNCHANGED, differences=())
    return replace(change, differences=left)
