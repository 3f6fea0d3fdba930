"""What tasks of a Swarm service said last, each under how it ended. Reads only."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.errors import ProvisionError
from provisioner.kinds.values import moment
from provisioner.model.dataclass import dataclass
from provisioner.reconcile.swarm_tasks import BROKEN, error_of, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioner.model.edges import EngineJson
    from provisioner.ports import EngineReader
# Lines of one task, and ends of different kinds, that are told.
_LINES, _ENDS = 10, 3
# Tasks that ended alike and are asked for what they said: one whose node is away tells nothing.
_ASKED = 3
# Tasks that are shown beside each other.
_TELLERS = 4
_SHORT_ID = 12
_KILLED = 137
# What the engine writes among the lines where it can not get those of a node.
_NO_LOGS = "Error grabbing logs: "


def is_of(task: EngineJson, template: EngineJson) -> bool:
    """Whether a task was made from a template (ServiceSpec.TaskTemplate): a task leaves out what runs it."""
    ours, theirs = dict(task.get("Spec") or {}), dict(template)
    for spec in (ours, theirs):
        spec.pop("Runtime", None)
    return ours == theirs


def tried_tasks(service: EngineJson | None, tasks: Sequence[EngineJson]) -> list[EngineJson]:
    """The tasks of the version that was tried last: that of the service, or what the Swarm went back from."""
    if service is None:
        return list(tasks)
    template, update = service["Spec"].get("TaskTemplate") or {}, service.get("UpdateStatus") or {}
    if not str(update.get("State") or "").startswith("rollback"):
        return [task for task in tasks if is_of(task, template)]
    others, began = [task for task in tasks if not is_of(task, template)], moment(update.get("StartedAt"))
    made = [moment(task.get("CreatedAt")) for task in others]
    return [task for task, then in zip(others, made, strict=True) if not (began and then and then < began)]


def end_of(engine: EngineReader, task: EngineJson) -> str:
    """How a task ended, in its own words; where the engine knows that memory ran out, that too."""
    said = error_of(task).removeprefix("task: ")
    status = (task.get("Status") or {}).get("ContainerStatus") or {}
    if status.get("ExitCode") != _KILLED or not status.get("ContainerID"):
        return said
    with suppress(ProvisionError):
        raw = engine.inspect("container", str(status["ContainerID"])) or {}
        if (raw.get("State") or {}).get("OOMKilled"):
            return f"{said}, killed for want of memory"
    return said


def name_of(task: EngineJson) -> str:
    """`replica 2 (task qfz6dumg4bi2)`; a task of a service that runs on every node is told by its id alone."""
    short = f"task {str(task.get('ID') or '')[:_SHORT_ID]}"
    return f"replica {task['Slot']} ({short})" if task.get("Slot") else short


def task_lines(engine: EngineReader, task: EngineJson, count: int = _LINES) -> tuple[str, ...]:
    """The last lines of one task; none where it has no container, or its node gives none."""
    if not ((task.get("Status") or {}).get("ContainerStatus") or {}).get("ContainerID"):
        return ()
    with suppress(ProvisionError):
        lines = [line.decode(errors="replace").rstrip() for line in _logs(engine, task, count)]
        return tuple(line for line in lines if not line.startswith(_NO_LOGS))
    return ()


def _logs(engine: EngineReader, task: EngineJson, count: int) -> Iterable[bytes]:
    return engine.logs(str(task.get("ID")), tail=count, kind="task")


@dataclass(frozen=True, slots=True)
class Words:
    """The last lines of a task; `speaker` says which one, how it ended or what it does, and of which version it is."""

    speaker: str
    lines: tuple[str, ...]


def spoken(engine: EngineReader, template: EngineJson, tasks: Sequence[EngineJson], count: int) -> tuple[Words, ...]:
    """What tasks of a service say: the last one of its present version (`template`) that ended badly, and some that
    run; those of another version are told as that.
    """
    present = newest_first(task for task in tasks if is_of(task, template))
    broken = [task for task in present if state_of(task) in BROKEN][:1]
    others = newest_first(task for task in tasks if task.get("DesiredState") == "running")
    tellers = [*broken, *(task for task in others if task not in broken)][:_TELLERS]
    # One that has ended well, where nothing else is left.
    return tuple(
        Words(f"{name_of(task)}, {end_of(engine, task)}{'' if task in present else ', of another version'}", lines)
        for task in tellers or present[:1]
        if (lines := task_lines(engine, task, count))
    )


def newest_first(tasks: Iterable[EngineJson]) -> list[EngineJson]:
    """The tasks by CreatedAt, the last one first."""
    return sorted(tasks, key=lambda task: str(task.get("CreatedAt") or ""), reverse=True)


def last_words(engine: EngineReader, tasks: Sequence[EngineJson], heard: Iterable[str] = ()) -> tuple[str, ...]:
    """How the tasks ended and what they said before, those that ended alike together; the newest last.

    `heard` are ends of tasks that the Swarm may have forgotten by now. Where none ended, the newest one speaks.
    """
    broken = newest_first(task for task in tasks if state_of(task) in BROKEN)
    alike: dict[str, list[EngineJson]] = {}
    for task in broken or newest_first(tasks)[:1]:
        alike.setdefault(error_of(task), []).append(task)
    lines = [f"a task: {end.removeprefix('task: ')}" for end in heard if end not in alike]
    for group in reversed(list(alike.values())[:_ENDS]):
        with_words = ((task, task_lines(engine, task)) for task in group[:_ASKED])
        task, words = next(((task, words) for task, words in with_words if words), (group[0], ()))
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        lines += [f"{name_of(task)}{more}: {end_of(engine, task)}", *words]
    return tuple(lines)
