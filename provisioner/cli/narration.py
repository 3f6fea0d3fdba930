"""Who is told what happens while a plan is carried out: a live region, plain lines, JSON lines, or nobody."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.cli.settings import Settings
    from provisioner.model.event import Event
    from provisioner.ports import Listener


@contextmanager
def narrated(settings: Settings, *, as_json: bool, play: str = "", beside: bool = False) -> Iterator[Listener]:
    """The listener for this terminal; what it drew is taken away at the end.

    `play` names the play in JSON lines, and before each line where several are carried out `beside` each other.
    """
    if as_json:
        yield _json_lines(settings, play)
        return
    if settings.quiet:
        yield _nobody
        return
    from provisioner.render.progress import LiveProgress, PlainProgress

    err = settings.err()
    if beside:
        yield PlainProgress(lambda text: err.write(f"{play} | {text}"), time.monotonic, err.paint)
        return
    if err.terminal and not settings.environment.get("CI"):
        listener: LiveProgress | PlainProgress = LiveProgress(err.write, time.monotonic, err.width, err.paint)
    else:
        listener = PlainProgress(err.write, time.monotonic, err.paint)
    try:
        yield listener
    finally:
        listener.close()


def _nobody(event: Event) -> None:
    """Quiet."""


def _json_lines(settings: Settings, play: str) -> Listener:
    from provisioner.render.report_json import event_line, line

    out = settings.out()
    begin: list[float] = []

    def tell(event: Event) -> None:
        moment = time.monotonic()
        if not begin:
            begin.append(moment)
        told = event_line(event, moment - begin[0])
        out.write(line({**told, "play": play} if play else told))

    return tell
