"""Bytes both ways between a connection and this process, whoever of the two is slow."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import select
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provisioner.engines.terminal import LocalWriteError, join_streams, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# More than the buffers of a socket hold.
_MUCH = 4 << 20


@pytest.fixture
def joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., bool]]:
    """`join_streams` of a connection, with a file of much on standard input."""
    path = tmp_path / "input"
    path.write_bytes(bytes(_MUCH))
    with path.open("rb") as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield functools.partial(join_streams, tty=True, resize=lambda rows, columns: None)


def test_one_that_writes_much_before_it_reads_does_not_wait_for_us_while_we_wait_for_it(
    joined: Callable[..., bool], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    near, far = socket.socketpair()
    # So a blocked end is an error soon, and not a test without end.
    near.settimeout(0.2)
    received = []

    def other_side() -> None:
        with far:
            far.sendall(b"x" * _MUCH)
            while data := far.recv(65536):
                received.append(len(data))

    thread = threading.Thread(target=other_side, daemon=True)
    thread.start()
    assert joined(near) is True
    thread.join(10)
    assert sum(received) == _MUCH
    assert capfdbinary.readouterr().out == b"x" * _MUCH


def test_what_is_over_ends_with_its_silence_and_what_it_said_is_told(
    joined: Callable[..., bool], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    near, far = socket.socketpair()
    with far:
        far.sendall(b"last words")
        assert joined(near, over=True) is True
    assert capfdbinary.readouterr().out == b"last words"


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC])
def test_output_that_can_not_be_written_here_is_no_error_of_the_other_side(
    joined: Callable[..., bool], number: int
) -> None:
    near, far = socket.socketpair()
    with far, _standard_output(number):
        far.sendall(b"said")
        with pytest.raises(LocalWriteError) as raised:
            joined(near)
    assert raised.value.reason.errno == number
    assert raised.value.reason.filename == "standard output"
    assert not isinstance(raised.value, OSError)


@contextlib.contextmanager
def _standard_output(number: int) -> Iterator[None]:
    """Standard output to a full disk, or to a pipe that nobody reads."""
    kept = os.dup(1)
    if number == errno.ENOSPC:
        broken = os.open("/dev/full", os.O_WRONLY)
    else:
        inward, broken = os.pipe()
        os.close(inward)
    os.dup2(broken, 1)
    os.close(broken)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def test_a_pipe_that_is_full_and_does_not_block_is_waited_for() -> None:
    inward, outward = os.pipe()
    os.set_blocking(outward, False)
    received = []

    def reads() -> None:
        with Path(f"/dev/fd/{inward}").open("rb", buffering=0) as pipe:
            while data := pipe.read(65536):
                received.append(len(data))

    thread = threading.Thread(target=reads, daemon=True)
    # It is full before anybody reads.
    os.write(outward, bytes(_MUCH))
    assert not select.select([], [outward], [], 0)[1]
    thread.start()
    write(outward, bytes(_MUCH))
    os.close(outward)
    thread.join(10)
    os.close(inward)
    assert sum(received) > _MUCH
