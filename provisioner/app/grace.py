"""Containers that are stopped within a time that the command line says (`--timeout`)."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from provisioner.app.owned import owned_services
from provisioner.app.wiring import SystemClock
from provisioner.errors import ProvisionError
from provisioner.kinds.tool_labels import TASK_OF

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineWriter

    Engine = TypeVar("Engine", bound=EngineWriter)

# Seconds between two looks at the tasks of a Swarm that are to end.
_LOOK = 0.2
# What a task is to be that is to end (TaskState, swarmkit's DesiredState).
_TO_END = ("shutdown", "remove")


@contextmanager
def stopping_within(engine: Engine, project: str, mode: Mode, grace: float | None) -> Iterator[Engine]:
    """The engine with which what the block stops is killed after `grace` seconds; None leaves each its own time.

    A Swarm has the time with the service, and kills no later than that. Sooner it is killed from here, on this node.
    """
    if grace is None:
        yield engine
        return
    if mode != "swarm":
        yield cast("Engine", _WithGrace(engine, grace))
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


class _WithGrace:
    """An engine that stops every container within the same time (seconds)."""

    def __init__(self, engine: EngineWriter, grace: float) -> None:
        self._engine = engine
        self._grace = grace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def stop(self, container_id: str, *, grace: float | None = None) -> None:
        self._engine.stop(container_id, grace=self._grace)


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
        str(one["Id"])
        for one in engine.list("container", {TASK_OF: service})
        if (one.get("State") or {}).get("Running")
    ]
    tasks = engine.tasks(service) if running else ()
    lasting = {
        str(((task.get("Status") or {}).get("ContainerStatus") or {}).get("ContainerID"))
        for task in tasks
        if task.get("DesiredState") not in _TO_END
    }
    return [one for one in running if one not in lasting]
