"""Follows what services say through everything that ends a stream: a container that goes or is replaced, an engine
that restarts. No line is told twice.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

from provisioner.errors import EngineRefused, ProvisionError, Unreachable
from provisioner.kinds.values import moment
from provisioner.model.dataclass import dataclass
from provisioner.model.state import UP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provisioner.app.owned import OwnedContainer
    from provisioner.model.address import Address
    from provisioner.ports import EngineReader

# Lines that wait to be told: a terminal that is slow stops the reading, and memory stays bounded.
_WAITING = 1000
# After the end of a stream: how often, and for how long (seconds), another container of the service is looked for.
_PAUSE, _PATIENCE = 1.0, 10.0
# How often otherwise: containers come by themselves too, as those of a Swarm do, and of `scale`.
_SELDOM = 5.0
# So many looks that find nothing in a row are the end: one that is replaced is away for a moment.
_LOOKS = 2
# What may yet go on to write, and what may have written before it was seen.
_SAID = ("exited", "dead", "restarting")


@dataclass(frozen=True, slots=True)
class _Line:
    source: str
    address: Address
    stamp: str
    text: bytes


@dataclass(frozen=True, slots=True)
class _End:
    """A stream has ended; `error` says why, where it did not end by itself."""

    source: str
    address: Address
    error: ProvisionError | None = None


class Follower:
    """`look` gives the containers that write. `tell` is told what happens to streams and to the engine.

    It ends when nothing writes any more, and `to_come` says that nothing starts by itself that would. With `over`
    whatever comes is followed until that says that nothing writes any more and nothing has come for a `pause`
    (seconds): a Swarm starts its tasks by itself, and may keep the stream of one that has ended open. `since` is a time
    in Unix seconds, `tail` how many earlier lines each container gives; None for all.
    """

    def __init__(
        self,
        engine: EngineReader,
        look: Callable[[], Sequence[OwnedContainer]],
        *,
        since: str | None,
        tail: int | None,
        timestamps: bool,
        tell: Callable[[str], None],
        to_come: Callable[[], bool] = lambda: False,
        over: Callable[[], bool] | None = None,
        pause: float = _PAUSE,
        patience: float = _PATIENCE,
    ) -> None:
        self._engine = engine
        self._look = look
        self._since = since
        self._tail = tail
        self._timestamps = timestamps
        self._tell = tell
        self._to_come = to_come
        self._over_at_last = over
        self._pause = pause
        self._patience = patience
        self._events: queue.Queue[_Line | _End] = queue.Queue(_WAITING)
        self._open: set[str] = set()
        self._over: set[str] = set()
        # By container the time of its last line, as the engine writes it.
        self._last: dict[str, str] = {}
        # Until when another container is looked for.
        self._until = 0.0

    def lines(self) -> Iterator[tuple[Address, bytes]]:
        """Every line with the address of the replica that wrote it; ends when nothing is left that may write."""
        for container in self._look():
            self._follow(container, first=True)
        looked, idle = time.monotonic(), 0
        self._until = looked + self._patience
        while self._open or idle < _LOOKS or self._over_at_last is not None:
            try:
                event = self._events.get(timeout=self._pause)
            except queue.Empty:
                if self._over_at_last is not None and self._over_at_last():
                    return
                event = None
            if isinstance(event, _Line):
                if not event.stamp or event.stamp > self._last.get(event.source, ""):
                    self._last[event.source] = event.stamp
                    yield event.address, self._shown(event)
            elif isinstance(event, _End):
                self._open.discard(event.source)
                self._ended(event)
                self._until = time.monotonic() + self._patience
            closely = self._over_at_last is not None or time.monotonic() < self._until
            if time.monotonic() - looked >= (self._pause if closely else _SELDOM):
                idle = 0 if self._pick_up() else idle + 1
                looked = time.monotonic()

    def _follow(self, container: OwnedContainer, *, first: bool) -> None:
        self._open.add(container.id)
        self._over.discard(container.id)
        threading.Thread(target=self._read, args=(container, first), daemon=True).start()

    def _read(self, container: OwnedContainer, first: bool) -> None:
        last = self._last.get(container.id)
        since, tail = self._since, self._tail if first else None
        if last and (then := moment(last)) is not None:
            since = str(then.timestamp())
        error: ProvisionError | None = None
        try:
            lines = self._engine.logs(
                container.id, tail=tail, since=since, follow=True, timestamps=True, kind=container.kind
            )
            for line in lines:
                stamp, text = _apart(line)
                self._events.put(_Line(container.id, container.address, stamp, text))
        except ProvisionError as failure:
            error = failure
        self._events.put(_End(container.id, container.address, error))

    def _ended(self, end: _End) -> None:
        """Wait for the engine where a stream ended with it. Raises what is no end of a container or an engine."""
        self._over.add(end.source)
        if isinstance(end.error, Unreachable):
            self._await_engine(end.error)
        elif end.error is not None and not (isinstance(end.error, EngineRefused) and end.error.status == 404):
            raise end.error

    def _await_engine(self, error: ProvisionError) -> None:
        """Until the engine answers again. Streams that broke with it are followed from where they ended."""
        began = time.monotonic()
        self._tell(f"{error.message}; following goes on when the engine answers")
        while True:
            time.sleep(self._pause)
            try:
                self._look()
            except Unreachable:
                continue
            self._tell(f"the engine answers again, after {time.monotonic() - began:.0f} s")
            return

    def _pick_up(self) -> bool:
        """Follow what has come, and what runs again; whether anything may yet write."""
        try:
            containers = self._look()
        except Unreachable as error:
            self._await_engine(error)
            return True
        alive = [
            container
            for container in containers
            if container.kind == "service" or container.raw["State"].get("Status") in UP
        ]
        for container in containers:
            # What came and went between two looks has said something all the same.
            unheard = container.id not in self._over and container.raw["State"].get("Status") in _SAID
            if container.id not in self._open and (container.kind == "service" or container.running or unheard):
                again = container.id in self._over
                self._tell(f"{container.address} {'runs again' if again else 'is followed now'}")
                self._follow(container, first=False)
        awaited = not alive and self._to_come()
        if awaited or any(container.id not in self._open for container in alive):
            # It restarts, and the engine takes its time.
            self._until = time.monotonic() + self._patience
        return bool(alive) or awaited

    def _shown(self, line: _Line) -> bytes:
        return line.stamp.encode() + b" " + line.text if self._timestamps and line.stamp else line.text


def _apart(line: bytes) -> tuple[str, bytes]:
    """The time at the beginning of a line (RFC 3339 with nanoseconds, always of one length), and the line."""
    stamp, _, text = line.partition(b" ")
    shown = stamp.decode(errors="replace")
    return (shown, text) if moment(shown) is not None else ("", line)
