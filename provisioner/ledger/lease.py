"""One writer for each environment: a lease on the engine itself, or on the whole Swarm.

The holder beats; a lease that has stopped beating, or whose process on this machine is gone, is taken over.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import threading
import uuid
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.errors import EngineConflict, LeaseHeld, ProvisionError
from provisioner.ledger.store import records, store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.ledger.store import Records, Store
    from provisioner.platforms.choice import Mode
    from provisioner.ports import Clock, EngineReader, EngineWriter

HEARTBEAT_SECONDS = 5.0
# A heartbeat that has not moved for this long belongs to nobody any more.
DEAD_AFTER_SECONDS = 20.0


@contextmanager
def lease(engine: EngineWriter, project: str, mode: Mode, *, clock: Clock) -> Iterator[None]:
    """Hold the environment's lease for the block. Raises LeaseHeld, naming who and since when, if another works."""
    kept = store(engine, project, mode)
    identity = _acquire(kept, project, clock)
    ended = threading.Event()
    beat = threading.Thread(target=_beat, args=(kept, identity, ended), daemon=True)
    beat.start()
    try:
        yield
    finally:
        ended.set()
        beat.join(timeout=HEARTBEAT_SECONDS)
        # The work is done or reported either way; a lease that stays is taken over by the next run.
        with suppress(ProvisionError):
            kept.release(identity)


def left_behind(engine: EngineReader, project: str, *, manager: bool | None = None) -> bool:
    """Whether a lease stands whose holder ran on this machine and is gone; whoever holds it next removes it.

    `manager`: whether the engine is known to be a Swarm's manager.
    """
    for kept in records(engine, project, manager=manager):
        with suppress(LeaseHeld):
            standing = kept.holder()
            if standing is not None:
                holder = _parsed(standing[1])
                return _same_machine(holder) and not _alive(holder)
    return False


def _parsed(text: str) -> dict[str, Any]:
    try:
        holder = json.loads(text or "{}")
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _acquire(kept: Store, project: str, clock: Clock) -> str:
    for _ in range(3):
        try:
            return kept.take(json.dumps(_myself()))
        except EngineConflict:
            standing = kept.holder()
            if standing is None:
                clock.sleep(0.2)
                continue
            identity, holder = standing
            _require_dead(kept, identity, _parsed(holder), clock)
            kept.release(identity)
    raise LeaseHeld(f"the lease of {project} could not be had: somebody else takes it again and again")


def _require_dead(kept: Records, identity: str, holder: Mapping[str, Any], clock: Clock) -> None:
    """Return once it is certain that the holder is gone; raise LeaseHeld when it lives."""
    if _same_machine(holder):
        if not _alive(holder):
            return
        raise _held(holder)
    first, began = kept.pulse(identity), clock.now()
    while clock.now() - began < DEAD_AFTER_SECONDS:
        clock.sleep(1.0)
        if kept.pulse(identity) != first:
            raise _held(holder)


def _held(holder: Mapping[str, Any]) -> LeaseHeld:
    who = f"{holder.get('user', 'somebody')}@{holder.get('host', 'elsewhere')} (process {holder.get('pid', '?')})"
    return LeaseHeld(
        f"{who} has been applying to this environment since {holder.get('since', 'an unknown time')}",
        hint="wait until that run has ended, then try again",
    )


def _beat(kept: Store, identity: str, ended: threading.Event) -> None:
    count = 0
    while not ended.wait(HEARTBEAT_SECONDS):
        count += 1
        # A beat that is lost is made up for by the next one.
        with suppress(ProvisionError):
            kept.beat(identity, count)


def _myself() -> dict[str, Any]:
    return {
        "user": whoami(),
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "token": uuid.uuid4().hex,
    }


def whoami() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _machine() -> str:
    """This boot of this machine and this process namespace: process ids mean something only there."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return ""


def _started(pid: int) -> str:
    """When a process started, in ticks since boot, so that a reused process id is recognised; empty if it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _same_machine(holder: Mapping[str, Any]) -> bool:
    return bool(holder.get("machine")) and holder["machine"] == _machine()


def _alive(holder: Mapping[str, Any]) -> bool:
    return bool(holder.get("started")) and _started(int(holder["pid"])) == holder["started"]
