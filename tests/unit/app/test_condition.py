"""What is said of health: a Swarm ends the tasks that are not healthy, and an engine tells it of what is stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from provisioner.app import condition as condition_module
from provisioner.app.condition import Condition, condition_of, health_results, last_words, with_last_words
from provisioner.model.address import Address
from provisioner.model.state import Facts, Observed, Runtime

if TYPE_CHECKING:
    from provisioner.ports import EngineReader

WEB = Observed(address=Address("service", "web"), kind="service", id="web", name="web", spec={})


def task(at: str, container: str) -> dict[str, Any]:
    return {"Status": {"Timestamp": at, "ContainerStatus": {"ContainerID": container}}}


def container(*results: tuple[int, str]) -> dict[str, Any]:
    log = [{"End": "2026-01-31T18:04:00Z", "ExitCode": code, "Output": output} for code, output in results]
    return {"State": {"Health": {"Log": log}}}


def at(second: float) -> str:
    return f"2026-01-31T18:04:{second:09.6f}Z"


class Manager:
    """Tells tasks and the containers of this node."""

    api_version = (1, 44)

    def __init__(self, tasks: list[dict[str, Any]], **containers: dict[str, Any]) -> None:
        self._tasks = tasks
        self._containers = containers

    def tasks(self, identity: str, *, current: bool = False) -> list[dict[str, Any]]:
        return self._tasks

    def inspect(self, kind: str, identity: str) -> dict[str, Any] | None:
        return self._containers.get(identity)

    def facts(self) -> Facts:
        return Facts(api_version=self.api_version)

    def logs(self, identity: str, **how: Any) -> list[bytes]:
        return [b"served\n"]


class Written:
    """A container that wrote lines at certain times (seconds)."""

    def __init__(self, *lines: tuple[float, str]) -> None:
        self._lines = lines

    def logs(self, identity: str, *, timestamps: bool = False, **how: Any) -> list[bytes]:
        return [(f"{at(then)} " if timestamps else "").encode() + text.encode() + b"\n" for then, text in self._lines]


def said(manager: Manager) -> str:
    reader = cast("EngineReader", manager)
    return with_last_words(Condition("0/1 running", trouble="0 of 1 tasks run"), WEB, reader, lambda text: text).trouble


def test_the_newest_task_that_has_any_tells_the_results_of_its_health_check() -> None:
    tasks = [task("1", "old"), task("3", "starting"), task("2", "failed"), task("4", "")]
    manager = Manager(
        tasks, old=container((1, "another day")), failed=container((0, "ok"), (1, "warned\nthe disk is full\n")),
        starting=container(),
    )  # fmt: skip
    found = health_results(cast("EngineReader", manager), WEB)
    assert [(one.exit_code, one.output) for one in found] == [(0, "ok"), (1, "warned\nthe disk is full")]
    assert said(manager) == "0 of 1 tasks run: the disk is full"


def test_without_a_failed_check_it_is_what_was_written_last() -> None:
    assert said(Manager([task("1", "elsewhere")])) == "0 of 1 tasks run: served"
    assert said(Manager([task("1", "here")], here=container((0, "ok")))) == "0 of 1 tasks run: served"


@pytest.mark.parametrize(("status", "shown"), [("running", "unhealthy"), ("paused", "unhealthy"), ("exited", "")])
def test_a_health_check_tells_nothing_of_what_does_not_run(status: str, shown: str) -> None:
    """An engine says "unhealthy" of a container with a health check that is stopped."""
    found = replace(WEB, kind="container", runtime=Runtime(status, health="unhealthy"))
    assert condition_of(found, None, cast("EngineReader", Manager([]))).health == shown


@pytest.mark.parametrize(("api_version", "since"), [((1, 42), ""), ((1, 43), "2026-01-31T18:04:00Z")])
def test_since_when_a_volume_is_there_is_said_where_it_is_known(api_version: tuple[int, int], since: str) -> None:
    engine = Manager([])
    engine.api_version = api_version
    found = replace(WEB, address=Address("volume", "data"), kind="volume", created="2026-01-31T18:04:00Z")
    assert condition_of(found, None, cast("EngineReader", engine)).since == since


def test_the_last_words_of_one_that_was_begun_again_are_those_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says first was written before the engine says that it was started."""
    written = Written((1, "boot"), (3, "no DATABASE_URL"), (4.9, "boot"))
    monkeypatch.setattr(condition_module, "datetime", _At)
    state = Runtime("running", started_at=at(5), finished_at=at(3.1), restarts=1)
    found = replace(WEB, kind="container", runtime=state)
    assert [one.lines[-1] for one in last_words(cast("EngineReader", written), found, 3)] == ["no DATABASE_URL"]
    # Between two runs it is what was written last, and so it is of one that has run for long.
    for other in (replace(state, status="restarting"), replace(state, restarts=0)):
        [said] = last_words(cast("EngineReader", written), replace(found, runtime=other), 3)
        assert said.lines == ("boot", "no DATABASE_URL", "boot")


class _At(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime(2026, 1, 31, 18, 4, 6, tzinfo=tz)


def test_a_service_runs_since_its_newest_task_does_and_a_network_of_a_swarm_has_no_time() -> None:
    def running(second: float, state: str = "running") -> dict[str, Any]:
        return {"DesiredState": "running", "Slot": second, "Status": {"State": state, "Timestamp": at(second)}}

    found = replace(WEB, created=at(0), base={"Mode": {"Replicated": {"Replicas": 2}}})
    manager = Manager([running(3), running(2), running(4, "starting")])
    assert condition_of(found, None, cast("EngineReader", manager)).since == at(3)
    assert condition_of(found, None, cast("EngineReader", Manager([running(4, "starting")]))).since == ""
    network = replace(WEB, kind="network", created=at(0), spec={"driver": "overlay"})
    assert condition_of(network, None, cast("EngineReader", manager)).since == ""
    assert condition_of(replace(network, spec={"driver": "bridge"}), None, cast("EngineReader", manager)).since == at(0)
