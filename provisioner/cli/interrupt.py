"""Ctrl-C while something is being changed: once finishes the step in hand, twice stops at once."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets. The second raises KeyboardInterrupt, the third ends the process.

    Outside the main thread, where Python lets nobody handle signals, the event is never set.
    """
    asked = threading.Event()
    count = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count == 1:
            asked.set()
            # Not through the stream: its lock may be held by the very thread that was interrupted.
            os.write(2, b"\nInterrupted: finishing the steps in hand; once more stops at once.\n")
        elif count == 2:
            raise KeyboardInterrupt
        else:
            os._exit(130)

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
