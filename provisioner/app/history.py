"""`history` and `show`: what was applied to an environment, when, by whom, and what each time changed. Reads only."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from provisioner.app.load import load_document
from provisioner.app.wiring import open_engine
from provisioner.errors import ProvisionError, UsageError
from provisioner.ledger.records import read_ledger
from provisioner.ledger.revisions import desired_of
from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.state import DesiredState
from provisioner.playbook.bind import bind
from provisioner.reconcile.assumed_observation import assumed_observation
from provisioner.reconcile.diff import diff
from provisioner.reconcile.grouping import group_replicas

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.ledger.records import Destroyed, Failed, Ledger, Narrowed
    from provisioner.ledger.revisions import Revision
    from provisioner.model.change import Change
    from provisioner.model.playbook import Playbook


@dataclass(frozen=True, slots=True)
class Entry:
    """One revision with what it changed against the one before.

    `previous` is that one's number, 0 for the oldest that is kept. `readable` is False for a document that this
    version can not read any more: then nothing is known of its changes. `failed_checks` are the checks that did not
    hold when they were run last.
    """

    revision: Revision
    previous: int
    changes: tuple[Change, ...]
    readable: bool = True
    failed_checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The newest first. `failures` are the applies that failed, `parts` those of a part of the playbook, `destroys` the
    times it was taken away.
    """

    title: str
    entries: tuple[Entry, ...] = field(default=())
    failures: tuple[Failed, ...] = ()
    destroys: tuple[Destroyed, ...] = ()
    parts: tuple[Narrowed, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `after` declares otherwise than `before`. `readable` is False where one can not be read any more."""

    title: str
    before: Revision
    after: Revision
    changes: tuple[Change, ...]
    readable: bool = True


def history(request: Request) -> History:
    """Every revision that is kept, and what else happened, the newest first."""
    playbook, engine = open_environment(request)
    ledger = read_ledger(engine, playbook.project)
    entries = tuple(_marked(entry, ledger) for entry in _entries(ledger.revisions, playbook.project))
    return History(playbook.title, entries, ledger.failures[::-1], ledger.destroys[::-1], ledger.parts[::-1])


def compare_revisions(request: Request, before: int, after: int | None) -> Comparison:
    """The differences between two revisions; without `after` between one and the last."""
    playbook, engine = open_environment(request)
    kept = read_ledger(engine, playbook.project).revisions
    revision, other = find(kept, before, playbook.title), find(kept, after, playbook.title)
    entry = _entry(other, revision, playbook.project)
    return Comparison(playbook.title, revision, other, entry.changes, entry.readable)


def show(request: Request, number: int | None) -> tuple[str, Entry]:
    """The environment's title and one revision, the last one without a number."""
    playbook, engine = open_environment(request)
    ledger = read_ledger(engine, playbook.project)
    wanted = find(ledger.revisions, number, playbook.title)
    entries = _entries(ledger.revisions, playbook.project)
    entry = next(entry for entry in entries if entry.revision.number == wanted.number)
    return playbook.title, _marked(entry, ledger)


def _marked(entry: Entry, ledger: Ledger) -> Entry:
    return replace(entry, failed_checks=ledger.failed_checks(entry.revision))


def open_environment(request: Request) -> tuple[Playbook, DockerEngine]:
    """The playbook, variables without a value allowed, and its engine."""
    playbook = bind(load_document(request))
    return playbook, open_engine(request, playbook.engine)


def find(kept: tuple[Revision, ...], number: int | None, title: str) -> Revision:
    """The revision with this number, or the last one. Raises when there is none."""
    if not kept:
        raise ProvisionError(
            f"nothing is known of an apply of {title} on this engine", hint="provision apply keeps a record of each"
        )
    if number is None:
        return kept[-1]
    for revision in kept:
        if revision.number == number:
            return revision
    numbers = f"{kept[0].number} to {kept[-1].number}" if len(kept) > 1 else str(kept[0].number)
    raise UsageError(f"{title} has no revision {number}", hint=f"kept are {numbers}: provision history")


def _entries(kept: tuple[Revision, ...], project: str) -> tuple[Entry, ...]:
    entries = []
    before: Revision | None = None
    for revision in kept:
        entries.append(_entry(revision, before, project))
        before = revision
    return tuple(reversed(entries))


def _entry(revision: Revision, before: Revision | None, project: str) -> Entry:
    now = desired_of(revision, project)
    then = desired_of(before, project) if before else DesiredState(project, {})
    number = before.number if before else 0
    if now is None or then is None:
        return Entry(revision, number, (), readable=False)
    if before is not None and before.mode != revision.mode:
        then = DesiredState(project, {})
    changes = [_as_kept(change) for change in group_replicas(diff(now, assumed_observation(then)))]
    both = _images(now) & _images(then)
    return Entry(
        revision, number, tuple(c for c in changes if c.action is not Action.UNCHANGED and not _moved(c, both))
    )


def _as_kept(change: Change) -> Change:
    """An image as a revision knows it: whether the engine had it before is not kept."""
    if change.address.kind != "image" or change.action is not Action.CREATE:
        return change
    return replace(change, reason="used since this revision")


def _images(state: DesiredState) -> set[str]:
    return {resource.name for resource in state.resources.values() if resource.kind == "image"}


def _moved(change: Change, both: set[str]) -> bool:
    """Whether only the address of an image is another: it goes by the first service that uses it."""
    resource = change.desired or change.observed
    renamed = change.action in (Action.CREATE, Action.DELETE)
    return change.address.kind == "image" and renamed and resource is not None and resource.name in both
