"""A run that does not get to its end: interrupted, without an engine, without anybody who listens."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import Environment, interrupt, service

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.engine
SLOW_TO_STOP = ["sh", "-c", "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"]


def slow(**more: object) -> dict[str, object]:
    return service(command=SLOW_TO_STOP, stop_signal="SIGTERM", **more)


def until(holds: Callable[[], object]) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def stops(environment: Environment) -> int:
    assert environment.proxy is not None
    return sum(1 for request in environment.proxy.mutating if request.path.partition("?")[0].endswith("/stop"))


def test_an_interrupt_leaves_nothing_down(environment: Environment) -> None:
    names = ("one", "two", "three")
    environment.services(**{name: slow() for name in names})
    environment.apply()
    before = {name: environment.container(f"{name}-1").id for name in names}
    environment.services(**{name: slow(environment={"NEW": "1"}) for name in names})
    assert environment.proxy is not None
    environment.proxy.clear()
    process = environment.start("apply", "--yes")
    until(lambda: stops(environment))
    interrupt(process)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stdout + stderr
    assert "Taken back" in stdout
    assert "Down:" not in stdout
    now = {name: environment.container(f"{name}-1") for name in names}
    assert {name: one.id for name, one in now.items()} == before
    assert {one.status for one in now.values()} == {"running"}
    environment.apply()
    environment.require_inert()


def test_an_engine_that_is_lost_half_way(environment: Environment) -> None:
    environment.services(web=slow())
    environment.apply()
    environment.services(web=slow(environment={"NEW": "1"}))
    assert environment.proxy is not None
    environment.proxy.clear()
    lost = threading.Event()
    environment.proxy.fail(
        1, "eof-after", where=lambda request: request.path.endswith("/stop"), before=lambda _: lost.set()
    )
    environment.proxy.fail(1, "eof-before", where=lambda request: lost.is_set(), times=1_000_000)
    # A process of its own: its lease stays, and counts as left behind only once the process is gone.
    process = environment.start("apply", "--yes")
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 69, stdout + stderr
    assert "no Docker Engine answers" in stdout
    assert "service.web[1]: created" in stdout.partition("Done:")[2]
    assert "service.web[1]: stop" in stdout.partition("Not known")[2]
    assert "service.web[1]: " in stdout.partition("Not done:")[2]
    assert stdout.splitlines()[-1].startswith(f"{environment.project}: ok=")
    environment.proxy.clear()
    environment.apply()
    environment.require_inert()


@pytest.mark.parametrize("redirected", ["2>/dev/full", ">/dev/full", ">&- 2>&- <&-"])
def test_output_that_can_not_be_written_stops_nothing(environment: Environment, redirected: str) -> None:
    environment.services(web=service())
    words = " ".join(environment.arguments("apply", "--yes"))
    done = subprocess.run(
        ["sh", "-c", f"exec {words} {redirected}"], cwd=environment.folder, env=environment.surroundings(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
    assert "defect" not in done.stdout + done.stderr
    assert environment.container("web-1").status == "running"
    if redirected == ">/dev/full":
        assert "The result could not be written to standard output: No space left on device." in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_the_question_ends_at_once(environment: Environment, number: signal.Signals) -> None:
    environment.services(web=service())
    terminal, other = pty.openpty()
    told = environment.folder / "told"
    with told.open("w") as stderr:
        process = subprocess.Popen(
            environment.arguments("apply"), cwd=environment.folder, env=environment.surroundings(), text=True,
            stdin=other, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: "[y/N]" in told.read_text())
        os.killpg(process.pid, number)
        assert process.wait(10) == 130
    finally:
        process.kill()
        os.close(terminal)
        os.close(other)
    assert environment.proxy is not None
    assert environment.proxy.mutating == []


def test_a_plan_that_gets_no_answer_ends_at_once(environment: Environment) -> None:
    environment.services(web=service())
    assert environment.proxy is not None
    environment.proxy.fail(1, "hang", where=lambda request: request.path.endswith("/info"), times=100)
    process = environment.start("plan")
    until(lambda: environment.proxy and environment.proxy.requests)
    time.sleep(0.3)
    interrupt(process)
    process.communicate(timeout=5)
    assert process.returncode == 130


@pytest.mark.parametrize("then", ["/containers/create", "/start"])
def test_a_run_that_was_suspended_and_lost_its_lease_changes_nothing_any_more(
    environment: Environment, then: str
) -> None:
    """As a lid that is closed does it: its lease is taken away, another apply is made, and it goes on. After the start
    of a container it only waits for what was removed meanwhile: the lost lease is told as the reason there too.
    """
    environment.services(one=service(), two=service())
    environment.apply()
    assert environment.proxy is not None
    environment.services(**{name: service(environment={"NEW": "1"}) for name in ("one", "two")})
    environment.proxy.clear()
    asleep = threading.Event()
    sleeper: list[subprocess.Popen[str]] = []

    def suspend(request: object) -> None:
        sleeper[0].send_signal(signal.SIGSTOP)
        asleep.set()

    environment.proxy.fail(
        1, where=lambda request: request.path.endswith(then) and (b"NEW" in request.body or then == "/start"),
        after=suspend,
    )  # fmt: skip
    sleeper.append(environment.start("apply", "--yes"))
    assert asleep.wait(30)
    other = replace(environment, proxy=None)
    try:
        assert other.run("lock", "release", "--yes").code == 75
        released = other.run("lock", "release", "--force", "--yes")
        assert released.code == 0, released
        other.services(**{name: service(environment={"NEW": "2"}) for name in ("one", "two")})
        other.apply()
        before = other.inventory()
        environment.proxy.clear()
    finally:
        sleeper[0].send_signal(signal.SIGCONT)
    stdout, stderr = sleeper[0].communicate(timeout=60)
    assert sleeper[0].returncode == 75, stdout + stderr
    assert "was taken over while this run stood still" in stdout + stderr
    # A beat of the lease, and giving it back: it is not there.
    assert {one.status for one in environment.proxy.mutating} <= {404}
    assert other.inventory() == before
    other.apply()
