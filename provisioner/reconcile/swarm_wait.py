"""When a Swarm service has converged: judged by its tasks, never by the service's own counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioner.errors import NotConverged, StepFailed
from provisioner.model.report import Readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.ports import Clock, EngineReader

# All tasks must have run this long, side by side, before a service counts as converged (seconds).
STABLE = 1.0
# A service whose tasks have failed this often, and that has never converged, is given up.
MOST_FAILURES = 3
_PAUSE = 0.25
_LOG_LINES = 20
_BROKEN = ("failed", "rejected", "orphaned")


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of a service's current spec. `errors` are theirs and their nodes' words, newest last."""

    wanted: int
    running: int
    complete: int
    failed: int
    errors: tuple[str, ...]
    pending: str = ""


def tasks_of(service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> Tasks:
    """Count the tasks of the current spec. For a global service every node that has a task is wanted."""
    mode = service["Spec"].get("Mode") or {}
    iteration = ((service.get("JobStatus") or {}).get("JobIteration") or {}).get("Index")
    if iteration is not None:
        tasks = [t for t in tasks if (t.get("JobIteration") or {}).get("Index", iteration) == iteration]
    active = [t for t in tasks if t.get("DesiredState") in ("running", "ready", "accepted", "complete")]
    states = [str((t.get("Status") or {}).get("State") or "") for t in tasks]
    broken = [t for t in tasks if (t.get("Status") or {}).get("State") in _BROKEN]
    if "Replicated" in mode:
        wanted = int(mode["Replicated"].get("Replicas", 1))
    elif "ReplicatedJob" in mode:
        wanted = int(mode["ReplicatedJob"].get("TotalCompletions", 1))
    else:
        wanted = len({t.get("NodeID") for t in active if t.get("NodeID")})
    waiting = [t["Status"] for t in active if (t.get("Status") or {}).get("State") == "pending"]
    return Tasks(
        wanted=wanted,
        running=sum(1 for t in active if (t.get("Status") or {}).get("State") == "running"),
        complete=states.count("complete"),
        failed=len(broken),
        errors=tuple(dict.fromkeys(_error(t) for t in sorted(broken, key=lambda t: str(t.get("UpdatedAt"))))),
        pending=str(waiting[0].get("Err") or waiting[0].get("Message") or "") if waiting else "",
    )


def _error(task: Mapping[str, Any]) -> str:
    status = task.get("Status") or {}
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    text = str(status.get("Err") or status.get("Message") or status.get("State"))
    return f"{text} (exit code {code})" if code and f"({code})" not in text else text


def readiness(goal: str, service: Mapping[str, Any], tasks: Tasks, *, steady_for: float) -> Readiness:
    """Whether a service has converged, or its job completed. `steady_for`: since when all tasks run (seconds)."""
    update = service.get("UpdateStatus") or {}
    state = str(update.get("State") or "")
    if state in ("rollback_completed", "rollback_paused"):
        return Readiness(True, False, f"the update failed and Swarm rolled it back: {update.get('Message')}")
    if state == "paused":
        return Readiness(True, False, f"the update failed and is paused: {update.get('Message')}")
    if goal == "completed":
        if tasks.complete >= tasks.wanted:
            return Readiness(True, True, "completed")
        failed = tasks.failed > 0 and not tasks.running
        last = tasks.errors[-1] if tasks.errors else ""
        return Readiness(
            failed, False, f"the job failed: {last}" if failed else f"{tasks.complete}/{tasks.wanted} complete"
        )
    said = f"{tasks.running}/{tasks.wanted} running"
    if tasks.pending and tasks.running < tasks.wanted:
        said += f", {tasks.pending}"
    if state in ("", "completed") and tasks.running >= tasks.wanted and steady_for >= STABLE:
        return Readiness(True, True, said)
    if state == "" and tasks.failed >= MOST_FAILURES and tasks.running < tasks.wanted:
        return Readiness(True, False, f"its tasks fail again and again: {tasks.errors[-1]}")
    return Readiness(False, False, f"{state or 'starting'}, {said}")


def wait_service(
    engine: EngineReader,
    service_id: str,
    goal: str,
    timeout: float,
    *,
    clock: Clock,
    progress: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    """Ask until the service has reached `ready`, `healthy`, `completed` or `gone`.

    Raises NotConverged when Swarm rolled an update back, StepFailed for every other bad end, with the tasks' errors.
    """
    began, steady_since, said = clock.now(), None, ""
    while True:
        service = engine.inspect("service", service_id)
        everything = engine.tasks(service_id)
        if service is None:
            if goal != "gone":
                raise StepFailed("it was removed while it was waited for")
            if not any(
                (t.get("Status") or {}).get("State") in ("running", "starting", "preparing") for t in everything
            ):
                return
            answer = Readiness(False, False, "tasks are stopping")
        else:
            found = tasks_of(service, engine.tasks(service_id, current=True))
            steady = found.running >= found.wanted
            steady_since = (clock.now() if steady_since is None else steady_since) if steady else None
            steady_for = 0.0 if steady_since is None else clock.now() - steady_since
            answer = readiness(goal, service, found, steady_for=steady_for)
        if answer.done and answer.ok:
            return
        if answer.done:
            raise _failure(engine, service_id, answer.message, service)
        if clock.now() - began > timeout:
            raise StepFailed(
                f"not {goal} after {timeout:g} s; it is {answer.message}",
                hint="--wait-timeout SECONDS waits longer",
                evidence=_evidence(engine, service_id),
            )
        if stopped():
            return
        if answer.message != said:
            said = answer.message
            progress(f"waiting until it is {goal}: {said}")
        clock.sleep(_PAUSE)


def _failure(
    engine: EngineReader, service_id: str, message: str, service: Mapping[str, Any] | None
) -> StepFailed | NotConverged:
    state = str(((service or {}).get("UpdateStatus") or {}).get("State") or "")
    evidence = _evidence(engine, service_id)
    if state.startswith("rollback"):
        return NotConverged(
            "\n".join((message, *evidence)), hint="the version before serves; mend the new one and apply"
        )
    return StepFailed(message, evidence=evidence)


def _evidence(engine: EngineReader, service_id: str) -> tuple[str, ...]:
    errors = [_error(t) for t in engine.tasks(service_id) if (t.get("Status") or {}).get("State") in _BROKEN]
    lines = [f"task: {error}" for error in dict.fromkeys(errors)]
    for line in engine.logs(service_id, tail=_LOG_LINES, kind="service"):
        lines.append(line.decode(errors="replace").rstrip())
    return tuple(lines)
