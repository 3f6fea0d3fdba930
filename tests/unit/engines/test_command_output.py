"""What a command writes, out of the engine's multiplexed stream."""

from __future__ import annotations

import socket
import struct
from collections import deque

import pytest

from provisioner.engines.data_streams import read_output
from provisioner.errors import StepFailed


def frame(kind: int, content: bytes) -> bytes:
    return struct.pack(">BxxxL", kind, len(content)) + content


def test_who_reads_gets_the_word_while_a_command_says_nothing() -> None:
    ours, theirs = socket.socketpair()
    words: deque[str] = deque()
    with ours, theirs:
        output = read_output(ours, words, 600, "dump")
        assert next(output) == b""
        theirs.sendall(frame(2, b"half way\n") + frame(1, b"rows"))
        assert next(output) == b"rows"
        theirs.shutdown(socket.SHUT_WR)
        assert list(output) == []
    assert list(words) == ["half way"]


def test_a_command_that_hangs_is_told_as_what_it_is() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame(2, b"waiting for a lock\n"))
        with pytest.raises(StepFailed, match="`dump` has written nothing for 0 seconds and did not end") as told:
            list(read_output(ours, deque(), 0, "dump"))
        assert told.value.evidence == ("waiting for a lock",)
        # One that takes its input is at work, however little it says.
        assert next(read_output(ours, deque(), 0, "dump", lambda: float("inf"))) == b""
