"""One writer: who holds the lease is named, and a holder that is gone does not stand in the way."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from typing import Any

import pytest

from provisioner.engines.memory import MemoryEngine
from provisioner.errors import LeaseHeld
from provisioner.ledger import lease as module
from provisioner.ledger.labels import HOLDER, LEASE
from provisioner.ledger.lease import find_lease, lease, left_behind, remove_lease


class Ticking:
    def __init__(self, tick: Any = None) -> None:
        self._now, self._tick = 0.0, tick

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds
        if self._tick:
            self._tick()


def _held_by(engine: MemoryEngine, **holder: Any) -> str:
    labels = {LEASE: "shop", HOLDER: json.dumps({"user": "ann", "host": "there", "since": "noon", **holder})}
    return engine.create("container", "shop.lease", {"Image": "", "Cmd": ["lease"], "Labels": labels})


def _myself() -> dict[str, Any]:
    return module._myself()


def _heartbeat(count: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("heartbeat")
        member.size = len(str(count))
        archive.addfile(member, io.BytesIO(str(count).encode()))
    return buffer.getvalue()


def test_it_is_there_while_it_is_held_and_gone_afterwards() -> None:
    engine = MemoryEngine()
    with lease(engine, "shop", "containers", clock=Ticking()):
        assert engine.inspect("container", "shop.lease") is not None
        assert not left_behind(engine, "shop")
        with pytest.raises(LeaseHeld) as held, lease(engine, "shop", "containers", clock=Ticking()):
            pass
        assert f"(process {os.getpid()})" in held.value.message
        with lease(engine, "other", "containers", clock=Ticking()):
            pass
    assert engine.inspect("container", "shop.lease") is None


def test_it_is_given_back_after_an_error() -> None:
    engine = MemoryEngine()
    with pytest.raises(KeyError), lease(engine, "shop", "containers", clock=Ticking()):
        raise KeyError
    assert engine.inspect("container", "shop.lease") is None


def test_a_process_of_this_machine_that_is_gone_holds_nothing() -> None:
    engine = MemoryEngine()
    _held_by(engine, machine=_myself()["machine"], pid=os.getpid(), started="long ago")
    assert left_behind(engine, "shop")
    clock = Ticking()
    with lease(engine, "shop", "containers", clock=clock):
        assert clock.now() == 0, "it waited for a heartbeat that can not come"


def test_a_heart_elsewhere_that_beats() -> None:
    engine = MemoryEngine()
    identity = _held_by(engine, machine="another", pid=1, started="1")
    beats = iter(range(99))
    clock = Ticking(lambda: engine.put_archive(identity, "/", _heartbeat(next(beats))))
    assert not left_behind(engine, "shop")
    with pytest.raises(LeaseHeld, match="ann@there"), lease(engine, "shop", "containers", clock=clock):
        pass


def test_a_heart_elsewhere_that_has_stopped() -> None:
    engine = MemoryEngine()
    _held_by(engine, machine="another", pid=1, started="1")
    clock = Ticking()
    with lease(engine, "shop", "containers", clock=clock):
        assert clock.now() >= module.DEAD_AFTER_SECONDS


def test_a_strangers_container_is_not_a_lease() -> None:
    engine = MemoryEngine()
    stranger = engine.create("container", "shop.lease", {"Image": "", "Labels": {}})
    assert not left_behind(engine, "shop")
    with pytest.raises(LeaseHeld, match="not ours"), lease(engine, "shop", "containers", clock=Ticking()):
        pass
    assert engine.inspect("container", stranger) is not None


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time by the clock that goes on while the machine is suspended; its one item can be set."""
    now = [1000.0]
    monkeypatch.setattr(module, "elapsed", lambda: now[0])
    return now


def test_while_it_is_held_the_engine_can_be_changed() -> None:
    engine = MemoryEngine()
    with lease(engine, "shop", "containers", clock=Ticking()) as held:
        held.fence(engine).create("volume", "data", {})
    assert engine.inspect("volume", "data") is not None


def test_a_run_that_was_suspended_and_lost_its_lease_changes_nothing_any_more(moment: list[float]) -> None:
    engine = MemoryEngine()
    with lease(engine, "shop", "containers", clock=Ticking()) as held:
        writer = held.fence(engine)
        taken = engine.inspect("container", "shop.lease")
        assert taken is not None
        engine.remove("container", taken["Id"])
        _held_by(engine, machine="another", pid=7, started="1")
        moment[0] += module.DEAD_AFTER_SECONDS
        with pytest.raises(LeaseHeld, match=r"taken over .* ann@there \(process 7\) holds it now"):
            writer.create("volume", "data", {})
        with pytest.raises(LeaseHeld):
            writer.create("volume", "data", {})
        assert writer.inspect("volume", "data") is None, "what only looks goes on"
    assert engine.inspect("container", "shop.lease") is not None, "the lease of the other one was given back"


def test_a_run_that_was_suspended_and_kept_its_lease_goes_on(moment: list[float]) -> None:
    engine = MemoryEngine()
    clock = Ticking()
    with lease(engine, "shop", "containers", clock=clock) as held:
        moment[0] += 3600
        held.fence(engine).create("volume", "data", {})
        waited = clock.now()
        assert waited > 1, "somebody who saw no beat has no time to take it"
        held.fence(engine).create("volume", "more", {})
        assert clock.now() == waited


def test_a_beat_that_finds_the_lease_gone_stops_the_next_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.02)
    engine = MemoryEngine()
    with lease(engine, "shop", "containers", clock=Ticking()) as held:
        taken = engine.inspect("container", "shop.lease")
        assert taken is not None
        engine.remove("container", taken["Id"])
        assert held._lost.wait(5)
        with pytest.raises(LeaseHeld, match="nobody holds it now"):
            held.fence(engine).create("volume", "data", {})


def test_it_is_waited_for_as_long_as_asked() -> None:
    engine = MemoryEngine()
    said: list[str] = []
    clock = Ticking()
    with lease(engine, "shop", "containers", clock=Ticking()):
        refused = pytest.raises(LeaseHeld, match="waited for 30 s")
        with refused, lease(engine, "shop", "containers", clock=clock, timeout=30, waiting=said.append):
            pass
    assert 30 <= clock.now() < 33
    assert [f"process {os.getpid()}" in line for line in said] == [True]


def test_it_is_had_when_the_other_one_gives_it_back() -> None:
    engine = MemoryEngine()
    identity = _held_by(engine, machine=_myself()["machine"], pid=os.getpid(), started=_myself()["started"])
    clock = Ticking(lambda: engine.remove("container", identity))
    with lease(engine, "shop", "containers", clock=clock, timeout=30):
        assert clock.now() <= 2


def test_who_holds_it_and_whether_that_one_lives() -> None:
    engine = MemoryEngine()
    assert find_lease(engine, "shop") is None
    identity = _held_by(engine, machine="another", pid=1, started="1")
    beats = iter(range(99))
    standing = find_lease(engine, "shop")
    assert standing is not None
    assert standing.holder["user"] == "ann"
    assert standing.is_held(Ticking(lambda: engine.put_archive(identity, "/", _heartbeat(next(beats)))))
    assert not standing.is_held(Ticking())
    remove_lease(engine, "shop", standing)
    assert find_lease(engine, "shop") is None


def test_a_holder_that_ended_is_dead_before_its_parent_has_asked_how() -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        holder = {"pid": process.pid, "started": module._started(process.pid)}
        assert module._alive(holder)
        process.kill()
        # Waits without taking note of the end: it stays as a zombie.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not module._alive(holder)
    finally:
        process.kill()
        process.wait()
