"""A process in a container joined to this process's standard streams, raw where there is a terminal."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import stat
import struct
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEADER = 8
_CHUNK = 65536
# Seconds between two looks at whether the user asks for the end.
_LOOK = 0.2


def never() -> bool:
    """Nobody asks for the end."""
    return False


def is_input_piped() -> bool:
    """Whether this process's standard input is a pipe, or a file with something in it."""
    try:
        found = os.fstat(0)
    except OSError:
        return False
    return stat.S_ISFIFO(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_size > 0)


def join_streams(
    stream: Any,
    *,
    tty: bool,
    resize: Callable[[int, int], object],
    stopped: Callable[[], bool] = never,
    stdin: bool = True,
    ends_input: bool = True,
    begin: Callable[[], object] | None = None,
) -> bool:
    """Copy both ways between a hijacked connection and this process until the other side ends or `stopped` says so.

    `stream` is what docker-py answers with for a socket. `resize` is told of rows and columns of a terminal, `begin`
    is called once everything that comes is read. With `ends_input` the other side is told when there is no more input.
    Whether the other side has ended by itself.
    """
    connection: Any = getattr(stream, "_sock", stream)
    raw = _raw_terminal(resize) if tty and stdin and sys.stdin.isatty() else contextlib.nullcontext()
    try:
        with raw:
            if begin is not None:
                begin()
            return _copy(connection, tty=tty, stopped=stopped, stdin=stdin, ends_input=ends_input)
    finally:
        stream.close()


@contextlib.contextmanager
def _raw_terminal(resize: Callable[[int, int], object]) -> Iterator[None]:
    """The local terminal in raw mode, its size passed on whenever it changes."""
    import termios
    import tty as terminal

    def tell(*_: object) -> None:
        # The terminal's own size, whatever COLUMNS says. A command that has ended already has no size.
        with contextlib.suppress(Exception):
            size = os.get_terminal_size(descriptor)
            resize(size.lines, size.columns)

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    previous = signal.signal(signal.SIGWINCH, tell)
    try:
        terminal.setraw(descriptor)
        tell()
        yield
    finally:
        # The terminal may be closed by now.
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, previous)


def _copy(connection: Any, *, tty: bool, stopped: Callable[[], bool], stdin: bool, ends_input: bool) -> bool:
    frames = Frames()
    sources: list[Any] = [connection]
    if stdin:
        with contextlib.suppress(ValueError, OSError):
            sources.append(sys.stdin.fileno())
    while not stopped():
        try:
            readable, _, _ = select.select(sources, [], [], _LOOK)
        except InterruptedError:
            continue
        if connection in readable:
            data = _receive(connection)
            if not data:
                return True
            if tty:
                write(1, data)
            else:
                for descriptor, content in frames.feed(data):
                    write(descriptor, content)
        if len(sources) > 1 and sources[1] in readable:
            typed = _typed(sources[1])
            if typed:
                # What has ended already reads nothing more; what it said is still on its way.
                with contextlib.suppress(OSError):
                    connection.sendall(typed)
            else:
                del sources[1]
                if ends_input:
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_WR)
    return False


def _receive(connection: Any) -> bytes:
    try:
        return bytes(connection.recv(_CHUNK))
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
    """Write all of it."""
    while data:
        data = data[os.write(descriptor, data) :]
