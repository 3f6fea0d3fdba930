"""Signals that end a command: at once, but while changes are carried out the first one asks to finish them in order."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from provisioner.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# Windows has no terminals that hang up.
_HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, *((_HANGUP,) if _HANGUP else ()))
_STDERR = 2
# How long a signal that stops at once leaves for giving back the lease before the process ends (seconds).
_GRACE = 1.0
_FINISHING = b"\nInterrupted: finishing the steps in hand; once more stops at once.\n"
_NOTHING_DONE = b"Interrupted. Nothing was changed.\n"
_STOPPED = b"Stopped. What was in hand may have been done; the same command continues from here.\n"


class Interrupt:
    """What the user asked for with signals so far. Implements `ports.Interrupt`.

    A signal raises KeyboardInterrupt, and ends the process where that has not ended it soon; within `deferred` the
    first one only sets the event. A terminal that goes away sends SIGHUP more than once: only the first one counts.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._number = signal.SIGINT
        self._deferred = False
        self._begun = False
        self._raised = False
        self._ending: threading.Timer | None = None

    def is_set(self) -> bool:
        """Whether a signal came."""
        return self._asked.is_set()

    def signal_name(self) -> str:
        """The name of the last signal that came (SIGTERM)."""
        return self._number.name

    def wait(self, seconds: float) -> bool:
        """Let time pass, until a signal comes; whether one came."""
        return self._asked.wait(seconds)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """While the block runs, the first signal is left for the block to notice.

        A signal that came before and was lost is raised again: Python drops what is raised in a destructor or callback,
        and the work that begins here would be ended in the middle of a step.
        """
        if self._raised and not self._deferred:
            raise KeyboardInterrupt
        before, self._deferred, self._begun = self._deferred, True, True
        try:
            yield
        finally:
            self._deferred = before

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler of every signal that ends a command."""
        again = self._asked.is_set()
        if again and number == _HANGUP:
            return
        self._number = signal.Signals(number)
        self._asked.set()
        if self._deferred and not again:
            _say(_FINISHING)
            return
        self._raised = True
        if self._ending is None:
            self._ending = threading.Timer(_GRACE, self._end)
            self._ending.daemon = True
            self._ending.start()
        raise KeyboardInterrupt

    def over(self) -> None:
        """What was interrupted has ended by itself."""
        if self._ending is not None:
            self._ending.cancel()

    def _end(self) -> None:
        with suppress(OSError):
            if os.isatty(_STDERR):
                _say(b"\x1b[?25h")
        _say(_STOPPED if self._begun else _NOTHING_DONE)
        os._exit(Interrupted.exit_code)


@contextmanager
def interruptible(*, deferred: bool = False) -> Iterator[Interrupt]:
    """The handler of SIGINT, SIGTERM and SIGHUP for the block; `deferred`: the first one only sets the event.

    A signal that is ignored stays so (nohup). Outside the main thread, where Python lets nobody handle signals, the
    event is never set.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    handled = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt.handle) for number in handled}
    try:
        if deferred:
            with interrupt.deferred():
                yield interrupt
        else:
            yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        interrupt.over()


def _say(text: bytes) -> None:
    """Not through a stream: its lock may be held by the very code that was interrupted."""
    with suppress(OSError):
        os.write(_STDERR, text)
