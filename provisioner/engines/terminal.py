"""A command in a container joined to this process's standard streams, raw where there is a terminal."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import struct
import sys
import termios
import tty as terminal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = 8
_CHUNK = 65536


def run_attached(client: Any, exec_id: str, *, tty: bool) -> None:
    """Start an exec that was created with standard input, and copy both ways until it ends."""
    stream = client.exec_start(exec_id, tty=tty, socket=True)
    connection: socket.socket = getattr(stream, "_sock", stream)
    with _raw_terminal(client, exec_id) if tty else contextlib.nullcontext():
        _copy(connection, tty=tty)
    stream.close()


@contextlib.contextmanager
def _raw_terminal(client: Any, exec_id: str) -> Iterator[None]:
    """The local terminal in raw mode, its size passed on whenever it changes."""

    def resize(*_: object) -> None:
        size = shutil.get_terminal_size()
        # A command that has ended already has no size.
        with contextlib.suppress(Exception):
            client.exec_resize(exec_id, height=size.lines, width=size.columns)

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    previous = signal.signal(signal.SIGWINCH, resize)
    try:
        terminal.setraw(descriptor)
        resize()
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, previous)


def _copy(connection: socket.socket, *, tty: bool) -> None:
    pending = b""
    sources: list[Any] = [connection]
    with contextlib.suppress(ValueError, OSError):
        sources.append(sys.stdin.fileno())
    while True:
        try:
            readable, _, _ = select.select(sources, [], [])
        except InterruptedError:
            continue
        if connection in readable:
            data = connection.recv(_CHUNK)
            if not data:
                return
            pending = b"" if tty and _write(1, data) else _frames(pending + data)
        if len(sources) > 1 and sources[1] in readable:
            typed = os.read(sources[1], _CHUNK)
            if typed:
                connection.sendall(typed)
            else:
                del sources[1]
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)


def _frames(data: bytes) -> bytes:
    """Write the complete frames of a multiplexed stream to where they belong; the rest comes back."""
    while len(data) >= _HEADER:
        kind, length = struct.unpack(">BxxxL", data[:_HEADER])
        if len(data) < _HEADER + length:
            break
        _write(2 if kind == 2 else 1, data[_HEADER : _HEADER + length])
        data = data[_HEADER + length :]
    return data


def _write(descriptor: int, data: bytes) -> bool:
    while data:
        data = data[os.write(descriptor, data) :]
    return True
