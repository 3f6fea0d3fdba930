"""`logs`: what services say, line by line."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from provisioner.app.following import Follower
from provisioner.app.load import load_playbook
from provisioner.app.owned import require_services, tasks_to_come, writers
from provisioner.app.wiring import open_engine
from provisioner.errors import UsageError
from provisioner.kinds.values import moment
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provisioner.app.owned import OwnedContainer
    from provisioner.app.request import Request
    from provisioner.model.address import Address

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
    until: str | None = None,
    index: int | None = None,
    tail: int | None,
    timestamps: bool,
    tell: Callable[[str], None] = lambda text: None,
) -> Iterator[LogLine]:
    """The lines of the named services, or of all: one replica after the other, or as they come when followed.

    `index` is one replica. UsageError for a time that is none, or a replica that is not there.
    `tell` is told what happens meanwhile to containers that are followed, and to the engine.
    """
    playbook = load_playbook(request, allow_unset=True)
    require_services(playbook, services)
    moment = None if since is None else str(parse_moment("--since", since, time.time()))
    last = None if until is None else str(parse_moment("--until", until, time.time()))
    engine = open_engine(request, playbook.engine)

    def containers() -> list[OwnedContainer]:
        owned = writers(engine, playbook, services)
        return [
            container
            for container in owned
            if index is None or (container.kind == "container" and container.address.index == index)
        ]

    if index is not None and not containers():
        names = ", ".join(str(writer.address) for writer in writers(engine, playbook, services)) or "none"
        raise UsageError(f"--index {index}: there is no such replica on this node", hint=f"there are: {names}")
    if follow:
        follower = Follower(
            engine,
            containers,
            to_come=lambda: tasks_to_come(engine, playbook.project, services, index),
            since=moment,
            tail=tail,
            timestamps=timestamps,
            tell=tell,
        )
        yield from (LogLine(address, _text(line)) for address, line in follower.lines())
        return
    for container in containers():
        for line in engine.logs(
            container.id, tail=tail, since=moment, until=last, timestamps=timestamps, kind=container.kind
        ):
            yield LogLine(container.address, _text(line))


def parse_moment(option: str, text: str, now: float) -> float:
    """Unix seconds of a time (RFC 3339, or Unix seconds) or of a length of time before `now` (`5m`, `1h30m`)."""
    match = _RELATIVE.fullmatch(text)
    if match and text:
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return now - (((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if text.isdecimal():
        return float(text)
    if (said := moment(text)) is None:
        raise UsageError(
            f"{option} {text!r} is neither a length of time nor a time", hint="5m, 1h30m, or 2025-01-31T12:00:00Z"
        )
    return said.timestamp()


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r\n")
