"""`events` with an engine that goes away, and beside an environment whose name begins alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.app import events as events_module
from provisioner.app.events import events
from provisioner.engines.memory import MemoryEngine
from provisioner.errors import Unreachable
from tests.unit.app.in_memory import InMemory, service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pytest

# The last nanosecond of a second.
LAST = 1_700_000_000_999_999_999


class Telling(MemoryEngine):
    """An engine that has something to tell, once before it goes away and then to the end."""

    def __init__(self, *told: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self._told = list(told)
        self.asked: list[str | None] = []

    def events(
        self, filters: Mapping[str, Sequence[str]], *, since: str | None = None, until: str | None = None
    ) -> Iterator[Mapping[str, Any]]:
        self.asked.append(since)
        yield from self._told.pop(0)
        if self._told:
            raise Unreachable("it is away")


def container(address: str, at: int, project: str = "shop", **more: str) -> dict[str, Any]:
    attributes = {"provisioner.environment": project, "provisioner.address": address, "image": "app:1", **more}
    return {"Type": "container", "Action": "start", "timeNano": at, "Actor": {"ID": "1", "Attributes": attributes}}


def of_swarm(kind: str, name: str) -> dict[str, Any]:
    key = "name" if kind == "service" else "com.docker.swarm.service.name"
    return {"Type": kind, "Action": "update", "timeNano": LAST, "Actor": {"ID": "1", "Attributes": {key: name}}}


def told(
    engine: Telling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *services: str
) -> tuple[list[str], list[str]]:
    """The addresses of what is told, and what is said of the engine."""
    shop = InMemory(tmp_path)
    shop.write({"name": "shop", "services": {"web": service(), "db": service()}})
    monkeypatch.setattr(events_module, "open_engine", lambda request, choice: engine)
    monkeypatch.setattr(events_module, "_AGAIN", 0.0)
    said: list[str] = []
    found = list(events(shop.request(), services, since=None, until="1800000000", lost=said.append))
    return [str(one.address) for one in found], said


def test_nothing_is_told_twice_after_the_engine_was_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Telling([container("service.web[1]", LAST)], [container("service.db[1]", LAST + 5)])
    addresses, said = told(engine, tmp_path, monkeypatch)
    assert addresses == ["service.web[1]", "service.db[1]"]
    assert engine.asked == [None, "1700000001.000000000"]
    assert said == ["the engine does not answer (it is away); it is asked again", "the engine answers again"]


def test_commands_of_health_checks_are_left_out_where_they_are_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def executed(action: str, execution: str, of: str) -> dict[str, Any]:
        found = container("service.web[1]", LAST, execID=execution)
        return {**found, "Action": action, "Actor": {**found["Actor"], "ID": of}}

    shop = InMemory(tmp_path)
    shop.write({"name": "shop", "services": {"web": service()}})
    for test, shown in ((["CMD-SHELL", "test -e /x"], "/bin/sh -c test -e /x"), (["CMD", "true"], "true ")):
        engine = Telling([
            executed(f"exec_create: {shown}", "a", "made"), executed(f"exec_start: {shown}", "a", "made"),
            executed("exec_create: sh", "b", "made"),
            executed("exec_die", "a", "made"), executed("exec_die", "b", "made"),
            executed(f"exec_create: {shown}", "c", "gone"),
        ])  # fmt: skip
        of = {"Config": {"Healthcheck": {"Test": test}}}
        monkeypatch.setattr(engine, "inspect", lambda kind, name, of=of: of if name == "made" else None)
        monkeypatch.setattr(events_module, "open_engine", lambda request, choice, engine=engine: engine)
        found = list(events(shop.request(), (), since=None, until="1800000000", lost=print, checks=False))
        assert [one.action for one in found] == ["exec_create: sh", "exec_die", f"exec_create: {shown}"]


def test_others_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Telling([
        container("service.web[1]", LAST, "shop_2"),
        container("service.web[1]", LAST, **{"provisioner.oneoff": "run"}),
        container("network.default", LAST),
        of_swarm("service", "shop_web"), of_swarm("container", "shop_db"),
        of_swarm("service", "shop_2_web"), of_swarm("service", "web"), of_swarm("container", "shop_web-run-0123"),
    ])  # fmt: skip
    assert told(engine, tmp_path, monkeypatch)[0] == ["service.web", "service.db"]


def test_one_service_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Telling([container("service.web[1]", LAST), container("service.db[1]", LAST)])
    assert told(engine, tmp_path, monkeypatch, "db")[0] == ["service.db[1]"]
