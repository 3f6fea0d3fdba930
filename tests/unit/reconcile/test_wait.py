"""When a container is ready, and what a wait that ends badly says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.engines.memory import MemoryEngine
from provisioner.errors import StepFailed
from provisioner.model.operation import Goal, Wait
from provisioner.model.state import Runtime
from provisioner.reconcile.wait import pause, readiness, steadiness, wait

if TYPE_CHECKING:
    from collections.abc import Callable

RUNNING = Runtime("running")


@pytest.mark.parametrize(
    ("goal", "state", "has_check", "running_for", "goes_on", "expected"),
    [
        (Goal.READY, RUNNING, False, 0.5, False, (False, False)),
        (Goal.READY, RUNNING, False, 1.5, False, (True, True)),
        (Goal.READY, Runtime("running", health="starting"), True, 9, False, (False, False)),
        (Goal.READY, Runtime("running", health="healthy"), True, 0, False, (True, True)),
        (Goal.READY, Runtime("running", health="unhealthy"), True, 9, False, (True, False)),
        (Goal.READY, Runtime("running", health="unhealthy"), True, 9, True, (False, False)),
        (Goal.READY, Runtime("running", health="healthy"), True, 9, True, (True, True)),
        (Goal.READY, Runtime("exited", exit_code=0), False, 0, False, (True, False)),
        (Goal.READY, Runtime("exited", exit_code=0), False, 0, True, (True, False)),
        (Goal.READY, Runtime("restarting", restarts=2), False, 0, False, (True, False)),
        (Goal.READY, Runtime("restarting", restarts=2), False, 0, True, (True, False)),
        (Goal.HEALTHY, RUNNING, False, 9, False, (True, False)),
        (Goal.HEALTHY, RUNNING, False, 9, True, (True, False)),
        (Goal.HEALTHY, Runtime("running", health="unhealthy"), True, 9, False, (True, False)),
        (Goal.HEALTHY, Runtime("running", health="unhealthy"), True, 9, True, (False, False)),
        (Goal.COMPLETED, RUNNING, False, 9, False, (False, False)),
        (Goal.COMPLETED, Runtime("exited", exit_code=0), False, 0, False, (True, True)),
        (Goal.COMPLETED, Runtime("exited", exit_code=3), False, 0, False, (True, False)),
    ],
)
def test_readiness(
    goal: Goal, state: Runtime, has_check: bool, running_for: float, goes_on: bool, expected: tuple[bool, bool]
) -> None:
    answer = readiness(goal, state, has_check=has_check, running_for=running_for, goes_on=goes_on)
    assert (answer.done, answer.ok) == expected
    assert answer.message


class Ticking:
    """A clock on which a tenth of a second passes with every look."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        self._now += 0.1
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def _wait(
    engine: MemoryEngine, container: str, goal: str, timeout: float = 60, *, goes_on: bool = False, clock: Any = None
) -> list[str]:
    said: list[str] = []
    what = Wait(Goal(goal), timeout, goes_on=goes_on)
    wait(engine, container, what, clock=clock or Ticking(), progress=said.append, stopped=lambda: False)
    return said


def _container(engine: MemoryEngine, **body: object) -> str:
    engine.add_image("app")
    identity = engine.create("container", "app", {"Image": "app", "Labels": {}, **body})
    engine.start(identity)
    return identity


def test_a_wait_says_once_what_it_waits_for() -> None:
    engine = MemoryEngine()
    assert _wait(engine, _container(engine), "ready") == ["it is to run for 1 s"]


def test_a_wait_ends_when_nothing_comes_of_it() -> None:
    engine = MemoryEngine()
    container = _container(engine, Healthcheck={"Test": ["CMD", "false"]})
    with pytest.raises(StepFailed) as failed:
        _wait(engine, container, "ready", timeout=5, goes_on=True)
    assert failed.value.message == "not ready after 5 s: its health check fails"


def test_a_job_that_failed() -> None:
    engine = MemoryEngine()
    with pytest.raises(StepFailed) as failed:
        _wait(engine, _container(engine, Cmd=["exit", "4"]), "completed")
    assert failed.value.message == "it exited with code 4"


def test_one_that_is_taken_away_meanwhile() -> None:
    with pytest.raises(StepFailed, match="removed"):
        _wait(MemoryEngine(), "gone", "ready")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (Runtime("running", started_at="1"), None),
        (Runtime("exited", exit_code=3, started_at="1"), "exited with code 3"),
        (Runtime("running", started_at="2"), "restarted"),
        (Runtime("running", restarts=1, started_at="1"), "restarted"),
        (Runtime("running", health="unhealthy", started_at="1"), "health check failed"),
    ],
)
def test_steadiness(state: Runtime, said: str | None) -> None:
    answer = steadiness(Runtime("running", started_at="1"), state)
    assert (answer.done, answer.ok) == (said is not None, said is None)
    assert said is None or said in answer.message


class Striking(Ticking):
    """Something happens while somebody sleeps."""

    def __init__(self, strike: Callable[[], None]) -> None:
        super().__init__()
        self._strike = strike

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self._now > 3:
            self._strike()


@pytest.mark.parametrize("goal", ["ready", "healthy"])
def test_a_verdict_from_before_is_followed_by_another(goal: str) -> None:
    engine = MemoryEngine()
    container = _container(engine, Healthcheck={"Test": ["CMD", "false"]})
    with pytest.raises(StepFailed, match=r"^its health check fails$"):
        _wait(engine, container, goal)
    _wait(engine, container, goal, goes_on=True, clock=Striking(lambda: engine.set_health(container, "healthy")))


def _watch(engine: MemoryEngine, container: str, clock: Ticking) -> None:
    goal = Wait(Goal.STAYS_READY, 5)
    wait(engine, container, goal, clock=clock, progress=lambda text: None, stopped=lambda: False)


def test_one_that_is_watched_and_ends_has_failed() -> None:
    engine = MemoryEngine()
    container = _container(engine)
    clock = Striking(lambda: engine.stop(container))
    with pytest.raises(StepFailed, match="it was ready, and then exited with code 137"):
        _watch(engine, container, clock)
    assert 3 < clock.now() < 5


def test_one_that_is_watched_long_enough_is_proven() -> None:
    engine, clock = MemoryEngine(), Ticking()
    _watch(engine, _container(engine), clock)
    assert 5 <= clock.now() < 6


def test_a_pause_lasts_as_long_as_it_says_or_until_nobody_waits() -> None:
    clock, said = Ticking(), []
    pause(7, clock=clock, progress=said.append, stopped=lambda: False)
    assert 7 <= clock.now() < 8
    assert said == ["waiting 7 s before the next are replaced"]
    began = clock.now()
    pause(7, clock=clock, progress=said.append, stopped=lambda: True)
    assert clock.now() - began < 1


@pytest.mark.parametrize("status", ["exited", "restarting"])
def test_want_of_memory_is_said_of_what_ended_for_it(status: str) -> None:
    goals = (Goal.READY, Goal.COMPLETED) if status == "exited" else (Goal.READY,)
    for goal in goals:
        state = Runtime(status, exit_code=137, restarts=1, oom_killed=True)
        found = readiness(goal, state, has_check=False, running_for=0)
        assert (found.ok, "killed for want of memory" in found.message) == (False, True), found
