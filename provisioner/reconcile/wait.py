"""When a container is ready, healthy or completed: pure answers, and the loop that asks until there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.errors import StepFailed
from provisioner.kinds.container import runtime
from provisioner.model.report import Readiness
from provisioner.reconcile.finished import FINISHED, has_finished

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.model.state import MayFinish, Runtime
    from provisioner.ports import Clock, EngineReader

# A container without a health check counts as ready once it has run this long (seconds).
STABLE = 1.0
_POLL = (0.05, 0.5)
# Waits that have no goal of a container: it stays as it is, and it is the turn of the next replicas.
STEADY, TURN = "steady", "turn"
_LOG_LINES = 20


def readiness(goal: str, state: Runtime, *, has_check: bool, running_for: float, finished: bool = False) -> Readiness:
    """Whether a container has reached `ready`, `healthy`, `recovered` or `completed`; `running_for` in seconds.

    `recovered` is `ready` for a container that goes on running: a bad verdict may still be followed by a good one.
    `finished`: it ended, and that is all that was asked of it.
    """
    if goal == "completed":
        return _completed(state)
    if state.status in ("exited", "dead"):
        if finished and goal != "healthy":
            return Readiness(True, True, FINISHED)
        killed = ", killed for want of memory" if state.oom_killed else ""
        return Readiness(True, False, f"it exited with code {state.exit_code}{killed}{_one_shot(state)}")
    if state.restarts > 0 and state.status == "restarting":
        said = f"it exits and restarts again and again (code {state.exit_code})"
        return Readiness(True, False, said + _one_shot(state))
    if goal == "healthy" and not has_check:
        return Readiness(True, False, "others wait until it is healthy, and it has no health check")
    if has_check:
        if state.health == "unhealthy":
            return Readiness(goal != "recovered", False, "its health check fails")
        return Readiness(state.health == "healthy", state.health == "healthy", state.health or "starting")
    stable = state.status == "running" and running_for >= STABLE
    return Readiness(stable, stable, state.status)


def _one_shot(state: Runtime) -> str:
    """What a process that ends well in a service that is to go on running may be meant as."""
    return "" if state.exit_code else "; a one-shot says `job: {run: on_change}`"


def _completed(state: Runtime) -> Readiness:
    if state.status in ("exited", "dead"):
        ok = state.exit_code == 0
        return Readiness(True, ok, "completed" if ok else f"it exited with code {state.exit_code}")
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


def watch(
    engine: EngineReader,
    container_id: str,
    seconds: float,
    *,
    clock: Clock,
    progress: Callable[[str], None],
    stopped: Callable[[], bool],
    may_finish: MayFinish = "",
) -> None:
    """Look at a container that is ready for so long; raises StepFailed when it does not stay so."""
    progress(f"watching it for {seconds:g} s")
    until, began = clock.now() + seconds, None
    while True:
        raw = engine.inspect("container", container_id)
        if raw is None:
            raise StepFailed("it was removed while it was watched")
        state = runtime(dict(raw))
        began = began or state
        answer = steadiness(began, state, finished=has_finished(state, may_finish, exposes=_exposes(raw)))
        if answer.done and answer.ok:
            return
        if answer.done:
            raise StepFailed(answer.message, evidence=evidence(engine, container_id, raw))
        left = until - clock.now()
        if left <= 0 or stopped():
            return
        clock.sleep(min(left, _POLL[1]))


def pause(seconds: float, *, clock: Clock, progress: Callable[[str], None], stopped: Callable[[], bool]) -> None:
    """Let so much time pass, or less when nobody waits any more."""
    if seconds:
        progress(f"waiting {seconds:g} s before the next are replaced")
    until = clock.now() + seconds
    while (left := until - clock.now()) > 0 and not stopped():
        clock.sleep(min(left, _POLL[1]))


def wait(
    engine: EngineReader,
    container_id: str,
    goal: str,
    timeout: float,
    *,
    clock: Clock,
    progress: Callable[[str], None],
    stopped: Callable[[], bool],
    may_finish: MayFinish = "",
) -> None:
    """Ask until the container has reached its goal; raises StepFailed with the reason and its last words.

    Ends early, without an error, when `stopped` says that nobody waits any more.
    """
    began, running_since, said, gap = clock.now(), None, "", _POLL[0]
    while True:
        raw = engine.inspect("container", container_id)
        if raw is None:
            raise StepFailed("it was removed while it was waited for")
        state = runtime(dict(raw))
        if state.status != "running":
            running_since = None
        elif running_since is None:
            running_since = clock.now()
        running_for = 0.0 if running_since is None else clock.now() - running_since
        has_check = bool((raw["State"].get("Health") or {}).get("Status"))
        finished = has_finished(state, may_finish, exposes=_exposes(raw))
        answer = readiness(goal, state, has_check=has_check, running_for=running_for, finished=finished)
        if answer.done and answer.ok:
            return
        if answer.done:
            raise StepFailed(answer.message, evidence=evidence(engine, container_id, raw))
        if clock.now() - began > timeout:
            message = f"not {goal} after {timeout:g} s: {answer.message}"
            raise StepFailed(
                message, hint="see the lines below; --wait-timeout SECONDS waits longer",
                evidence=evidence(engine, container_id, raw),
            )  # fmt: skip
        if stopped():
            return
        if (remaining := _remaining(goal, state, raw)) != said:
            said = remaining
            progress(said)
        clock.sleep(gap)
        gap = min(gap * 1.3, _POLL[1])


def _remaining(goal: str, state: Runtime, raw: Mapping[str, Any]) -> str:
    """What is still waited for (ContainerInspect.State.Health and Config.Healthcheck; the engine's default is 3)."""
    if state.status != "running":
        return f"it is {state.status}"
    if goal == "completed":
        return "it runs until it has completed"
    health = raw["State"].get("Health") or {}
    if not health.get("Status"):
        return f"it is to run for {STABLE:g} s"
    failed = int(health.get("FailingStreak") or 0)
    retries = int((raw["Config"].get("Healthcheck") or {}).get("Retries") or 3)
    return f"health check {failed} of {retries} failed" if failed else "its health check has not passed yet"


def _exposes(raw: Mapping[str, Any]) -> bool:
    return bool(raw["Config"].get("ExposedPorts"))


def evidence(engine: EngineReader, container_id: str, raw: Mapping[str, Any]) -> tuple[str, ...]:
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
