"""`stop` and `start`: services that rest, and that go on. Who stopped them is kept, and plans say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.app.grace import stopping_within
from provisioner.app.owned import owned_containers, owned_services
from provisioner.app.restart import change_service
from provisioner.app.service_work import ServiceWork
from provisioner.app.wiring import SystemClock
from provisioner.backup.previous_data import require_settled
from provisioner.errors import ProvisionError
from provisioner.kinds.hooks import PRE_STOP
from provisioner.kinds.hooks import decode as decode_hooks
from provisioner.kinds.service import decode_mode
from provisioner.kinds.swarm_scheduling import NOWHERE
from provisioner.ledger.records import intention, read_ledger, record_intentions
from provisioner.model.operation import Goal, RunHook, Wait, WaitForService
from provisioner.model.plan import Verb
from provisioner.reconcile.hooks import run_hook
from provisioner.reconcile.swarm_tasks import state_of
from provisioner.reconcile.swarm_wait import wait_service
from provisioner.reconcile.wait import wait
from provisioner.reconcile.waits import READY_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.app.owned import OwnedContainer
    from provisioner.app.request import Request
    from provisioner.app.service_work import Act
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.model.address import Address
    from provisioner.model.report import StepResult
    from provisioner.ports import Interrupt, Listener

_RUNS = ("running", "starting", "preparing", "ready", "assigned", "accepted")


def stop(
    request: Request, services: Sequence[str], *, grace: float | None, listener: Listener, interrupt: Interrupt | None
) -> Sequence[StepResult]:
    """Stop the named services, or all, those first that others do not need; keep that it was on purpose.

    Their `pre_stop` commands run before. `grace` is the time (seconds) between the stop signal and the kill.
    """
    work = ServiceWork(request, services, listener, interrupt)
    work.require_known()
    with work.held_lease():
        ledger = read_ledger(work.engine, work.playbook.project)
        # It is kept before anything stops: a stop that is interrupted was meant all the same.
        kept = ledger.intentions.with_stopped(_services_on_engine(work), intention())
        if not kept.same(ledger.intentions):
            record_intentions(work.engine, work.playbook.project, work.mode, kept)
        stop_services(work, grace)
    return work.results


def stop_services(work: ServiceWork, grace: float | None) -> None:
    """Stop what runs of the chosen services, those first that others do not need."""
    with stopping_within(work.engine, work.playbook.project, work.mode, grace) as engine:
        for level in reversed(work.levels(_services_on_engine(work))):
            work.all(_rests(work, level) if work.mode == "swarm" else _stops(work, level, engine))


def is_at_rest(raw: Mapping[str, Any]) -> bool:
    """Whether a Swarm service was stopped: it is to run nowhere."""
    return not decode_mode(raw).endswith("-job") and at_rest(raw["Spec"]) == raw["Spec"]


def start(
    request: Request,
    services: Sequence[str],
    *,
    wait_until_ready: bool,
    timeout: float,
    listener: Listener,
    interrupt: Interrupt,
) -> Sequence[StepResult]:
    """Start the named services, or all, those first that others need; nothing is made or changed.

    What others need healthy is waited for, and with `wait_until_ready` everything, for at most `timeout` seconds each.
    """
    work = ServiceWork(request, services, listener, interrupt)
    with work.held_lease():
        require_settled(work.engine, work.playbook.project)
        work.require_known()
        ledger = read_ledger(work.engine, work.playbook.project)
        kept = ledger.intentions.without_stopped(work.chosen)
        for level in work.levels():
            if work.mode == "swarm":
                scaled = {name: why.replicas for name, why in ledger.intentions.scaled.items()}
                work.all(_goes_on(work, level, scaled, timeout))
            else:
                work.all(_starts(work, level, timeout, everything=wait_until_ready))
            if any(result.error for result in work.results):
                break
        if not kept.same(ledger.intentions):
            record_intentions(work.engine, work.playbook.project, work.mode, kept)
    return work.results


def _services_on_engine(work: ServiceWork) -> list[str]:
    """The chosen services of which something is on the engine."""
    project = work.playbook.project
    found = {container.address.name for container in owned_containers(work.engine, project, work.chosen)}
    found |= {address.name for _, address in owned_services(work.engine, project, work.chosen)}
    return [name for name in work.chosen if name in found]


def _stops(work: ServiceWork, level: Sequence[str], engine: DockerEngine) -> list[tuple[Address, Verb, str, Act]]:
    def act(container: OwnedContainer) -> Act:
        def stop_it(progress: Callable[[str], None]) -> None:
            hooks = decode_hooks(dict(container.raw), PRE_STOP)
            for hook in hooks if container.running else ():
                run_hook(work.engine, container.id, RunHook(PRE_STOP, hook), progress)
            if container.raw["State"].get("Paused"):
                work.engine.unpause(container.id)
            engine.stop(container.id)

        return stop_it

    containers = owned_containers(work.engine, work.playbook.project, level)
    up = [
        container for container in containers if container.raw["State"]["Status"] in ("running", "restarting", "paused")
    ]
    return [(container.address, Verb.STOP, "container", act(container)) for container in up]


def _starts(
    work: ServiceWork, level: Sequence[str], timeout: float, *, everything: bool
) -> list[tuple[Address, Verb, str, Act]]:
    needed = {
        dependency.service
        for name in work.chosen
        for dependency in work.playbook.services[name].depends_on
        if dependency.condition == "service_healthy"
    }

    def act(container: OwnedContainer) -> Act:
        def start_it(progress: Callable[[str], None]) -> None:
            work.engine.start(container.id)
            if container.address.name in needed or everything:
                check = (container.raw["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
                goal = Goal.HEALTHY if check != ["NONE"] else Goal.READY
                wait(
                    work.engine, container.id, Wait(goal, timeout or READY_TIMEOUT), clock=SystemClock(),
                    progress=progress, stopped=work.stopped,
                )  # fmt: skip

        return start_it

    containers = owned_containers(work.engine, work.playbook.project, level)
    still = [container for container in containers if container.raw["State"]["Status"] in ("exited", "dead", "created")]
    return [(each.address, Verb.START, "container", act(each)) for each in still if not _is_done(work, each)]


def _is_done(work: ServiceWork, container: OwnedContainer) -> bool:
    """Whether it is a job that has been done: starting it would do it once more."""
    job = work.playbook.services[container.address.name].job
    return (
        job is not None and container.raw["State"]["Status"] == "exited" and container.raw["State"].get("ExitCode") == 0
    )


def _rests(work: ServiceWork, level: Sequence[str]) -> list[tuple[Address, Verb, str, Act]]:
    def act(identity: str) -> Act:
        def rest(progress: Callable[[str], None]) -> None:
            change_service(work.engine, identity, at_rest)
            _wait_until_still(work, identity, progress)

        return rest

    found = owned_services(work.engine, work.playbook.project, level)
    return [
        (address, Verb.STOP, "service", act(str(raw["ID"])))
        for raw, address in found
        if not decode_mode(raw).endswith("-job") and at_rest(raw["Spec"]) != raw["Spec"]
    ]


def at_rest(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The spec of a Swarm service, no job, that runs nowhere: no replicas, or a constraint that no node meets."""
    if "Replicated" in spec["Mode"]:
        return {**spec, "Mode": {"Replicated": {**spec["Mode"]["Replicated"], "Replicas": 0}}}
    template = spec.get("TaskTemplate") or {}
    placement = template.get("Placement") or {}
    constraints = sorted({*(placement.get("Constraints") or ()), NOWHERE})
    return {**spec, "TaskTemplate": {**template, "Placement": {**placement, "Constraints": constraints}}}


def _wait_until_still(work: ServiceWork, identity: str, progress: Callable[[str], None]) -> None:
    clock = SystemClock()
    began, said = clock.now(), ""
    while not work.stopped():
        left = [task for task in work.engine.tasks(identity) if state_of(task) in _RUNS]
        if not left:
            return
        if clock.now() - began > READY_TIMEOUT:
            raise ProvisionError(
                f"{len(left)} of its tasks still run after {READY_TIMEOUT:g} s", hint="provision status"
            )
        text = f"waiting for the end of {len(left)} tasks"
        if text != said:
            said = text
            progress(text)
        clock.sleep(0.2)


def _goes_on(
    work: ServiceWork, level: Sequence[str], scaled: Mapping[str, int], timeout: float
) -> list[tuple[Address, Verb, str, Act]]:
    def act(identity: str, replicas: int) -> Act:
        def go_on(progress: Callable[[str], None]) -> None:
            change_service(work.engine, identity, lambda spec: _going(spec, replicas))
            wait_service(
                work.engine, identity, WaitForService(Goal.READY, timeout or READY_TIMEOUT),
                clock=SystemClock(), progress=progress,
                stopped=work.stopped,
            )  # fmt: skip

        return go_on

    acts: list[tuple[Address, Verb, str, Act]] = []
    for raw, address in owned_services(work.engine, work.playbook.project, level):
        replicas = scaled.get(address.name, work.playbook.services[address.name].replicas)
        if not decode_mode(raw).endswith("-job") and _going(raw["Spec"], replicas) != raw["Spec"]:
            acts.append((address, Verb.START, "service", act(str(raw["ID"]), replicas)))
    return acts


def _going(spec: Mapping[str, Any], replicas: int) -> Mapping[str, Any]:
    """The spec without what `at_rest` put there; one that runs already is as it is."""
    if "Replicated" in spec["Mode"]:
        rests = not spec["Mode"]["Replicated"].get("Replicas")
        return {**spec, "Mode": {"Replicated": {"Replicas": replicas}}} if rests else spec
    template = spec.get("TaskTemplate") or {}
    placement = template.get("Placement") or {}
    constraints = [constraint for constraint in placement.get("Constraints") or () if constraint != NOWHERE]
    if constraints == list(placement.get("Constraints") or ()):
        return spec
    return {**spec, "TaskTemplate": {**template, "Placement": {**placement, "Constraints": constraints}}}
