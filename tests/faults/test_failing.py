"""An error, a lost or cut answer, or none, at any change: bounded repeats, the truth, and the next run mends."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from provisioner.engines.connect import Endpoint
from provisioner.engines.docker_api import connect
from provisioner.errors import EngineRefused
from tests.faults.story import QUARTERS, Story, every_fourth, failing, first, second, sweep

if TYPE_CHECKING:
    from tests.engine.decoys import Decoys
    from tests.engine.environment import Environment
    from tests.recording_proxy import RecordingProxy

pytestmark = pytest.mark.engine

PARTS = ("create", "update", "destroy")
MODES = ("status:500", "eof-after", "status:409", "eof-before", "status:404", "cut-body", "status:503")
HANGING = ("hang", "hang-after")
# Seconds that one request may take where it is made to hang: more than any of the story's own needs.
DEADLINE = "6"


@pytest.mark.parametrize("part", PARTS)
def test_a_fault_now_and_then(part: str, environment: Environment, decoys: Decoys) -> None:
    """Every fifth request, the faults in turn."""
    story = Story(environment, left_alone=environment.objects())
    modes = itertools.cycle(MODES)
    strikes = ((at, failing(environment, at, next(modes))) for at in itertools.count(1 + PARTS.index(part), step=5))
    assert sweep(getattr(story, part), strikes) >= 2


@pytest.mark.parametrize("mode", HANGING)
def test_an_engine_that_does_not_answer(mode: str, environment: Environment) -> None:
    story = Story(environment)
    assert story.create(failing(environment, 7, mode, PROVISION_ENGINE_TIMEOUT=DEADLINE))


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("first", QUARTERS)
def test_a_fault_anywhere(first: int, part: str, mode: str, environment: Environment, decoys: Decoys) -> None:
    story = Story(environment, left_alone=environment.objects())
    strikes = ((at, failing(environment, at, mode)) for at in every_fourth(first))
    assert sweep(getattr(story, part), strikes) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", HANGING)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("first", QUARTERS)
def test_no_answer_anywhere(first: int, part: str, mode: str, environment: Environment) -> None:
    story = Story(environment)
    strikes = ((at, failing(environment, at, mode, PROVISION_ENGINE_TIMEOUT=DEADLINE)) for at in every_fourth(first))
    assert sweep(getattr(story, part), strikes) >= 2


@pytest.mark.parametrize("mode", ["status:500", "eof-before", "cut-body"])
def test_a_read_that_fails_once_is_asked_again(mode: str, environment: Environment) -> None:
    environment.write({"services": {"web": {"image": "busybox:1.36", "command": ["sleep", "9"]}}})
    assert environment.proxy is not None
    for at in (3, 5, 7):
        environment.proxy.clear()
        fault = environment.proxy.fail(at, mode, where=lambda request: request.method == "GET")
        environment.plan()
        assert fault.seen >= at


@pytest.mark.parametrize("mode", ["hang", "hang-after", "eof-after", "status:500", "cut-body"])
def test_a_pull_that_breaks_off_is_asked_for_again(mode: str, recording_proxy: RecordingProxy) -> None:
    engine = connect(Endpoint(recording_proxy.url, "test"), timeout=5)
    recording_proxy.fail(1, mode)
    said: list[str] = []
    engine.pull("busybox:1.36", None, said.append)
    assert len(recording_proxy.mutating) == 2
    assert any("busybox:1.36" in line for line in said)


def test_a_pull_of_what_is_not_there(recording_proxy: RecordingProxy) -> None:
    engine = connect(Endpoint(recording_proxy.url, "test"))
    with pytest.raises(EngineRefused, match="image busybox:no-such-tag can not be pulled") as refused:
        engine.pull("busybox:no-such-tag", None, lambda text: None)
    assert "docker login" in str(refused.value.hint)


def test_not_found_is_not_taken_for_removed(environment: Environment) -> None:
    """Containers, networks, volumes, the lease: each is there after the answer, and is asked for again."""
    environment.write(first(environment))
    environment.apply()
    environment.deny_removals()
    environment.write(second(environment))
    environment.apply()
    assert environment.plan()["changes"] == []
    environment.deny_removals()
    environment.destroy("--volumes", "--history")
    assert environment.objects() == set()


def test_what_is_shown_to_the_end_is_not_called_removed(environment: Environment) -> None:
    environment.write(first(environment))
    environment.apply()
    environment.deny_removals(always="networks")
    done = environment.destroy(code=1)
    assert "goes on showing it: it is not removed" in done.errors
    assert {f"network {environment.project}_{name}" for name in ("front", "back")} & environment.objects()
    assert environment.proxy is not None
    environment.proxy.clear()
    environment.destroy("--volumes", "--history")
    assert environment.objects() == set()


def test_a_job_whose_start_got_no_answer_runs_once(environment: Environment) -> None:
    counter = {"image": "busybox:1.36", "command": ["sh", "-c", "echo run >> /data/runs"], "volumes": ["data:/data"]}
    reader = {"image": "busybox:1.36", "command": ["sleep", "infinity"], "volumes": ["data:/data"], "init": True}
    environment.write(
        {"services": {"counter": {**counter, "job": {"run": "on_change"}}, "reader": reader}, "volumes": {"data": {}}}
    )
    assert environment.proxy is not None
    counters: set[str] = set()

    def starts_the_job(request: object) -> bool:
        path = getattr(request, "path", "")
        if path.endswith("/start") and not counters:
            identity = path.split("/")[2]
            name = environment.engine.api.inspect_container(identity)["Name"]
            if "counter" in name:
                counters.add(identity)
                return True
        return False

    environment.proxy.fail(1, "eof-after", where=starts_the_job)
    environment.apply()
    assert counters
    assert environment.container("reader-1").exec_run(["cat", "/data/runs"]).output == b"run\n"
