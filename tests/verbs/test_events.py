"""`events`: what has happened and what happens, also after the engine was away."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.verbs.conftest import Verbs

pytestmark = pytest.mark.engine


def test_what_has_happened(standing: Verbs) -> None:
    environment = standing.environment
    began, told = _restarted(standing)
    assert {one["service"] for one in told} == {"web"}
    assert not [one for one in told if "-run-" in one["attributes"].get("name", "")]
    [container] = standing.containers("web")
    assert container.id in {one["id"] for one in told if (one["type"], one["action"]) == ("container", "start")}
    everything = environment.run("events", "--since", began, "--until", "0s")
    assert " container " in everything.stdout
    assert environment.run("events", "--since", "1h", "--until", "50m").stdout == ""
    wrong = environment.run("events", "wep")
    assert wrong.code == 64
    assert "did you mean 'web'?" in wrong.stderr
    assert environment.run("events", "--since", "now and then").code == 64


def _restarted(verbs: Verbs) -> tuple[str, list[dict[str, Any]]]:
    """A time, and what is told of a service that was run once and started again since then.

    An engine keeps its last 256 events (daemon/events/events.go), whoever they are of: on a busy one they are gone
    within seconds, and it is done once more.
    """
    environment = verbs.environment
    for _ in range(5):
        began = str(int(time.time()) - 1)
        assert environment.run("run", "--rm", "-T", "web", "true").code == 0
        assert environment.run("restart", "web").code == 0
        happened = environment.run("events", "--since", began, "--until", "0s", "--json", "web")
        assert happened.code == 0, happened
        told = [json.loads(line) for line in happened.stdout.splitlines()]
        if ("container", "start") in {(one["type"], one["action"]) for one in told}:
            return began, told
    raise AssertionError("the start is not told of")


def test_what_happens_is_told_at_once_also_when_the_engine_was_away(standing: Verbs) -> None:
    environment = standing.environment
    assert environment.proxy is not None
    environment.proxy.fail(1, "eof-before", where=lambda request: "/events" in str(request))
    following = environment.start("events", "--json", "web")
    try:
        assert following.stderr is not None
        assert "does not answer" in following.stderr.readline()
        assert "answers again" in following.stderr.readline()
        assert environment.run("restart", "other", "web").code == 0
        told = list(_until_start(following))
        os.kill(following.pid, signal.SIGINT)
        assert following.wait(30) == 130
    finally:
        following.kill()
        following.communicate()
    assert {one["service"] for one in told} == {"web"}


def _until_start(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What is told until a container was started. Ends with an error where that is never told."""
    assert process.stdout is not None
    began: tuple[str, str] = ("", "")
    while began != ("container", "start"):
        told: dict[str, Any] = json.loads(process.stdout.readline())
        began = (told["type"], told["action"])
        yield told
