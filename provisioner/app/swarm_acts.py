"""What `stop`, `start`, `restart` and `rm` do with the services of a Swarm."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from provisioner.app.owned import owned_services
from provisioner.app.service_work import EndedRun, Removable, ServiceAct
from provisioner.app.wiring import SystemClock
from provisioner.errors import EngineConflict, EngineRefused, ProvisionError
from provisioner.kinds.service import decode_mode
from provisioner.kinds.swarm_scheduling import NOWHERE
from provisioner.kinds.tool_labels import TASK_OF
from provisioner.model.operation import Goal, WaitForService
from provisioner.model.plan import Verb
from provisioner.reconcile.poll import Pending, poll
from provisioner.reconcile.retry import retried
from provisioner.reconcile.swarm_tasks import BROKEN, error_of, state_of
from provisioner.reconcile.swarm_wait import wait_service
from provisioner.reconcile.waits import READY_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from provisioner.app.platform import AnyEngine
    from provisioner.app.service_work import ServiceWork
    from provisioner.model.edges import EngineJson
    from provisioner.ports import EngineOperator, EngineReader, EngineWriter

    Spec = Mapping[str, Any]

JOBS_END_BY_REMOVAL = True
_RUNS = ("running", "starting", "preparing", "ready", "assigned", "accepted")
_ENDED = ("complete", "failed", "rejected")
_OVER = (*BROKEN, "complete", "shutdown", "remove")
_ATTEMPTS = 5
# The exit code of a task that has none, as it could not even start.
_FAILED = 1
# Seconds between two looks at the tasks of a Swarm that are to end.
_LOOK = 0.2
# What a task is to be that is to end (TaskState, swarmkit's DesiredState).
_TO_END = ("shutdown", "remove")


def service_objects(engine: EngineReader, project: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """What of the services is on the Swarm, by kind and id: these services."""
    return [("service", str(raw["ID"])) for raw, _ in owned_services(engine, project, names)]


def ended_jobs(engine: EngineReader, project: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """What of the services, which are jobs, has come to its end; by kind and id."""
    objects = service_objects(engine, project, names)
    return [each for each in objects if all(state_of(task) == "complete" for task in engine.tasks(each[1]))]


def ended_runs(engine: EngineReader, project: str, names: Sequence[str]) -> dict[str, EndedRun]:
    """The tasks of the services that have ended, by id."""
    ended = {}
    for raw, address in owned_services(engine, project, names):
        for task in engine.tasks(str(raw["ID"])):
            if state_of(task) in _ENDED:
                status = (task.get("Status") or {}).get("ContainerStatus") or {}
                code = int(status.get("ExitCode") or 0)
                # A service that runs on every node has no slots, and one task on each.
                replica = replace(address, index=int(task.get("Slot") or 1))
                ended[str(task["ID"])] = EndedRun(replica, code or (_FAILED if error_of(task) else 0))
    return ended


def run_again(engine: EngineOperator, project: str, names: Sequence[str], ended: Collection[str]) -> None:
    """Give new tasks to those services whose every task is one of these that have ended."""
    for raw, _ in owned_services(engine, project, names):
        tasks = engine.tasks(str(raw["ID"]), current=True)
        if tasks and all(str(task["ID"]) in ended for task in tasks):
            change_service(engine, str(raw["ID"]), forced)


def stops(work: ServiceWork, level: Sequence[str], engine: EngineWriter) -> list[ServiceAct]:
    """Let each service that is no job run nowhere, and wait until its tasks have ended."""

    def stop(identity: str, progress: Callable[[str], None]) -> None:
        change_service(work.engine, identity, at_rest)
        running = Pending(
            lambda: [task for task in work.engine.tasks(identity) if state_of(task) in _RUNS], gap=_LOOK,
            describe=lambda left: f"waiting for the end of {len(left)} tasks",
            overdue=lambda left: ProvisionError(
                f"{len(left)} of its tasks still run after {READY_TIMEOUT:g} s", hint="provision status"
            ),
        )  # fmt: skip
        poll(running, READY_TIMEOUT, clock=SystemClock(), progress=progress, stopped=work.stopped)

    return [
        ServiceAct(address, Verb.STOP, "service", partial(stop, str(raw["ID"])))
        for raw, address in owned_services(work.engine, work.playbook.project, level)
        if not _is_job(raw) and at_rest(raw["Spec"]) != raw["Spec"]
    ]


def starts(
    work: ServiceWork, level: Sequence[str], *, scaled: Mapping[str, int], timeout: float, wait_for_all: bool
) -> list[ServiceAct]:
    """Let each service that was stopped run again, and wait until it does."""

    def start(identity: str, replicas: int, progress: Callable[[str], None]) -> None:
        change_service(work.engine, identity, lambda spec: _going(spec, replicas))
        _wait(work, identity, Goal.READY, timeout or READY_TIMEOUT, progress)

    acts = []
    for raw, address in owned_services(work.engine, work.playbook.project, level):
        replicas = scaled.get(address.name, work.playbook.services[address.name].replicas)
        if not _is_job(raw) and _going(raw["Spec"], replicas) != raw["Spec"]:
            acts.append(ServiceAct(address, Verb.START, "service", partial(start, str(raw["ID"]), replicas)))
    return acts


def restarts(work: ServiceWork, level: Sequence[str], grace: float | None) -> list[ServiceAct]:
    """Give each service new tasks, and wait until they run, or have ended as a job's."""

    def restart(identity: str, goal: Goal, progress: Callable[[str], None]) -> None:
        change_service(work.engine, identity, forced)
        _wait(work, identity, goal, READY_TIMEOUT, progress)

    return [
        ServiceAct(
            address, Verb.RESTART, "service",
            partial(restart, str(raw["ID"]), Goal.COMPLETED if _is_job(raw) else Goal.READY),
        )
        for raw, address in owned_services(work.engine, work.playbook.project, level)
    ]  # fmt: skip


def removals(work: ServiceWork, *, running: bool) -> list[Removable]:
    """The services that were stopped and the jobs that have ended, and with `running` the others too."""
    return [
        Removable(str(raw["Spec"]["Name"]), address, "service", str(raw["ID"]))
        for raw, address in owned_services(work.engine, work.playbook.project, work.chosen)
        if running or is_at_rest(raw) or _is_over(work.engine, raw)
    ]


@contextmanager
def stopping_within(engine: AnyEngine, project: str, grace: float | None) -> Iterator[AnyEngine]:
    """The engine; what the block stops is killed after `grace` seconds. None leaves each its own time.

    A Swarm has the time with the service, and kills no later than that. Sooner it is killed from here, on this node.
    """
    if grace is None:
        yield engine
        return
    services = [str(raw["ID"]) for raw, _ in owned_services(engine, project)]
    over = threading.Event()
    watcher = threading.Thread(target=_kill_overdue, args=(engine, services, grace, over), daemon=True)
    watcher.start()
    try:
        yield engine
    finally:
        over.set()
        watcher.join()


# The specs of services --------------------------------------------------------------------------------------------


def is_at_rest(raw: EngineJson) -> bool:
    """Whether a Swarm service was stopped: it is to run nowhere."""
    return not _is_job(raw) and at_rest(raw["Spec"]) == raw["Spec"]


def at_rest(spec: Spec) -> Spec:
    """The spec of a Swarm service, no job, that runs nowhere: no replicas, or a constraint that no node meets."""
    if "Replicated" in spec["Mode"]:
        return {**spec, "Mode": {"Replicated": {**spec["Mode"]["Replicated"], "Replicas": 0}}}
    return _with_constraints(spec, sorted({*_constraints(spec), NOWHERE}))


def _going(spec: Spec, replicas: int) -> Spec:
    """The spec without what `at_rest` put there; one that runs already is as it is."""
    if "Replicated" in spec["Mode"]:
        rests = not spec["Mode"]["Replicated"].get("Replicas")
        return {**spec, "Mode": {"Replicated": {"Replicas": replicas}}} if rests else spec
    constraints = [constraint for constraint in _constraints(spec) if constraint != NOWHERE]
    return spec if constraints == _constraints(spec) else _with_constraints(spec, constraints)


def _constraints(spec: Spec) -> list[str]:
    return list(((spec.get("TaskTemplate") or {}).get("Placement") or {}).get("Constraints") or ())


def _with_constraints(spec: Spec, constraints: Sequence[str]) -> Spec:
    template = spec.get("TaskTemplate") or {}
    placement = {**(template.get("Placement") or {}), "Constraints": constraints}
    return {**spec, "TaskTemplate": {**template, "Placement": placement}}


def forced(spec: Spec) -> Spec:
    """The same spec, with which a Swarm replaces all tasks all the same (TaskSpec.ForceUpdate)."""
    template = spec.get("TaskTemplate") or {}
    return {**spec, "TaskTemplate": {**template, "ForceUpdate": int(template.get("ForceUpdate") or 0) + 1}}


def change_service(engine: EngineOperator, identity: str, change: Callable[[Spec], Spec]) -> Mapping[str, Any]:
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


def _is_job(raw: EngineJson) -> bool:
    return decode_mode(raw).endswith("-job")


def _is_over(engine: EngineReader, raw: EngineJson) -> bool:
    """Whether a Swarm service is a job of which every task has ended."""
    return _is_job(raw) and all(state_of(task) in _OVER for task in engine.tasks(str(raw["ID"])))


# Waiting ----------------------------------------------------------------------------------------------------------


def _wait(work: ServiceWork, identity: str, goal: Goal, timeout: float, progress: Callable[[str], None]) -> None:
    wait_service(
        work.engine, identity, WaitForService(goal, timeout), clock=SystemClock(), progress=progress,
        stopped=work.stopped,
    )  # fmt: skip


def _kill_overdue(engine: EngineWriter, services: Collection[str], grace: float, over: threading.Event) -> None:
    """Until `over`: kill each container of this node whose task has been to end for longer than `grace` seconds."""
    clock = SystemClock()
    since: dict[str, float] = {}
    while not over.wait(_LOOK):
        for service in services:
            # What can not be asked or killed now, the next look or the Swarm's own time ends.
            with suppress(ProvisionError):
                for container in _ending(engine, service):
                    if clock.now() - since.setdefault(container, clock.now()) >= grace:
                        engine.stop(container, grace=0)


def _ending(engine: EngineWriter, service: str) -> list[str]:
    """The running containers on this node of tasks that are to end, or whose service is gone."""
    running = [
        str(container["Id"])
        for container in engine.list("container", {TASK_OF: service})
        if (container.get("State") or {}).get("Running")
    ]
    tasks = engine.tasks(service) if running else ()
    lasting = {
        str(((task.get("Status") or {}).get("ContainerStatus") or {}).get("ContainerID"))
        for task in tasks
        if task.get("DesiredState") not in _TO_END
    }
    return [identity for identity in running if identity not in lasting]
