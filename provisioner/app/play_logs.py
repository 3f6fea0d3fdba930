"""`logs` of a list of plays: what the services of all of them say, with the environment that each line is of."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.logs import logs
from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provisioner.app.logs import LogLine
    from provisioner.app.plays import PlayList, PlayRequest

    Line = tuple[PlayRequest, LogLine]


def logs_of_plays(
    plays: PlayList,
    services: Sequence[str],
    *,
    follow: bool,
    since: str | None,
    tail: int | None,
    timestamps: bool,
) -> Iterator[Line]:
    """The lines of the named services of every play that has them, or of all: play by play, or as they come."""

    def read(play: PlayRequest, names: Sequence[str]) -> Iterator[Line]:
        for line in logs(play.request, names, follow=follow, since=since, tail=tail, timestamps=timestamps):
            yield play, line

    readers = [read(play, names) for play, names in _with_services(plays, services)]
    if follow:
        yield from _as_they_come(readers)
        return
    for reader in readers:
        yield from reader


def _with_services(plays: PlayList, services: Sequence[str]) -> list[tuple[PlayRequest, list[str]]]:
    """The plays that have one of the services, with those that they have. UsageError for a name that none has."""
    if not services:
        return [(play, []) for play in plays.plays]
    known = {play.name: load_playbook(play.request, allow_unset=True).services for play in plays.plays}
    every = list(dict.fromkeys(name for names in known.values() for name in names))
    for name in services:
        if name not in every:
            hint = nearest(name, every) or f"there are: {', '.join(sorted(every))}"
            raise UsageError(f"no play of {plays.title} has a service named {name!r}", hint=hint)
    chosen = [(play, [name for name in services if name in known[play.name]]) for play in plays.plays]
    return [(play, names) for play, names in chosen if names]


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
