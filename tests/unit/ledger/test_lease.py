"""One writer: who holds the lease is named, and a holder that is gone does not stand in the way."""

from __future__ import annotations

import io
import json
import os
import tarfile
from typing import Any

import pytest

from provisioner.engines.memory import MemoryEngine
from provisioner.errors import LeaseHeld
from provisioner.ledger import lease as module
from provisioner.ledger.labels import HOLDER, LEASE
from provisioner.ledger.lease import lease, left_behind


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
