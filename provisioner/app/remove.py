"""`rm`: the containers of services that do not run are removed; the next apply makes them again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from provisioner.app.service_work import ServiceAct, ServiceWork
from provisioner.app.start_stop import stop_services
from provisioner.ledger.records import read_ledger, record_intentions
from provisioner.model.plan import Verb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.request import Request
    from provisioner.app.service_work import Removable
    from provisioner.model.report import StepResult
    from provisioner.ports import Interrupt, Listener


def removable(request: Request, services: Sequence[str], *, stop_first: bool) -> list[str]:
    """The names of what `remove` would take away."""

    work = ServiceWork(request, services, lambda event: None, None)
    return [removal.name for removal in work.platform.acts.removals(work, running=stop_first)]


def remove(
    request: Request,
    services: Sequence[str],
    *,
    stop_first: bool,
    volumes: bool,
    grace: float | None = None,
    listener: Listener,
    interrupt: Interrupt,
) -> Sequence[StepResult]:
    """Remove the containers of the named services, or of all, that do not run; with `stop_first` the others too.

    On a Swarm services that are stopped, and jobs that have ended. `volumes` takes anonymous volumes along; what was
    stopped on purpose is not known to be so any more.
    """
    work = ServiceWork(request, services, listener, interrupt)
    acts = work.platform.acts

    def remove_it(removal: Removable, progress: Callable[[str], None]) -> None:
        work.engine.remove(removal.kind, removal.id, volumes=volumes)

    with work.held_lease():
        if stop_first:
            stop_services(work, grace)
        if any(result.error for result in work.results):
            return work.results
        # What was stopped has ended.
        doomed = acts.removals(work, running=stop_first and acts.JOBS_END_BY_REMOVAL)
        work.all([ServiceAct(each.address, Verb.REMOVE, each.kind, partial(remove_it, each)) for each in doomed])
        removals = [result for result in work.results if result.step.verb is Verb.REMOVE]
        left = {result.step.address.name for result in removals if result.error is not None}
        gone = {result.step.address.name for result in removals} - left
        ledger = read_ledger(work.engine, work.playbook.project)
        kept = ledger.intentions.without_stopped(gone)
        if not kept.same(ledger.intentions):
            record_intentions(work.engine, work.playbook.project, work.platform.mode, kept)
    return work.results
