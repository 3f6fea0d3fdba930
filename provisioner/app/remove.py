"""`rm`: the containers of services that do not run are removed; the next apply makes them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.app.owned import owned_containers, owned_services
from provisioner.app.service_work import ServiceWork
from provisioner.app.start_stop import is_at_rest, stop_services
from provisioner.kinds.service import decode_mode
from provisioner.ledger.records import read_ledger, record_intentions
from provisioner.model.plan import Verb
from provisioner.reconcile.swarm_tasks import BROKEN, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.app.service_work import Act
    from provisioner.model.address import Address
    from provisioner.model.report import StepResult
    from provisioner.ports import Interrupt, Listener

_STILL = ("exited", "dead", "created")
_OVER = (*BROKEN, "complete", "shutdown", "remove")


def removable(request: Request, services: Sequence[str], *, stop_first: bool) -> list[str]:
    """The names of what `remove` would take away."""

    work = ServiceWork(request, services, lambda event: None, None)
    return [name for name, _, _ in _candidates(work, running=stop_first)]


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
    with work.held_lease():
        if stop_first:
            stop_services(work, grace)
        if any(result.error for result in work.results):
            return work.results
        # What was stopped has ended. A job of a Swarm has no rest, its tasks end with it.
        found = _candidates(work, running=stop_first and work.mode == "swarm")

        def act(kind: str, identity: str) -> Act:
            return lambda progress: work.engine.remove(kind, identity, volumes=volumes)

        work.all([(address, Verb.REMOVE, kind, act(kind, identity)) for _, address, (kind, identity) in found])
        removals = [result for result in work.results if result.step.verb is Verb.REMOVE]
        left = {result.step.address.name for result in removals if result.error is not None}
        gone = {result.step.address.name for result in removals} - left
        ledger = read_ledger(work.engine, work.playbook.project)
        kept = ledger.intentions.without_stopped(gone)
        if not kept.same(ledger.intentions):
            record_intentions(work.engine, work.playbook.project, work.mode, kept)
    return work.results


def _candidates(work: ServiceWork, *, running: bool) -> list[tuple[str, Address, tuple[str, str]]]:
    project = work.playbook.project
    if work.mode == "swarm":
        return [
            (str(raw["Spec"]["Name"]), address, ("service", str(raw["ID"])))
            for raw, address in owned_services(work.engine, project, work.chosen)
            if running or is_at_rest(raw) or _is_over(work, raw)
        ]
    return [
        (str(container.raw["Name"]).lstrip("/"), container.address, ("container", container.id))
        for container in owned_containers(work.engine, project, work.chosen)
        if running or container.raw["State"]["Status"] in _STILL
    ]


def _is_over(work: ServiceWork, raw: Mapping[str, Any]) -> bool:
    """Whether a Swarm service is a job of which every task has ended."""
    is_job = decode_mode(raw).endswith("-job")
    return is_job and all(state_of(task) in _OVER for task in work.engine.tasks(str(raw["ID"])))
