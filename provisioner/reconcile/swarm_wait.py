"""Waits until a Swarm service has converged, its job has completed or its tasks are gone, and says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import NotConverged, StepFailed
from provisioner.model.operation import Goal
from provisioner.model.report import Readiness
from provisioner.reconcile.poll import poll
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
from provisioner.reconcile.task_words import last_words, tried_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.errors import ProvisionError
    from provisioner.model.edges import EngineJson
    from provisioner.model.operation import WaitForService
    from provisioner.ports import Clock, EngineReader


class Overdue(StepFailed):
    """The time was up before anything was decided."""


class _UntilConverged:
    """A service that is to reach its goal, looked at with its tasks and the nodes."""

    gaps = (0.25, 0.25)

    def __init__(self, engine: EngineReader, service_id: str, wait: WaitForService, clock: Clock) -> None:
        self._engine = engine
        self._id = service_id
        self._wait = wait
        self._clock = clock
        self._steady_since: float | None = None
        self._runners: frozenset[str] = frozenset()
        self._over_before: frozenset[str] | None = None
        self._began = clock.now()
        self._enough = PROVEN if wait.failed_before else STABLE
        # The Swarm forgets old tasks: what they said is kept here.
        self._heard: dict[str, None] = {}
        self._service: EngineJson | None = None
        self._nodes: Sequence[EngineJson] = ()

    def look(self) -> Readiness:
        self._service, self._nodes = self._engine.inspect("service", self._id), self._engine.list("node", {})
        everything = self._engine.tasks(self._id)
        self._heard |= dict.fromkeys(_errors(tried_tasks(self._service, everything)))
        if self._service is not None:
            return self._convergence(self._service)
        if self._wait.goal is not Goal.GONE:
            raise StepFailed("it was removed while it was waited for", hint="apply again")
        return _goneness(everything, self._nodes)

    def _convergence(self, service: EngineJson) -> Readiness:
        tasks = self._engine.tasks(self._id, current=True)
        # What ended before, perhaps long ago, is not held against it now.
        if self._over_before is None:
            self._over_before = tasks_of(service, tasks).over
        counts = tasks_of(service, tasks, self._nodes, self._over_before)
        if counts.up(may_finish=bool(self._wait.may_finish)) < counts.wanted:
            self._steady_since = None
            self._enough = PROVEN if counts.over else self._enough
        elif self._steady_since is None or counts.runners != self._runners:
            self._steady_since = self._clock.now()
        self._runners = counts.runners
        # Swarm takes tasks of an earlier attempt with the same spec for this one's, and begins a moment later.
        attempt_is_over = not self._wait.updated or not self._over_before or self._clock.now() - self._began >= PROVEN
        steady_for = 0.0 if self._steady_since is None else self._clock.now() - self._steady_since
        return readiness(
            self._wait.goal, service, counts, steady_for=steady_for, updated=self._wait.updated, enough=self._enough,
            may_finish=bool(self._wait.may_finish), attempt_is_over=attempt_is_over,
        )  # fmt: skip

    def soon(self) -> float | None:
        return None

    def saying(self, answer: Readiness) -> str:
        return f"waiting until it is {self._wait.goal}: {answer.message}"

    def failure(self, answer: Readiness) -> ProvisionError:
        return _failure(answer.message, self._service, self._evidence())

    def overdue(self, answer: Readiness) -> Overdue:
        return Overdue(
            f"not {self._wait.goal} after {self._wait.timeout_s:g} s; it is {answer.message}",
            hint="see the tasks' words below; --wait-timeout SECONDS waits longer",
            evidence=self._evidence(),
        )

    def _evidence(self) -> tuple[str, ...]:
        tried = tried_tasks(self._service, self._engine.tasks(self._id))
        down = down_nodes(self._nodes)
        hosts = [(n.get("Description") or {}).get("Hostname") for n in self._nodes if n.get("ID") in down]
        return (*(f"node: {host} is down" for host in hosts), *last_words(self._engine, tried, self._heard))


def wait_service(
    engine: EngineReader,
    service_id: str,
    goal: WaitForService,
    *,
    clock: Clock,
    progress: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    """Ask until the service has reached its goal.

    Raises NotConverged when Swarm rolled an update back, Overdue when the time is up, StepFailed for every other bad
    end, with the tasks' errors.
    """
    probe = _UntilConverged(engine, service_id, goal, clock)
    poll(probe, goal.timeout_s, clock=clock, progress=progress, stopped=stopped)


def _goneness(tasks: Sequence[EngineJson], nodes: Sequence[EngineJson]) -> Readiness:
    """Tasks on a node that is down can not be waited for."""
    down = down_nodes(nodes)
    left = [t for t in tasks if t.get("NodeID") not in down and state_of(t) in ("running", "starting", "preparing")]
    return Readiness(not left, not left, f"stopping, {len(left)} tasks are left")


def _failure(message: str, service: EngineJson | None, evidence: tuple[str, ...]) -> StepFailed | NotConverged:
    state = str(((service or {}).get("UpdateStatus") or {}).get("State") or "")
    if state == "rollback_paused":
        return NotConverged(
            message, hint="look at its tasks with `provision status`, mend it and apply", evidence=evidence
        )
    if state.startswith("rollback"):
        hint = "the version before serves; mend the new one and apply"
        return NotConverged(message, hint=hint, evidence=evidence, taken_back=True)
    hint = "the next apply goes on with it; `deploy.update_config.failure_action: rollback` goes back by itself"
    return StepFailed(message, hint=hint if state == "paused" else None, evidence=evidence)


def _errors(tasks: Sequence[EngineJson]) -> list[str]:
    broken = [t for t in tasks if state_of(t) in BROKEN]
    return [error_of(t) for t in sorted(broken, key=lambda t: str(t.get("UpdatedAt")))]
