"""`logs` of a list of plays: what the services of all of them say, with the environment that each line is of."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from provisioner.app.logs import logs
from provisioner.app.play_services import plays_with_services
from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provisioner.app.logs import LogLine
    from provisioner.app.plays import PlayList, PlayRequest

    Line = tuple[PlayRequest, LogLine]


def logs_of_plays(
    plays: PlayList,
    services: Sequence[str],
    *,
    follow: bool,
    since: str | None,
    until: str | None,
    index: int | None,
    tail: int | None,
    timestamps: bool,
    tell: Callable[[str], None] = lambda text: None,
) -> Iterator[Line]:
    """The lines of the named services of every play that has them, or of all: play by play, or as they come."""

    def read(play: PlayRequest, names: Sequence[str]) -> Iterator[Line]:
        for line in logs(
            play.request,
            names,
            follow=follow,
            since=since,
            until=until,
            index=index,
            tail=tail,
            timestamps=timestamps,
            tell=tell,
        ):
            yield play, line

    readers = [read(play, names) for play, names in plays_with_services(plays, services)]
    if follow:
        yield from _as_they_come(readers)
        return
    for reader in readers:
        yield from reader


def _as_they_come(readers: Sequence[Iterator[Line]]) -> Iterator[Line]:
    """Lines of all readers at once; ends when every one of them has ended, raises what one of them raises."""
    lines: queue.SimpleQueue[Line | ProvisionError | None] = queue.SimpleQueue()

    def forward(reader: Iterator[Line]) -> None:
        try:
            for line in reader:
                lines.put(line)
            lines.put(None)
        except ProvisionError as error:
            lines.put(error)

    for reader in readers:
        threading.Thread(target=forward, args=(reader,), daemon=True).start()
    running = len(readers)
    while running:
        line = lines.get()
        if isinstance(line, ProvisionError):
            raise line
        if line is None:
            running -= 1
        else:
            yield line
