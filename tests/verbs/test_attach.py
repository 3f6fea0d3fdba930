"""`attach`: joined to what runs, with its input, its end, signals, and a terminal that is left again."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.verbs.conftest import Verbs, service

pytestmark = pytest.mark.engine

REPEATS = ["sh", "-c", 'while read said; do echo "got $$said"; [ "$$said" != end ] || exit 7; done']
_TRAPS = "trap 'echo bye; exit 5' INT; trap 'echo bye; exit 6' TERM; trap 'echo bye; exit 7' HUP"
TICKS = ["sh", "-c", f"{_TRAPS}; while :; do echo tick; sleep 0.2; done"]


def once(verbs: Verbs, **more: Any) -> dict[str, Any]:
    """A service that is not started again."""
    found = service(restart="no", **more)
    if verbs.swarm:
        found["deploy"] = {**found["deploy"], "restart_policy": {"condition": "none"}}
    return found


@pytest.fixture(scope="module")
def joined_by(module: Verbs) -> Verbs:
    """What reads, what says something all the time, what has a terminal, and what only is there; each for one test."""
    module.environment.services(
        web=once(module, command=REPEATS, stdin_open=True), ticks=once(module, command=TICKS), other=service(),
        ends=once(module, command=TICKS), hangs=once(module, command=TICKS),
        screen=once(module, command=REPEATS, stdin_open=True, tty=True),
    )  # fmt: skip
    module.environment.apply()
    return module


def test_input_goes_in_and_the_exit_code_comes_out(joined_by: Verbs) -> None:
    environment = joined_by.environment
    done = subprocess.run(
        environment.arguments("attach", "web"), cwd=environment.folder, env=environment.surroundings(),
        input="hello\nend\n", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (7, "got hello\ngot end\n"), done
    ended = environment.run("attach", "web")
    assert ended.code == 1
    assert "is not running" in ended.stderr
    assert environment.run("attach", "wep").code == 64
    assert environment.run("attach").code == 64
    # An engine joins what has ended as well, and would close the stream at the end of its next run.
    [container] = joined_by.containers("other")
    assert environment.proxy is not None
    environment.proxy.fail(
        1, where=lambda request: request.path.endswith("/attach"), before=lambda request: _kill(container)
    )
    killed = environment.run("attach", "other", timeout=30)
    assert killed.code == 137, killed


def _kill(container: Any) -> None:
    container.kill()
    container.wait()


def test_a_signal_is_handed_on_or_ends_only_the_attachment(joined_by: Verbs) -> None:
    environment = joined_by.environment
    no_terminal = environment.run("attach", "--detach-keys", "ctrl-x", "ticks")
    assert no_terminal.code == 64
    assert "has no terminal" in no_terminal.stderr
    for words, number, code in (
        (["--no-sig-proxy", "ticks"], signal.SIGINT, 130),
        (["ticks"], signal.SIGINT, 5),
        (["ends"], signal.SIGTERM, 6),
        (["hangs"], signal.SIGHUP, 7),
    ):
        joined = environment.start("attach", *words)
        try:
            assert joined.stdout is not None
            assert joined.stdout.readline() == "tick\n"
            os.kill(joined.pid, number)
            rest, said = joined.communicate(timeout=30)
        finally:
            joined.kill()
        assert joined.returncode == code, said
        assert ("bye" in rest) == (code != 130)
        if code == 130:
            assert len(joined_by.containers("ticks")) == 1


def test_a_terminal_is_left_with_its_keys(joined_by: Verbs) -> None:
    environment = joined_by.environment
    [container] = joined_by.containers("screen")
    for words, keys in (([], b"\x10\x11"), (["--detach-keys", "ctrl-x"], b"\x18")):
        outer, inner = pty.openpty()
        joined = subprocess.Popen(
            environment.arguments("attach", *words, "screen"), cwd=environment.folder, env=environment.surroundings(),
            stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
        )  # fmt: skip
        os.close(inner)
        try:
            assert b"got hello" in _answer(outer, b"hello\r", b"got hello")
            os.write(outer, keys)
            assert joined.wait(30) == 0
        finally:
            joined.kill()
            os.close(outer)
        container.reload()
        assert container.status == "running"


def _answer(descriptor: int, typed: bytes, mark: bytes) -> bytes:
    """What comes from a terminal until the mark, for at most 30 s. Typed again while nothing is joined to it yet."""
    found, deadline = b"", time.monotonic() + 30
    while mark not in found and time.monotonic() < deadline:
        os.write(descriptor, typed)
        while mark not in found and select.select([descriptor], [], [], 1.0)[0]:
            found += os.read(descriptor, 4096)
    return found
