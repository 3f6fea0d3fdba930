"""A process in a container joined to this process's standard streams, raw where there is a terminal."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import ssl
import stat
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEADER = 8
_CHUNK = 65536
# Seconds between two looks at whether the user asks for the end.
_LOOK = 0.2
# Seconds of silence after which nothing more is expected of what has ended.
_SILENCE = 1.0


class LocalWriteError(Exception):
    """This process's own output could not be written, for `reason`: nothing is wrong with the other side.

    No OSError itself, as which it would be taken for the connection's.
    """

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def never() -> bool:
    """Nobody asks for the end."""
    return False


def is_input_piped() -> bool:
    """Whether this process's standard input is a pipe, or a file with something in it."""
    try:
        status = os.fstat(0)
    except OSError:
        return False
    return stat.S_ISFIFO(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_size > 0)


def terminal_size() -> tuple[int, int] | None:
    """Rows and columns of this process's own terminal, whatever COLUMNS says; None where its input is none."""
    try:
        size = os.get_terminal_size(sys.stdin.fileno())
    except (OSError, ValueError):
        return None
    return size.lines, size.columns


def join_streams(
    stream: Any,
    *,
    tty: bool,
    resize: Callable[[int, int], object],
    stopped: Callable[[], bool] = never,
    stdin: bool = True,
    ends_input: bool = True,
    over: bool = False,
    begin: Callable[[], object] | None = None,
) -> bool:
    """Copy both ways between a hijacked connection and this process until the other side ends or `stopped` says so.

    `stream` is what docker-py answers with for a socket. `resize` is told of rows and columns of a terminal, `begin`
    is called once everything that comes is read. With `ends_input` the other side is told when there is no more input.
    What is `over` may still have something to say, and may not close the stream: silence is its end.
    Whether the other side has ended by itself. LocalWriteError where what comes can not be written here.
    """
    connection: Any = getattr(stream, "_sock", stream)
    raw = _raw_terminal(resize) if tty and stdin and sys.stdin.isatty() else contextlib.nullcontext(lambda: None)
    try:
        with raw as tell_size:
            if begin is not None:
                begin()
            # What has not begun has no terminal whose size could be told.
            tell_size()
            return _Copy(connection, tty=tty, stdin=stdin and not over, ends_input=ends_input).run(stopped, over=over)
    finally:
        stream.close()
        connection.close()


@contextlib.contextmanager
def _raw_terminal(resize: Callable[[int, int], object]) -> Iterator[Callable[[], None]]:
    """The local terminal in raw mode, its size passed on whenever it changes, and when what this yields is called."""
    import termios
    import tty as terminal

    def tell(*_: object) -> None:
        # A command that has ended already has no size.
        size = terminal_size()
        with contextlib.suppress(Exception):
            if size is not None:
                resize(*size)

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    previous = signal.signal(signal.SIGWINCH, tell)
    try:
        terminal.setraw(descriptor)
        yield tell
    finally:
        # The terminal may be closed by now.
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, previous)


class _Copy:
    """Bytes both ways. What can not be sent yet waits, and holds up neither what comes nor more memory than itself: a
    process that writes before it reads on would otherwise wait for us, and we for it.
    """

    def __init__(self, connection: Any, *, tty: bool, stdin: bool, ends_input: bool) -> None:
        self._connection = connection
        self._frames = None if tty else Frames()
        self._ends_input = ends_input
        self._unsent = b""
        self._input: list[int] = []
        if stdin:
            with contextlib.suppress(ValueError, OSError):
                self._input.append(sys.stdin.fileno())
        connection.setblocking(False)

    def run(self, stopped: Callable[[], bool], *, over: bool) -> bool:
        """Until the other side ends (True) or `stopped` says so; what is `over` ends with its silence."""
        heard = time.monotonic()
        while not stopped():
            try:
                readable, writable, _ = select.select(
                    [self._connection, *(() if self._unsent else self._input)],
                    [self._connection] if self._unsent else [], [], _LOOK,
                )  # fmt: skip
            except InterruptedError:
                continue
            if self._connection in readable:
                data = _receive(self._connection)
                if data == b"":
                    return True
                self._write(data or b"")
                heard = time.monotonic()
            elif over and time.monotonic() - heard > _SILENCE:
                return True
            if self._connection in writable:
                self._send()
            elif self._input and self._input[0] in readable:
                self._read()
        return False

    def _write(self, data: bytes) -> None:
        for descriptor, content in [(1, data)] if self._frames is None else self._frames.feed(data):
            try:
                write(descriptor, content)
            except OSError as error:
                raise LocalWriteError(error) from error

    def _read(self) -> None:
        """What is typed is sent on; its end is told."""
        self._unsent = _typed(self._input[0])
        if self._unsent:
            self._send()
            return
        self._input.clear()
        if self._ends_input:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[self._connection.send(self._unsent) :]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            # What has ended already reads nothing more; what it said is still on its way.
            self._unsent = b""


def _receive(connection: Any) -> bytes | None:
    """What came, empty at the end; None where it turns out to be nothing yet."""
    try:
        return bytes(connection.recv(_CHUNK))
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    except ConnectionResetError:
        return b""


def _typed(descriptor: int) -> bytes:
    """What was typed; nothing once the terminal is closed."""
    try:
        return os.read(descriptor, _CHUNK)
    except OSError:
        return b""


class Frames:
    """A multiplexed stream taken apart (Engine API, ContainerAttach: a header of eight bytes before each piece).

    Frames are handed on in pieces as they come, so that none has to fit into memory.
    """

    def __init__(self) -> None:
        self._header = b""
        self._descriptor = 1
        self._left = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """What is complete of the next bytes: the descriptor (1 or 2) and the content."""
        while data:
            if self._left:
                piece, data = data[: self._left], data[self._left :]
                self._left -= len(piece)
                yield self._descriptor, piece
                continue
            wanted = _HEADER - len(self._header)
            self._header, data = self._header + data[:wanted], data[wanted:]
            if len(self._header) == _HEADER:
                kind, self._left = struct.unpack(">BxxxL", self._header)
                self._descriptor, self._header = (2 if kind == 2 else 1), b""


def write(descriptor: int, data: bytes) -> None:
    """Write all of it, also to what somebody else has made non-blocking. OSError, with the stream's name, where that
    can not be."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
        except OSError as error:
            error.filename = "standard error" if descriptor == 2 else "standard output"
            raise
