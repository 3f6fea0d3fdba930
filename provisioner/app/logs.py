"""`logs`: what services say, line by line."""

from __future__ import annotations

import queue
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.owned import require_services, writers
from provisioner.app.wiring import open_engine
from provisioner.errors import ProvisionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provisioner.app.owned import OwnedContainer
    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.ports import EngineReader

_RELATIVE = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


@dataclass(frozen=True, slots=True)
class LogLine:
    address: Address
    text: str


def logs(
    request: Request,
    services: Sequence[str],
    *,
    follow: bool,
    since: str | None,
    tail: int | None,
    timestamps: bool,
) -> Iterator[LogLine]:
    """The lines of the named services, or of all: one replica after the other, or as they come when followed."""
    playbook = load_playbook(request, allow_unset=True)
    require_services(playbook, services)
    moment = None if since is None else str(parse_since(since, time.time()))
    engine = open_engine(request, playbook.engine)
    containers = writers(engine, playbook, services)
    if follow:
        yield from _followed(engine, containers, moment, tail, timestamps=timestamps)
        return
    for one in containers:
        for line in engine.logs(one.id, tail=tail, since=moment, timestamps=timestamps, kind=one.kind):
            yield LogLine(one.address, _text(line))


def parse_since(text: str, now: float) -> float:
    """Unix seconds of a time (RFC 3339, or Unix seconds) or of a length of time before `now` (`5m`, `1h30m`)."""
    found = _RELATIVE.fullmatch(text)
    if found and text:
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return now - (((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if text.isdigit():
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--since {text!r} is neither a length of time nor a time", hint="5m, 1h30m, or 2025-01-31T12:00:00Z"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _followed(
    engine: EngineReader, containers: Sequence[OwnedContainer], since: str | None, tail: int | None, *, timestamps: bool
) -> Iterator[LogLine]:
    """All containers at once, each on a thread of its own; ends when every one of them has ended."""
    lines: queue.SimpleQueue[LogLine | ProvisionError | None] = queue.SimpleQueue()

    def read(one: OwnedContainer) -> None:
        try:
            for line in engine.logs(one.id, tail=tail, since=since, follow=True, timestamps=timestamps, kind=one.kind):
                lines.put(LogLine(one.address, _text(line)))
            lines.put(None)
        except ProvisionError as error:
            lines.put(error)

    for one in containers:
        threading.Thread(target=read, args=(one,), daemon=True).start()
    open_streams = len(containers)
    while open_streams:
        line = lines.get()
        if isinstance(line, ProvisionError):
            raise line
        if line is None:
            open_streams -= 1
        else:
            yield line


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r\n")
