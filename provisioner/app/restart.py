"""`restart`: the services' containers are stopped and started again, or a Swarm gives its services new tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.service_work import ServiceWork
from provisioner.backup.previous_data import require_settled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.request import Request
    from provisioner.model.report import StepResult
    from provisioner.ports import Interrupt, Listener


def restart(
    request: Request,
    services: Sequence[str],
    *,
    grace: float | None,
    dependents: bool,
    listener: Listener,
    interrupt: Interrupt,
) -> Sequence[StepResult]:
    """Restart the named services, or all, those that others need first; what does not run is started.

    With `dependents` those go along that ask for it (`depends_on: {NAME: {restart: true}}`). `grace` is the time
    (seconds) between the stop signal and the kill. LeaseHeld while an apply is under way.
    """
    work = ServiceWork(request, services, listener, interrupt)
    chosen = {*work.chosen, *(_asking(work) if dependents else ())}
    project, acts = work.playbook.project, work.platform.acts
    with work.held_lease():
        require_settled(work.engine, project)
        work.require_known()
        with acts.stopping_within(work.engine, project, grace):
            for level in work.levels(chosen):
                work.all(acts.restarts(work, level, grace))
    return work.results


def _asking(work: ServiceWork) -> set[str]:
    """The services that are to be restarted with one of the chosen ones."""
    chosen = set(work.chosen)
    while True:
        further = {
            name
            for name, service in work.playbook.services.items()
            if any(dependency.restart and dependency.service in chosen for dependency in service.depends_on)
        }
        if further <= chosen:
            return chosen
        chosen |= further
