"""Plays are carried out in their order; what fails or is interrupted keeps those after it from being started."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.apply import ApplyResult
from provisioner.app.apply_plays import PlayRun, PlaysResult, carry_out_runs
from provisioner.errors import LeaseHeld
from provisioner.model.address import Address
from provisioner.model.play import PlayPlan, PlayResult
from provisioner.model.report import Report
from provisioner.model.verification import CheckResult
from tests.unit.render.examples import DONE, FULL, NOTHING, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioner.model.event import Event
    from provisioner.ports import Listener


class Flag:
    """An interrupt that is set by hand."""

    def __init__(self) -> None:
        self.asked = False

    def is_set(self) -> bool:
        return self.asked

    def wait(self, seconds: float) -> bool:
        return self.asked

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def open_listener(play: PlayPlan) -> Iterator[Listener]:
    yield nobody


def nobody(event: Event) -> None:
    """Quiet."""


def done(listener: Listener) -> ApplyResult:
    return ApplyResult(FULL, DONE)


def unverified(listener: Listener) -> ApplyResult:
    return ApplyResult(FULL, DONE, (CheckResult("it answers", ok=False, message="no", seconds=0.1, attempts=1),))


def held(listener: Listener) -> ApplyResult:
    raise LeaseHeld("another apply holds the lease")


def run(
    *acts: Callable[[Listener], ApplyResult], interrupt: Flag | None = None, parallel: bool = False
) -> tuple[PlayResult, ...]:
    runs = [PlayRun(PlayPlan(f"Play {number}", FULL), act) for number, act in enumerate(acts, 1)]
    told: list[PlayResult] = []
    results = carry_out_runs(runs, open_listener, told.append, interrupt or Flag(), parallel=parallel)
    assert sorted(told, key=lambda result: result.name) == sorted(results, key=lambda result: result.name)
    return results


def states(results: tuple[PlayResult, ...]) -> list[tuple[str, int]]:
    return [(result.state, result.exit_code) for result in results]


def test_all_go_well() -> None:
    results = run(done, done)
    assert states(results) == [("done", 0), ("done", 0)]
    assert PlaysResult((), results).exit_code == 0


def test_a_play_whose_checks_fail_stops_those_after_it() -> None:
    results = run(done, unverified, done)
    assert states(results) == [("done", 0), ("failed", 1), ("not_started", 0)]
    assert results[2].because == "the play 'Play 2' failed"
    assert PlaysResult((), results).exit_code == 1


def test_an_error_of_a_play_gives_the_exit_code() -> None:
    results = run(done, held, unverified)
    assert states(results) == [("done", 0), ("failed", 75), ("not_started", 0)]
    assert PlaysResult((), results).exit_code == 75


def test_a_secret_that_can_not_be_compared_stops_nobody() -> None:
    blind = replace(FULL, incomparable=(Address("secret", "token"),))
    results = run(lambda listener: ApplyResult(blind, DONE), done)
    assert states(results) == [("done", 77), ("done", 0)]
    assert PlaysResult((), results).exit_code == 77


def test_beside_each_other_nobody_waits_and_the_first_that_failed_counts() -> None:
    ready = threading.Barrier(3, timeout=5)

    def together(act: Callable[[Listener], ApplyResult]) -> Callable[[Listener], ApplyResult]:
        def meet(listener: Listener) -> ApplyResult:
            ready.wait()
            return act(listener)

        return meet

    results = run(together(done), together(held), together(unverified), parallel=True)
    assert states(results) == [("done", 0), ("failed", 75), ("failed", 1)]
    assert PlaysResult((), results).exit_code == 75


def test_after_an_interrupt_no_other_play_is_started() -> None:
    flag = Flag()

    def interrupted(listener: Listener) -> ApplyResult:
        flag.asked = True
        return ApplyResult(FULL, Report(FULL, (), 0.1, interrupted=True))

    results = run(done, interrupted, done, interrupt=flag)
    assert states(results) == [("done", 0), ("interrupted", 130), ("not_started", 130)]
    assert PlaysResult((), results).exit_code == 130


def test_an_interrupt_between_two_plays() -> None:
    flag = Flag()

    def ask(listener: Listener) -> ApplyResult:
        flag.asked = True
        return ApplyResult(FULL, DONE)

    results = run(ask, done, interrupt=flag)
    assert states(results) == [("done", 0), ("not_started", 130)]
    assert PlaysResult((), results).exit_code == 130


def test_a_refused_plan_is_a_failure() -> None:
    assert PlaysResult((PlayPlan("a", NOTHING), PlayPlan("b", REFUSED))).exit_code == 1
