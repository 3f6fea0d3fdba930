"""Ctrl-C while something is being changed: once finishes the step in hand, twice stops at once."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provisioner.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STDERR = 2
# How long the second signal leaves for giving back the lease before the process ends (seconds).
_GRACE = 1.0


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets.

    The second raises KeyboardInterrupt, and ends the process where that has not ended it soon. Outside the main
    thread, where Python lets nobody handle signals, the event is never set.
    """
    asked = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if not asked.is_set():
            asked.set()
            # Not through a stream: its lock may be held by the very code that was interrupted.
            os.write(_STDERR, b"\nInterrupted: finishing the steps in hand; once more stops at once.\n")
            return
        deadline = threading.Timer(_GRACE, _end)
        deadline.daemon = True
        deadline.start()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end() -> None:
    cursor = b"\x1b[?25h" if os.isatty(_STDERR) else b""
    os.write(_STDERR, cursor + b"Stopped. What was in hand may have been done; the same command continues from here.\n")
    os._exit(Interrupted.exit_code)
