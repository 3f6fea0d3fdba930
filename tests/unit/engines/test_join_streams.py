"""Bytes both ways between a connection and this process, whoever of the two is slow."""

from __future__ import annotations

import functools
import socket
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from provisioner.engines.terminal import join_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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
