"""`restart`: the services' containers are stopped and started again, or a Swarm gives its services new tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.app.grace import stopping_within
from provisioner.app.owned import owned_containers, owned_services
from provisioner.app.service_work import ServiceWork
from provisioner.app.wiring import SystemClock
from provisioner.backup.previous_data import require_settled
from provisioner.errors import EngineConflict, EngineRefused
from provisioner.kinds.service import decode_mode
from provisioner.model.operation import Goal, WaitForService
from provisioner.model.plan import Verb
from provisioner.reconcile.retry import retried
from provisioner.reconcile.swarm_wait import wait_service
from provisioner.reconcile.waits import READY_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.app.service_work import Act
    from provisioner.model.address import Address
    from provisioner.model.report import StepResult
    from provisioner.ports import EngineOperator, Interrupt, Listener

_ATTEMPTS = 5


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
    project = work.playbook.project
    with work.held_lease():
        require_settled(work.engine, project)
        work.require_known()
        with stopping_within(work.engine, project, work.mode, grace):
            for level in work.levels(chosen):
                work.all(_on_swarm(work, level) if work.mode == "swarm" else _on_engine(work, level, grace))
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


def _on_engine(work: ServiceWork, level: Sequence[str], grace: float | None) -> list[tuple[Address, Verb, str, Act]]:
    def act(identity: str) -> Act:
        return lambda progress: work.engine.restart(identity, grace=grace)

    containers = owned_containers(work.engine, work.playbook.project, level)
    return [(container.address, Verb.RESTART, "container", act(container.id)) for container in containers]


def _on_swarm(work: ServiceWork, level: Sequence[str]) -> list[tuple[Address, Verb, str, Act]]:
    def act(identity: str, goal: Goal) -> Act:
        def restart_tasks(progress: Callable[[str], None]) -> None:
            change_service(work.engine, identity, forced)
            wait_service(
                work.engine, identity, WaitForService(goal, READY_TIMEOUT), clock=SystemClock(), progress=progress,
                stopped=work.stopped,
            )  # fmt: skip

        return restart_tasks

    found = owned_services(work.engine, work.playbook.project, level)
    goals = {address: Goal.COMPLETED if decode_mode(raw).endswith("-job") else Goal.READY for raw, address in found}
    return [(address, Verb.RESTART, "service", act(str(raw["ID"]), goals[address])) for raw, address in found]


def forced(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same spec, with which a Swarm replaces all tasks all the same (TaskSpec.ForceUpdate)."""
    template = spec.get("TaskTemplate") or {}
    return {**spec, "TaskTemplate": {**template, "ForceUpdate": int(template.get("ForceUpdate") or 0) + 1}}


def change_service(
    engine: EngineOperator, identity: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Give a Swarm service another spec, made from the one that it has at that very moment; the one it had."""

    def update() -> Mapping[str, Any]:
        raw = engine.inspect("service", identity)
        if raw is None:
            raise EngineRefused("the service is gone", status=404, hint="provision up")
        changed = change(raw["Spec"])
        if changed != raw["Spec"]:
            engine.update_spec("service", identity, int(raw["Version"]["Index"]), changed)
        return raw

    # The orchestrator counts the version up by itself.
    return retried(update, lambda error: isinstance(error, EngineConflict), attempts=_ATTEMPTS)
