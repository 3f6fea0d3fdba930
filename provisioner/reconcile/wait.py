"""When a container is ready, healthy or completed: pure answers, and what is asked until there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import StepFailed
from provisioner.kinds.container import runtime
from provisioner.model.operation import Goal
from provisioner.model.report import Readiness
from provisioner.reconcile.finished import FINISHED, has_finished
from provisioner.reconcile.poll import poll

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.model.edges import EngineJson
    from provisioner.model.operation import Wait
    from provisioner.model.state import Runtime
    from provisioner.ports import Clock, EngineReader

# A container without a health check counts as ready once it has run this long (seconds).
STABLE = 1.0
# The longest time between two looks whether nobody waits any more (seconds).
_GAP = 0.5
_LOG_LINES = 20


def readiness(
    goal: Goal, state: Runtime, *, has_check: bool, running_for: float, finished: bool = False, goes_on: bool = False
) -> Readiness:
    """Whether a container has reached `ready`, `healthy` or `completed`; `running_for` in seconds.

    `goes_on`: it ran before, and a bad verdict may still be followed by a good one: an engine keeps the last one until
    the check is run again. `finished`: it ended, and that is all that was asked of it.
    """
    if goal == Goal.COMPLETED:
        return _completed(state)
    killed = ", killed for want of memory" if state.oom_killed else ""
    if state.status in ("exited", "dead"):
        if finished and goal != Goal.HEALTHY:
            return Readiness(True, True, FINISHED)
        return Readiness(True, False, f"it exited with code {state.exit_code}{killed}{_one_shot(state)}")
    if state.restarts > 0 and state.status == "restarting":
        said = f"it exits and restarts again and again (code {state.exit_code}{killed})"
        return Readiness(True, False, said + _one_shot(state))
    if goal == Goal.HEALTHY and not has_check:
        return Readiness(True, False, "others wait until it is healthy, and it has no health check")
    if has_check:
        if state.health == "unhealthy":
            return Readiness(not goes_on, False, "its health check fails")
        return Readiness(state.health == "healthy", state.health == "healthy", state.health or "starting")
    stable = state.status == "running" and running_for >= STABLE
    return Readiness(stable, stable, state.status)


def _one_shot(state: Runtime) -> str:
    """What a process that ends well in a service that is to go on running may be meant as."""
    return "" if state.exit_code else "; a one-shot says `job: {run: on_change}`"


def _completed(state: Runtime) -> Readiness:
    if state.status in ("exited", "dead"):
        ok = state.exit_code == 0
        killed = ", killed for want of memory" if state.oom_killed else ""
        return Readiness(True, ok, "completed" if ok else f"it exited with code {state.exit_code}{killed}")
    return Readiness(False, False, state.status)


def steadiness(began: Runtime, state: Runtime, *, finished: bool = False) -> Readiness:
    """Whether a container that was ready still is: it runs as it did when it began to be watched, or has finished."""
    if state.status in ("exited", "dead"):
        if finished:
            return Readiness(True, True, FINISHED)
        return Readiness(True, False, f"it was ready, and then exited with code {state.exit_code}")
    if state.restarts > began.restarts or state.started_at != began.started_at:
        return Readiness(True, False, f"it was ready, and then restarted (code {state.exit_code})")
    if state.health == "unhealthy":
        return Readiness(True, False, "it was ready, and then its health check failed")
    return Readiness(False, True, state.status)


class _UntilReached:
    """A container that is to reach its goal."""

    gaps = (0.05, 0.5)

    def __init__(self, engine: EngineReader, container_id: str, wait: Wait, clock: Clock) -> None:
        self._engine = engine
        self._id = container_id
        self._wait = wait
        self._clock = clock
        # The start that was seen last, and when it was seen first: one that restarts proves itself anew.
        self._start: tuple[str, float] | None = None
        self._raw: EngineJson = {}

    def look(self) -> Readiness:
        state = self._state("waited for")
        if state.status != "running":
            self._start = None
        elif self._start is None or self._start[0] != state.started_at:
            self._start = state.started_at, self._clock.now()
        return readiness(
            self._wait.goal, state, has_check=self._has_check(), running_for=self._running_for(),
            finished=self._has_finished(state), goes_on=self._wait.goes_on,
        )  # fmt: skip

    def soon(self) -> float | None:
        # Without a health check there is nothing to see but an early end, for which a look in between is enough.
        if self._start is None or self._wait.goal is Goal.COMPLETED or self._has_check():
            return None
        left = max(0.0, STABLE - self._running_for())
        return left if left <= STABLE / 2 else STABLE / 4

    def _running_for(self) -> float:
        return 0.0 if self._start is None else self._clock.now() - self._start[1]

    def _has_check(self) -> bool:
        return bool((self._raw["State"].get("Health") or {}).get("Status"))

    def saying(self, answer: Readiness) -> str:
        return _remaining(self._wait.goal, runtime(dict(self._raw)), self._raw)

    def failure(self, answer: Readiness) -> StepFailed:
        return StepFailed(answer.message, evidence=evidence(self._engine, self._id, self._raw))

    def overdue(self, answer: Readiness) -> StepFailed | None:
        return StepFailed(
            f"not {self._wait.goal} after {self._wait.timeout_s:g} s: {answer.message}",
            hint="see the lines below; --wait-timeout SECONDS waits longer",
            evidence=evidence(self._engine, self._id, self._raw),
        )

    def _state(self, doing: str) -> Runtime:
        raw = self._engine.inspect("container", self._id)
        if raw is None:
            raise StepFailed(f"it was removed while it was {doing}")
        self._raw = raw
        return runtime(dict(raw))

    def _has_finished(self, state: Runtime) -> bool:
        return has_finished(state, self._wait.may_finish, exposes=bool(self._raw["Config"].get("ExposedPorts")))


class _StaysReady(_UntilReached):
    """A container that is ready, and is to stay so until the time is up."""

    gaps = (0.5, 0.5)
    _began: Runtime | None = None

    def look(self) -> Readiness:
        state = self._state("watched")
        self._began = self._began or state
        return steadiness(self._began, state, finished=self._has_finished(state))

    def soon(self) -> float | None:
        return None

    def saying(self, answer: Readiness) -> str:
        return f"watching it for {self._wait.timeout_s:g} s"

    def overdue(self, answer: Readiness) -> StepFailed | None:
        return None


def wait(
    engine: EngineReader,
    container_id: str,
    goal: Wait,
    *,
    clock: Clock,
    progress: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    """Ask until the container has reached its goal; raises StepFailed with the reason and its last words.

    Ends early, without an error, when `stopped` says that nobody waits any more.
    """
    probe = (_StaysReady if goal.goal is Goal.STAYS_READY else _UntilReached)(engine, container_id, goal, clock)
    poll(probe, goal.timeout_s, clock=clock, progress=progress, stopped=stopped)


def pause(seconds: float, *, clock: Clock, progress: Callable[[str], None], stopped: Callable[[], bool]) -> None:
    """Let so much time pass, or less when nobody waits any more."""
    if seconds:
        progress(f"waiting {seconds:g} s before the next are replaced")
    until = clock.now() + seconds
    while (left := until - clock.now()) > 0 and not stopped():
        clock.sleep(min(left, _GAP))


def _remaining(goal: Goal, state: Runtime, raw: EngineJson) -> str:
    """What is still waited for (ContainerInspect.State.Health and Config.Healthcheck; the engine's default is 3)."""
    if state.status != "running":
        return f"it is {state.status}"
    if goal == Goal.COMPLETED:
        return "it runs until it has completed"
    health = raw["State"].get("Health") or {}
    if not health.get("Status"):
        return f"it is to run for {STABLE:g} s"
    failed = int(health.get("FailingStreak") or 0)
    retries = int((raw["Config"].get("Healthcheck") or {}).get("Retries") or 3)
    return f"health check {failed} of {retries} failed" if failed else "its health check has not passed yet"


def evidence(engine: EngineReader, container_id: str, raw: EngineJson) -> tuple[str, ...]:
    """What a failed container said last: results of its health check, then its log."""
    lines = []
    for result in ((raw["State"].get("Health") or {}).get("Log") or [])[-1:]:
        output = str(result.get("Output") or "").strip().splitlines()
        lines.append(f"health check exited with {result.get('ExitCode')}: {' / '.join(output[-3:]) or 'no output'}")
    if raw["State"].get("Error"):
        lines.append(str(raw["State"]["Error"]))
    for line in engine.logs(container_id, tail=_LOG_LINES):
        lines.append(line.decode(errors="replace").rstrip())
    return tuple(lines)
