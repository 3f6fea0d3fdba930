"""`rollback --with-data`: an earlier revision together with the snapshot that was taken before it was left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.backup import open_saving
from provisioner.app.plan import prepare
from provisioner.app.restore import RestoreResult, finished, held_for, opened
from provisioner.app.restore_plan import origin_of, plan_restore
from provisioner.app.restore_steps import Course, Work
from provisioner.app.restore_work import Restoration
from provisioner.app.rollback import course_of, find_target
from provisioner.backup.archive import list_archives
from provisioner.backup.retention import BEFORE
from provisioner.backup.volumes import recover
from provisioner.errors import ProvisionError
from provisioner.ledger.records import read_ledger
from provisioner.model.plan import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.backup import Saving
    from provisioner.app.request import Request
    from provisioner.app.restore import Options
    from provisioner.app.restore_plan import RestorePlan
    from provisioner.backup.archive import Archive
    from provisioner.model.plan import Plan
    from provisioner.ports import Interrupt, Listener


def rollback_with_data(
    request: Request,
    number: int | None,
    options: Options,
    *,
    current: bool,
    approve: Callable[[Plan, RestorePlan], bool],
    listener: Listener,
    interrupt: Interrupt,
) -> RestoreResult:
    """Look, ask, restore the snapshot, apply the revision. What there is now is kept beside.

    ProvisionError where there is no such snapshot; where it fails after that, data and revision of before are back.
    """
    target = find_target(request, number)
    saving = replace(open_saving(request), playbook=target.playbook, engine=target.engine)
    archive = snapshot_of(saving, target.revision.number)
    identities = opened(archive, options.identity, listener)
    course = Course(target.playbook, course_of(target, current=current), target.revision.number)
    with held_for(saving, options, listener) as held:
        recover(saving.engine, saving.project)
        command = f"provision rollback {target.revision.number} --with-data"
        origin = replace(origin_of(archive), command=command)
        ahead = prepare(request, course.playbook, saving.engine, Policy(restoring=True), course.gathering).plan
        # The snapshot was taken before the revision was left, by an apply that may have moved something.
        ledger = read_ledger(saving.engine, saving.project)
        documents = [revision.document for revision in ledger.revisions]
        plan = plan_restore(saving, origin, archive.manifest.parts, replace=True, applied=documents)
        plan = replace(plan, refusals=(*ahead.refusals, *plan.refusals))
        if not approve(ahead, plan) or plan.refusals:
            return RestoreResult(plan)
        left = find_target(request, ledger.last.number) if ledger.last else target
        before = Course(left.playbook, course_of(left, current=True), left.revision.number)
        work = Work(request, saving, held, listener, interrupt)
        work.course = course
        with interrupt.deferred():
            return finished(Restoration(work, plan, archive, identities, before=before), options)


def snapshot_of(saving: Saving, number: int) -> Archive:
    """The last archive that an apply has made before it left a revision. ProvisionError, naming others, for none."""
    archives = [archive for place in saving.places for archive in list_archives(place, saving.project).archives]
    of_it = [archive for archive in archives if archive.manifest.revision == number]
    taken = [archive for archive in of_it if archive.manifest.reason.startswith(BEFORE)]
    if taken:
        return max(taken, key=lambda archive: archive.manifest.created_at)
    names = ", ".join(sorted({archive.id for archive in of_it}))
    raise ProvisionError(
        f"revision {number} has no snapshot in {', '.join(place.url for place in saving.places)}: none was taken "
        "before it was left, or it was removed",
        hint=(f"archives of it: {names}; " if names else "")
        + f"`provision rollback {number}`, then `provision restore ARCHIVE --replace` does both one after the other; "
        "`backup: {before: […]}` takes snapshots",
    )
