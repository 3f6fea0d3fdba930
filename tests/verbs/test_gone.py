"""What is joined or followed goes away: a container, its engine, the terminal of whoever looks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from typing import TYPE_CHECKING, Any

import docker
import pytest

from tests.verbs.conftest import IMAGE, TICKS, OnEngine, Verbs, service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine_in_container import Engines

pytestmark = pytest.mark.engine


class Told:
    """What a command in the background says on both streams, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._threads = [
            threading.Thread(target=self._read, args=(one,), daemon=True) for one in (process.stdout, process.stderr)
        ]
        for each in self._threads:
            each.start()

    def _read(self, stream: Any) -> None:
        with stream:
            for line in stream:
                self.lines.append(line)

    def until(self, text: str, *, after: int = 0) -> int:
        """How many lines there were once one of those after `after` has the text in it."""
        deadline = time.monotonic() + 60
        while True:
            seen = list(self.lines)
            if any(text in line for line in seen[after:]):
                return len(seen)
            assert time.monotonic() < deadline, (text, seen)
            assert self.process.poll() is None, (text, seen)
            time.sleep(0.05)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for each in self._threads:
            each.join()

    def end(self) -> int:
        """The exit code after an interrupt."""
        os.kill(self.process.pid, signal.SIGINT)
        return self.process.wait(30)


@contextlib.contextmanager
def background(environment: Any, *words: str) -> Iterator[Told]:
    told = Told(environment.start(*words))
    try:
        yield told
    finally:
        told.close()


def test_a_container_that_goes_while_it_is_joined_and_followed(standing: Verbs) -> None:
    environment = standing.environment
    [container] = standing.containers("ticks")
    with (
        background(environment, "logs", "-f", "--tail", "1", "ticks") as followed,
        background(environment, "attach", "--no-stdin", "ticks") as joined,
        background(environment, "exec", "-T", "ticks", *TICKS) as inside,
    ):
        for one in (followed, joined, inside):
            one.until("tick")
        environment.engine.api.remove_container(container.id, force=True)
        # Killed: 128 and the number of the signal.
        assert joined.process.wait(30) == 137, joined.lines
        # An engine from 28 on has no code of a command whose container is gone, and says none.
        assert inside.process.wait(30) in (1, 137), inside.lines
        if standing.swarm:
            # It starts another one in its own time.
            followed.until("tick", after=followed.until("is followed now"))
            environment.run("stop", "ticks")
        assert followed.process.wait(60) == 0, followed.lines
        assert not any("Traceback" in line for one in (followed, joined, inside) for line in one.lines)
    # As it was for whoever comes next.
    environment.apply()


def test_a_copy_that_breaks_off_is_no_copy(standing: Verbs) -> None:
    environment = standing.environment
    [container] = standing.containers("web")
    assert container.exec_run(["dd", "if=/dev/zero", "of=/big", "bs=1M", "count=8"]).exit_code == 0
    assert environment.proxy is not None
    environment.proxy.fail(1, "cut-body", where=lambda request: "/archive" in str(request) and request.method == "GET")
    here = environment.folder / "broken-off"
    here.write_text("before\n")
    names = {one.name for one in environment.folder.iterdir()}
    done = environment.run("cp", "web:/big", "broken-off")
    assert done.code == 69, done
    assert "broke off its answer" in done.stderr, done
    assert here.read_text() == "before\n"
    assert {one.name for one in environment.folder.iterdir()} == names
    assert environment.run("cp", "web:/big", "broken-off").code == 0
    assert here.stat().st_size == 8 << 20


def test_an_engine_that_restarts_is_waited_for(engines: Engines, tmp_path: Path) -> None:
    """By all that goes on until Ctrl-C at once: each says that it is away and that it is there again, and goes on."""
    machine = engines.start("28.5")
    with contextlib.closing(docker.DockerClient(base_url=machine.url, timeout=120)) as client:
        client.images.pull(IMAGE)
        environment = OnEngine(tmp_path, "pt-restarted", client, machine.url)
        environment.services(web=service(command=TICKS, restart="always"))
        environment.apply()
        with (
            background(environment, "events", "web") as events,
            background(environment, "logs", "-f", "--tail", "0", "web") as logs,
            background(environment, "status", "--watch") as status,
        ):
            logs.until("tick")
            status.until("All is well")
            machine.kill()
            away = [events.until("does not answer"), logs.until("goes on when"), status.until("Trying again")]
            machine.start()
            events.until("answers again", after=away[0] - 1)
            events.until(" container start ", after=away[0] - 1)
            again = logs.until("answers again", after=away[1] - 1)
            logs.until("tick", after=again)
            again = status.until("answers again", after=away[2] - 1)
            status.until("All is well", after=again)
            assert [one.end() for one in (events, logs, status)] == [130, 130, 130]
            with background(environment, "stats", "web") as stats:
                stats.until("%")
                assert stats.end() == 130
            # Who ends it knows that, and is told of no error.
            assert [line for line in (*events.lines, *logs.lines, *stats.lines) if "Error" in line] == []
        made = environment.run("engine", "init", "--advertise-addr", machine.address)
        assert made.code == 0, made
        assert client.info()["Swarm"]["NodeAddr"] == machine.address
        assert f"{machine.address}:2377" in [one["Addr"] for one in client.info()["Swarm"]["RemoteManagers"]]


@contextlib.contextmanager
def on_a_terminal(environment: Any, *words: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A command whose terminal is ours: the end that we hold, and its process."""
    outer, inner = pty.openpty()
    fcntl.ioctl(outer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *environment.arguments(*words)], cwd=environment.folder,
        env={**environment.surroundings(), "TERM": "xterm"}, stdin=inner, stdout=inner, stderr=inner,
    )  # fmt: skip
    os.close(inner)
    try:
        yield outer, process
    finally:
        process.kill()
        process.wait()
        os.close(outer)


def _hang_up(terminal: int) -> None:
    """Close our end, and keep its number: another file could get it, and be closed in its place at the end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, terminal)
    os.close(nothing)


def _until_shown(terminal: int, mark: bytes, *, typed: bytes = b"") -> bytes:
    """What comes from a terminal until the mark; typed again every second, since nothing may be joined to it yet."""
    found, deadline = b"", time.monotonic() + 60
    while mark not in found:
        assert time.monotonic() < deadline, found
        if typed:
            os.write(terminal, typed)
        while mark not in found and select.select([terminal], [], [], 1.0)[0]:
            found += os.read(terminal, 4096)
    return found


def test_a_terminal_that_is_resized_and_then_closed(standing: Verbs) -> None:
    environment = standing.environment
    [container] = standing.containers("web")
    # What is run has the size from its beginning, without being resized.
    with on_a_terminal(environment, "run", "--rm", "--no-deps", "web", "sh") as (terminal, process):
        _until_shown(terminal, b"24 80", typed=b"stty size\r")
        os.write(terminal, b"exit 3\r")
        assert process.wait(30) == 3
    with on_a_terminal(environment, "exec", "web", "sh") as (terminal, process):
        _until_shown(terminal, b"24 80", typed=b"stty size\r")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
        _until_shown(terminal, b"33 111", typed=b"stty size\r")
        _hang_up(terminal)
        process.wait(30)
    for words, mark in ((["status", "--watch", "web"], b"All is well"), (["ps", "--watch"], b"service.web")):
        with on_a_terminal(environment, *words) as (terminal, process):
            _until_shown(terminal, mark)
            # It is drawn anew at once.
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
            _until_shown(terminal, mark)
            _hang_up(terminal)
            process.wait(30)
    with on_a_terminal(environment, "logs", "-f", "web") as (terminal, process):
        time.sleep(1.0)
        _hang_up(terminal)
        process.wait(30)
    container.reload()
    assert container.status == "running"


@pytest.mark.parametrize("verb", ["exec -T", "run --rm -T --no-deps"])
def test_output_that_nobody_takes_is_no_fault_of_the_engine(standing: Verbs, verb: str) -> None:
    environment = standing.environment
    words = " ".join(environment.arguments(*verb.split(), "web", "seq", "1", "300000"))
    for redirected, code, first, told in (
        ("| head -1", 0, "1\n", ""),
        ("> /dev/full", 1, "", "standard output: No space left on device"),
    ):
        done = subprocess.run(
            ["bash", "-c", f"{words} {redirected}; exit ${{PIPESTATUS[0]}}"], cwd=environment.folder,
            env=environment.surroundings(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (code, first), done
        assert told in done.stderr
        assert "Engine" not in done.stderr
        assert bool(done.stderr) == bool(told), done
    assert standing.one_offs() == []
