"""Shows something again and again, until Ctrl-C. An engine that does not answer is no end; a terminal that goes is."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.cli.streams import Stream
from provisioner.errors import Interrupted, Unreachable
from provisioner.render.error_text import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioner.cli.settings import Settings

INTERVAL = 2.0
_CLEAR = "\x1b[H\x1b[2J"


def again_and_again(
    settings: Settings, once: Callable[[Settings], int], *, clears: bool, interval: float = INTERVAL
) -> int:
    """Call `once` every `interval` seconds; the exit code is that of an interrupt, or of the last call where nobody
    looks any more.

    On a terminal each picture takes the place of the one before, is drawn anew when the terminal is resized, and is no
    longer than the screen. While the engine does not answer, that and since when is said.
    """
    out = settings.out()
    screen = clears and out.terminal
    code, lost = 0, 0.0
    with _resizing() as resized:
        while True:
            resized.clear()
            picture = Picture(out) if screen else None
            try:
                code = once(replace(settings, picture=picture))
                if lost and not screen:
                    settings.err().write(f"The engine answers again, after {time.monotonic() - lost:.0f} s.\n")
                lost = 0.0
            except KeyboardInterrupt:
                return Interrupted.exit_code
            except Unreachable as error:
                first, lost = not lost, lost or time.monotonic()
                code = error.exit_code
                _tell(picture, settings, error, time.monotonic() - lost, first=first)
            if picture is not None:
                out.write(_CLEAR + picture.text())
            if out.closed:
                return code
            try:
                resized.wait(interval)
            except KeyboardInterrupt:
                return Interrupted.exit_code


def _tell(picture: Picture | None, settings: Settings, error: Unreachable, seconds: float, *, first: bool) -> None:
    """That the engine does not answer: on each picture, elsewhere once."""
    if picture is not None:
        picture.write(error_text(error, paint=picture.paint))
        picture.write(f"Trying again; it has not answered for {seconds:.0f} s.\n")
    elif first:
        err = settings.err()
        err.write(error_text(error, paint=err.paint) + "Trying again until it answers.\n")


class Picture(Stream):
    """Takes what is written until it is a whole picture; colours and width are those of the terminal."""

    def __init__(self, terminal: Stream) -> None:
        super().__init__(None, no_color=True, environment={})
        self.closed, self.terminal, self.paint = False, terminal.terminal, terminal.paint
        self._parts: list[str] = []

    def write(self, text: str, *, verbatim: bool = False) -> None:
        """Keep a part of the picture."""
        self._parts.append(text)

    def text(self) -> str:
        """The picture, as much of it as the screen has lines for."""
        lines = "".join(self._parts).splitlines(keepends=True)
        height = max(shutil.get_terminal_size().lines - 1, 3)
        if len(lines) <= height:
            return "".join(lines)
        return "".join(lines[: height - 1]) + f"… {len(lines) - height + 1} more lines\n"


@contextmanager
def _resizing() -> Iterator[threading.Event]:
    """An event that is set when the terminal gets another size."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGWINCH"):
        yield event
        return
    before = signal.signal(signal.SIGWINCH, lambda number, frame: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGWINCH, before)
