"""One writer for each environment: a lease on the engine itself, or on the whole Swarm.

The holder beats; a lease that has stopped beating, or whose process on this machine is gone, is taken over. A holder
that was suspended meanwhile finds that out before its next change (`Lease.fence`).
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.errors import EngineConflict, EngineRefused, LeaseHeld, ProvisionError
from provisioner.ledger.fence import fenced
from provisioner.ledger.store import records, store, stores
from provisioner.model.dataclass import dataclass
from provisioner.reconcile.poll import Pending, poll

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provisioner.ledger.store import Records, Store
    from provisioner.platforms.choice import Mode
    from provisioner.ports import Clock, EngineReader, EngineWriter

HEARTBEAT_SECONDS = 5.0
# A heartbeat that has not moved for this long belongs to nobody any more.
DEAD_AFTER_SECONDS = 20.0
# So long after a beat another should have come: whoever takes a lease away from a holder that lives waits this long.
MISSED_AFTER_SECONDS = HEARTBEAT_SECONDS + 2.0
# A beat that comes so late may have been missed for too long by somebody else.
_LATE = DEAD_AFTER_SECONDS - HEARTBEAT_SECONDS
# How long after a late beat the lease is looked at again: longer than the pause between two looks of somebody else.
_SETTLING = 1.5
# The pause between two looks at a lease that somebody else has.
_GAP = 1.0


class Lease:
    """A lease that is held, and beats in a thread of its own until it is given back."""

    def __init__(self, kept: Store, identity: str, project: str, clock: Clock) -> None:
        self._kept = kept
        self._identity = identity
        self._project = project
        self._clock = clock
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._late = threading.Event()
        self._lock = threading.Lock()
        self._count = 0
        self._beaten = elapsed()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def fence(self, engine: EngineWriter) -> EngineWriter:
        """The engine, whose every change first looks whether this lease is still held."""
        return fenced(engine, self.require_held)

    def require_held(self) -> None:
        """Raise LeaseHeld, naming who holds it now, where another may have taken this lease over.

        That is so when a beat found it gone. After a gap in which another may have taken it (this process or its
        machine was suspended, or the engine did not answer), it is looked at first.
        """
        if elapsed() - self._beaten > MISSED_AFTER_SECONDS:
            self._beat()
        if self._late.is_set() and not self._lost.is_set():
            # Whoever saw no beat until now removes the lease within this time, or sees this beat and goes away.
            self._clock.sleep(_SETTLING)
            if self._stands():
                self._late.clear()
            else:
                self._lost.set()
        if self._lost.is_set():
            raise self._lost_to()

    def end(self) -> None:
        """Give the lease back."""
        self._ended.set()
        self._thread.join(timeout=HEARTBEAT_SECONDS)
        # The work is done or reported either way; a lease that stays is taken over by the next run.
        with suppress(ProvisionError):
            self._kept.release(self._identity)

    def _run(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            # A beat that is lost is made up for by the next one.
            with suppress(ProvisionError):
                self._beat()

    def _beat(self) -> None:
        """One beat; `_lost` is set where the lease is gone. ProvisionError when the engine can not be asked."""
        with self._lock:
            self._count += 1
            began = elapsed()
            try:
                self._kept.beat(self._identity, f"{self._count} {datetime.now(UTC).isoformat(timespec='seconds')}")
            except EngineRefused as error:
                if error.status != 404:
                    raise
                self._lost.set()
            else:
                if began - self._beaten > _LATE:
                    self._late.set()
                self._beaten = began

    def _stands(self) -> bool:
        standing = self._kept.holder()
        return standing is not None and standing[0] == self._identity

    def _lost_to(self) -> LeaseHeld:
        try:
            standing = self._kept.holder()
        except ProvisionError:
            standing = None
        now = f"{who(parsed(standing[1]))} holds it now" if standing else "nobody holds it now"
        return LeaseHeld(
            f"the lease of {self._project} was taken over while this run stood still; {now}. Nothing was changed since",
            hint="look at `provision plan` once that run has ended, and apply again",
        )


@contextmanager
def lease(
    engine: EngineWriter,
    project: str,
    mode: Mode,
    *,
    clock: Clock,
    timeout: float = 0.0,
    waiting: Callable[[str], None] | None = None,
) -> Iterator[Lease]:
    """Hold the environment's lease for the block. Raises LeaseHeld, naming who and since when, if another works.

    It is waited for as long as `timeout` says (seconds); `waiting` is told once for whom.
    """
    kept = store(engine, project, mode)
    held = Lease(kept, _await(kept, project, clock, timeout, waiting), project, clock)
    try:
        yield held
    finally:
        held.end()


def left_behind(engine: EngineReader, project: str, *, manager: bool | None = None) -> bool:
    """Whether a lease stands whose holder ran on this machine and is gone; whoever holds it next removes it.

    `manager`: whether the engine is known to be a Swarm's manager.
    """
    for kept in records(engine, project, manager=manager):
        with suppress(LeaseHeld):
            standing = kept.holder()
            if standing is not None:
                holder = parsed(standing[1])
                return _same_machine(holder) and not _alive(holder)
    return False


@dataclass(frozen=True, slots=True)
class Standing:
    """A lease as it stands. `holder` is what its holder said of itself, `beaten_at` the time of its last heartbeat by
    the holder's own clock (RFC 3339), empty before the first one."""

    identity: str
    holder: Mapping[str, Any]
    beaten_at: str
    kept: Records

    def is_held(self, clock: Clock) -> bool:
        """Whether the holder lives: its process on this machine, or a heartbeat within a little more than its time."""
        if _same_machine(self.holder):
            return _alive(self.holder)
        return _beats(self.kept, self.identity, clock, HEARTBEAT_SECONDS + 2.0)


def require_free(engine: EngineReader, project: str) -> None:
    """Raise LeaseHeld where it is plain at once that another works: before a long list is shown, or somebody is asked.
    Of a holder on another machine that is found out by whoever takes the lease."""
    standing = find_lease(engine, project)
    if standing is not None and _same_machine(standing.holder) and _alive(standing.holder):
        raise _lease_held(standing.holder)


def find_lease(engine: EngineReader, project: str) -> Standing | None:
    """The lease of an environment, wherever this engine keeps it. LeaseHeld where something else has its name."""
    for kept in records(engine, project):
        standing = kept.holder()
        if standing is not None:
            identity, holder = standing
            return Standing(identity, parsed(holder), kept.pulse(identity).partition(" ")[2], kept)
    return None


def remove_lease(engine: EngineWriter, project: str, standing: Standing) -> None:
    """Remove this very lease; already gone is fine. Its holder stops before its next change."""
    for kept in stores(engine, project):
        held = kept.holder()
        if held is not None and held[0] == standing.identity:
            kept.release(standing.identity)


def parsed(text: str) -> dict[str, Any]:
    """What a holder said of itself; empty where that can not be read."""
    try:
        holder = json.loads(text or "{}")
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _await(kept: Store, project: str, clock: Clock, timeout: float, waiting: Callable[[str], None] | None) -> str:
    """The id of the lease, once it is had."""
    if not timeout:
        return _acquire(kept, project, clock)
    identity = ""

    def look() -> list[LeaseHeld]:
        nonlocal identity
        try:
            identity = _acquire(kept, project, clock)
        except LeaseHeld as held:
            return [held]
        return []

    held = Pending(
        look, gap=_GAP, describe=lambda left: f"waiting for the lease: {left[0].message}",
        overdue=lambda left: LeaseHeld(f"{left[0].message}; it was waited for {timeout:g} s", hint=left[0].hint),
    )  # fmt: skip
    poll(held, timeout, clock=clock, progress=waiting or (lambda text: None), stopped=lambda: False)
    return identity


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
            _require_dead(kept, identity, parsed(holder), clock)
            kept.release(identity)
    raise LeaseHeld(f"the lease of {project} could not be had: somebody else takes it again and again")


def _require_dead(kept: Records, identity: str, holder: Mapping[str, Any], clock: Clock) -> None:
    """Return once it is certain that the holder is gone; raise LeaseHeld when it lives."""
    if _same_machine(holder):
        if not _alive(holder):
            return
        raise _lease_held(holder)
    if _beats(kept, identity, clock, DEAD_AFTER_SECONDS):
        raise _lease_held(holder)


def _beats(kept: Records, identity: str, clock: Clock, seconds: float) -> bool:
    """Whether the holder of a lease beats within so many seconds."""
    first = kept.pulse(identity)
    still = Pending(lambda: [first] if kept.pulse(identity) == first else [], gap=_GAP)
    poll(still, seconds, clock=clock, progress=lambda text: None, stopped=lambda: False)
    return not still.left


def _lease_held(holder: Mapping[str, Any]) -> LeaseHeld:
    return LeaseHeld(
        f"{who(holder)} has been applying to this environment since {holder.get('since', 'an unknown time')}",
        hint="wait until that run has ended (--lock-timeout SECONDS waits for it), or see `provision lock status`",
    )


def who(holder: Mapping[str, Any]) -> str:
    """A holder in words: `ann@box (process 12)`."""
    return f"{holder.get('user', 'somebody')}@{holder.get('host', 'elsewhere')} (process {holder.get('pid', '?')})"


def elapsed() -> float:
    """Seconds of a clock that goes on while the machine is suspended, which the monotonic one does not on Linux."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(boot) if boot is not None else time.monotonic()


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
    """The name of the user on this machine, else the number."""
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
    """When a process started, in ticks since boot, so that a reused process id is recognised; empty if it is gone.

    One that has ended is gone, too, while its parent has not asked how (state Z, proc(5)).
    """
    with suppress(OSError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in ("Z", "X") else fields[18]
    return ""


def _same_machine(holder: Mapping[str, Any]) -> bool:
    return bool(holder.get("machine")) and holder["machine"] == _machine()


def _alive(holder: Mapping[str, Any]) -> bool:
    return bool(holder.get("started")) and _started(int(holder["pid"])) == holder["started"]
