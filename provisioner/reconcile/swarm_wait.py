"""Waits until a Swarm service has converged, its job has completed or its tasks are gone, and says why not."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from provisioner.errors import NotConverged, ProvisionError, StepFailed
from provisioner.model.report import Readiness
from provisioner.reconcile.swarm_tasks import (
    BROKEN,
    PROVEN,
    STABLE,
    down_nodes,
    error_of,
    readiness,
    state_of,
    tasks_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.ports import Clock, EngineReader

    Raw = Mapping[str, Any]

_PAUSE = 0.25
_LOG_LINES = 20
# What the engine writes among the lines where it can not get those of a node.
_NO_LOGS = "Error grabbing logs: "


class Overdue(StepFailed):
    """The time was up before anything was decided."""


def wait_service(
    engine: EngineReader,
    service_id: str,
    goal: str,
    timeout: float,
    *,
    clock: Clock,
    progress: Callable[[str], None],
    stopped: Callable[[], bool],
    updated: bool = True,
    may_finish: bool = False,
    failed_before: bool = False,
) -> None:
    """Ask until the service has reached `ready`, `healthy`, `completed` or `gone`.

    Raises NotConverged when Swarm rolled an update back, StepFailed for every other bad end, with the tasks' errors.
    `updated` is false where this apply has not changed the service, `failed_before` is true where its tasks had ended
    with an error before.
    """
    began, steady_since, said = clock.now(), None, ""
    runners: frozenset[str] = frozenset()
    before: frozenset[str] | None = None
    enough = PROVEN if failed_before else STABLE
    # The Swarm forgets old tasks: what they said is kept here.
    heard: dict[str, None] = {}
    while True:
        service, nodes = engine.inspect("service", service_id), engine.list("node", {})
        everything = engine.tasks(service_id)
        heard |= dict.fromkeys(_errors(everything))
        if service is None:
            if goal != "gone":
                raise StepFailed("it was removed while it was waited for", hint="apply again")
            answer = _goneness(everything, nodes)
        else:
            tasks = engine.tasks(service_id, current=True)
            # What ended before, perhaps long ago, is not held against it now.
            before = tasks_of(service, tasks).over if before is None else before
            found = tasks_of(service, tasks, nodes, before)
            if found.up(may_finish=may_finish) < found.wanted:
                steady_since = None
                enough = PROVEN if found.over else enough
            elif steady_since is None or found.runners != runners:
                steady_since = clock.now()
            runners = found.runners
            steady_for = 0.0 if steady_since is None else clock.now() - steady_since
            answer = readiness(
                goal, service, found,
                steady_for=steady_for, updated=updated, enough=enough, may_finish=may_finish,
            )  # fmt: skip
        if answer.done and answer.ok:
            return
        if answer.done:
            raise _failure(answer.message, service, _evidence(engine, service_id, heard, nodes))
        if clock.now() - began > timeout:
            raise Overdue(
                f"not {goal} after {timeout:g} s; it is {answer.message}",
                hint="see the tasks' words below; --wait-timeout SECONDS waits longer",
                evidence=_evidence(engine, service_id, heard, nodes),
            )
        if stopped():
            return
        if answer.message != said:
            said = answer.message
            progress(f"waiting until it is {goal}: {said}")
        clock.sleep(_PAUSE)


def _goneness(tasks: Sequence[Raw], nodes: Sequence[Raw]) -> Readiness:
    """Tasks on a node that is down can not be waited for."""
    down = down_nodes(nodes)
    left = [t for t in tasks if t.get("NodeID") not in down and state_of(t) in ("running", "starting", "preparing")]
    return Readiness(not left, not left, f"stopping, {len(left)} tasks are left")


def _failure(message: str, service: Raw | None, evidence: tuple[str, ...]) -> StepFailed | NotConverged:
    state = str(((service or {}).get("UpdateStatus") or {}).get("State") or "")
    if state == "rollback_paused":
        return NotConverged(
            message, hint="look at its tasks with `provision status`, mend it and apply", evidence=evidence
        )
    if state.startswith("rollback"):
        return NotConverged(message, hint="the version before serves; mend the new one and apply", evidence=evidence)
    hint = "the next apply goes on with it; `deploy.update_config.failure_action: rollback` goes back by itself"
    return StepFailed(message, hint=hint if state == "paused" else None, evidence=evidence)


def _errors(tasks: Sequence[Raw]) -> list[str]:
    broken = [t for t in tasks if state_of(t) in BROKEN]
    return [error_of(t) for t in sorted(broken, key=lambda t: str(t.get("UpdatedAt")))]


def _evidence(
    engine: EngineReader, service_id: str, heard: Mapping[str, None], nodes: Sequence[Raw]
) -> tuple[str, ...]:
    lines = [f"task: {error}" for error in heard]
    down = down_nodes(nodes)
    lines += [f"node: {(n.get('Description') or {}).get('Hostname')} is down" for n in nodes if n.get("ID") in down]
    # What the tasks printed is a help; that it can not be had must not hide what is known.
    with suppress(ProvisionError):
        for line in engine.logs(service_id, tail=_LOG_LINES, kind="service"):
            text = line.decode(errors="replace").rstrip()
            if not text.startswith(_NO_LOGS):
                lines.append(text)
    return tuple(lines)
