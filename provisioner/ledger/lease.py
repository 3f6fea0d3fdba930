"""One writer for each environment: a lease on the engine itself, as a container without an image that never starts.

Its name is unique, so creating it is the test-and-set. The holder writes a heartbeat into it; one that has stopped
beating, or whose process on this machine is gone, is taken over.
"""

from __future__ import annotations

import getpass
import io
import json
import os
import socket
import tarfile
import threading
import uuid
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.errors import EngineConflict, LeaseHeld, ProvisionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.ports import Clock, EngineReader, EngineWriter

LABEL = "provisioner.lease"
HOLDER = "provisioner.lease.holder"
HEARTBEAT_SECONDS = 5.0
# A heartbeat that has not moved for this long belongs to nobody any more.
DEAD_AFTER_SECONDS = 20.0
_FILE = "heartbeat"


@contextmanager
def lease(engine: EngineWriter, project: str, *, clock: Clock) -> Iterator[None]:
    """Hold the environment's lease for the block. Raises LeaseHeld, naming who and since when, if another works."""
    identity = _acquire(engine, project, clock)
    ended = threading.Event()
    beat = threading.Thread(target=_beat, args=(engine, identity, ended), daemon=True)
    beat.start()
    try:
        yield
    finally:
        ended.set()
        beat.join(timeout=HEARTBEAT_SECONDS)
        # The work is done or reported either way; a lease that stays is taken over by the next run.
        with suppress(ProvisionError):
            engine.remove("container", identity)


def left_behind(engine: EngineReader, project: str) -> bool:
    """Whether a lease stands whose holder ran on this machine and is gone; whoever holds it next removes it."""
    raw = engine.inspect("container", _name(project))
    if raw is None or (raw["Config"].get("Labels") or {}).get(LABEL) != project:
        return False
    holder = _holder(raw)
    return _same_machine(holder) and not _alive(holder)


def _name(project: str) -> str:
    return f"{project}.lease"


def _holder(raw: Mapping[str, Any]) -> dict[str, Any]:
    try:
        holder = json.loads(raw["Config"]["Labels"].get(HOLDER, "{}"))
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _acquire(engine: EngineWriter, project: str, clock: Clock) -> str:
    name = _name(project)
    body = {
        "Image": "",
        "Cmd": ["lease"],
        "Labels": {LABEL: project, HOLDER: json.dumps(_myself())},
        "HostConfig": {"NetworkMode": "none"},
    }
    for _ in range(3):
        try:
            return engine.create("container", name, body)
        except EngineConflict:
            holder = engine.inspect("container", name)
            if holder is None:
                clock.sleep(0.2)
                continue
            if (holder["Config"].get("Labels") or {}).get(LABEL) != project:
                raise LeaseHeld(
                    f"the container {name} stands where the lease should, and is not ours", hint="remove or rename it"
                ) from None
            _require_dead(engine, holder, clock)
            engine.remove("container", str(holder["Id"]))
    raise LeaseHeld(f"the lease of {project} could not be had: somebody else takes it again and again")


def _require_dead(engine: EngineReader, raw: Mapping[str, Any], clock: Clock) -> None:
    """Return once it is certain that the holder is gone; raise LeaseHeld when it lives."""
    holder = _holder(raw)
    if _same_machine(holder):
        if not _alive(holder):
            return
        raise _held(holder)
    first, began = _heartbeat(engine, raw), clock.now()
    while clock.now() - began < DEAD_AFTER_SECONDS:
        clock.sleep(1.0)
        if _heartbeat(engine, raw) != first:
            raise _held(holder)


def _held(holder: Mapping[str, Any]) -> LeaseHeld:
    who = f"{holder.get('user', 'somebody')}@{holder.get('host', 'elsewhere')} (process {holder.get('pid', '?')})"
    return LeaseHeld(
        f"{who} has been applying to this environment since {holder.get('since', 'an unknown time')}",
        hint="wait until that run has ended, then try again",
    )


def _heartbeat(engine: EngineReader, raw: Mapping[str, Any]) -> bytes:
    return engine.read_files(str(raw["Id"]), f"/{_FILE}").get(_FILE, b"")


def _beat(engine: EngineWriter, identity: str, ended: threading.Event) -> None:
    count = 0
    while not ended.wait(HEARTBEAT_SECONDS):
        count += 1
        # A beat that is lost is made up for by the next one.
        with suppress(ProvisionError):
            engine.put_archive(identity, "/", one_file(_FILE, str(count).encode()))


def one_file(name: str, content: bytes) -> bytes:
    """A tar archive with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


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
