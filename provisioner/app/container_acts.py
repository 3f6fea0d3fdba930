"""What `stop`, `start`, `restart` and `rm` do with the containers of services on a plain engine."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from provisioner.app.owned import owned_containers
from provisioner.app.service_work import EndedRun, Removable, ServiceAct
from provisioner.app.wiring import SystemClock
from provisioner.kinds.hooks import PRE_STOP
from provisioner.kinds.hooks import decode as decode_hooks
from provisioner.model.operation import Goal, RunHook, Wait
from provisioner.model.plan import Verb
from provisioner.model.state import UP
from provisioner.reconcile.hooks import run_hook
from provisioner.reconcile.wait import wait
from provisioner.reconcile.waits import READY_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from provisioner.app.owned import OwnedContainer
    from provisioner.app.platform import AnyEngine
    from provisioner.app.service_work import ServiceWork
    from provisioner.ports import EngineOperator, EngineReader, EngineWriter

JOBS_END_BY_REMOVAL = False
_ENDED = ("exited", "dead")
_RESTS = (*_ENDED, "created")


def service_objects(engine: EngineReader, project: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """What of the services is on the engine, by kind and id: their containers."""
    return [("container", container.id) for container in owned_containers(engine, project, names)]


def ended_jobs(engine: EngineReader, project: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """What of the services, which are jobs, has come to its end; by kind and id."""
    containers = owned_containers(engine, project, names)
    return [("container", each.id) for each in containers if each.raw["State"].get("Status") == "exited"]


def ended_runs(engine: EngineReader, project: str, names: Sequence[str]) -> dict[str, EndedRun]:
    """The runs of the services that have ended, each under a key of its own."""
    return {
        _run_of(container): EndedRun(container.address, int(container.raw["State"].get("ExitCode") or 0))
        for container in owned_containers(engine, project, names)
        if container.raw["State"].get("Status") in _ENDED
    }


def run_again(engine: EngineOperator, project: str, names: Sequence[str], ended: Collection[str]) -> None:
    """Start what of the services has ended in one of these runs."""
    for container in owned_containers(engine, project, names):
        if _run_of(container) in ended:
            engine.start(container.id)


def _run_of(container: OwnedContainer) -> str:
    return f"{container.id} {container.raw['State'].get('StartedAt')}"


def stops(work: ServiceWork, level: Sequence[str], engine: EngineWriter) -> list[ServiceAct]:
    """Stop each container that runs, after its `pre_stop` commands."""

    def stop(container: OwnedContainer, progress: Callable[[str], None]) -> None:
        hooks = decode_hooks(dict(container.raw), PRE_STOP)
        for hook in hooks if container.running else ():
            run_hook(work.engine, container.id, RunHook(PRE_STOP, hook), progress)
        if container.raw["State"].get("Paused"):
            work.engine.unpause(container.id)
        engine.stop(container.id)

    containers = owned_containers(work.engine, work.playbook.project, level)
    return [
        ServiceAct(container.address, Verb.STOP, "container", partial(stop, container))
        for container in containers
        if container.raw["State"]["Status"] in UP
    ]


def starts(
    work: ServiceWork, level: Sequence[str], *, scaled: Mapping[str, int], timeout: float, wait_for_all: bool
) -> list[ServiceAct]:
    """Start each container that rests, but for jobs that were done."""
    needed = {
        dependency.service
        for name in work.chosen
        for dependency in work.playbook.services[name].depends_on
        if dependency.condition == "service_healthy"
    }

    def start(container: OwnedContainer, progress: Callable[[str], None]) -> None:
        work.engine.start(container.id)
        if container.address.name in needed or wait_for_all:
            check = (container.raw["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
            goal = Goal.HEALTHY if check != ["NONE"] else Goal.READY
            wait(
                work.engine, container.id, Wait(goal, timeout or READY_TIMEOUT), clock=SystemClock(),
                progress=progress, stopped=work.stopped,
            )  # fmt: skip

    containers = owned_containers(work.engine, work.playbook.project, level)
    return [
        ServiceAct(container.address, Verb.START, "container", partial(start, container))
        for container in containers
        if container.raw["State"]["Status"] in _RESTS and not _is_done(work, container)
    ]


def restarts(work: ServiceWork, level: Sequence[str], grace: float | None) -> list[ServiceAct]:
    """Restart each container; one that does not run is started."""

    def restart(container: OwnedContainer, progress: Callable[[str], None]) -> None:
        work.engine.restart(container.id, grace=grace)

    return [
        ServiceAct(container.address, Verb.RESTART, "container", partial(restart, container))
        for container in owned_containers(work.engine, work.playbook.project, level)
    ]


def removals(work: ServiceWork, *, running: bool) -> list[Removable]:
    """The containers that do not run, and with `running` the others too."""
    return [
        Removable(str(container.raw["Name"]).lstrip("/"), container.address, "container", container.id)
        for container in owned_containers(work.engine, work.playbook.project, work.chosen)
        if running or container.raw["State"]["Status"] in _RESTS
    ]


@contextmanager
def stopping_within(engine: AnyEngine, project: str, grace: float | None) -> Iterator[AnyEngine]:
    """The engine, which stops every container within `grace` seconds; None leaves each its own time."""
    yield engine if grace is None else cast("AnyEngine", _WithGrace(engine, grace))


class _WithGrace:
    """An engine that stops every container within the same time (seconds)."""

    def __init__(self, engine: EngineWriter, grace: float) -> None:
        self._engine = engine
        self._grace = grace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def stop(self, container_id: str, *, grace: float | None = None) -> None:
        self._engine.stop(container_id, grace=self._grace)


def _is_done(work: ServiceWork, container: OwnedContainer) -> bool:
    """Whether it is a job that has been done: starting it would do it once more."""
    state = container.raw["State"]
    is_job = work.playbook.services[container.address.name].job is not None
    return is_job and state["Status"] == "exited" and state.get("ExitCode") == 0
