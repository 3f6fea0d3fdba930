"""A multiplexed stream taken apart, however it is cut."""

from __future__ import annotations

import struct

import pytest

from provisioner.engines.terminal import Frames


def frame(kind: int, content: bytes) -> bytes:
    return struct.pack(">BxxxL", kind, len(content)) + content


@pytest.mark.parametrize("size", [1, 3, 8, 9, 1000])
def test_every_byte_goes_where_it_belongs(size: int) -> None:
    stream = frame(1, b"out") + frame(2, b"error") + frame(1, b"") + frame(0, bytes(range(256)))
    frames = Frames()
    found = {1: b"", 2: b""}
    for start in range(0, len(stream), size):
        for descriptor, content in frames.feed(stream[start : start + size]):
            found[descriptor] += content
    assert found == {1: b"out" + bytes(range(256)), 2: b"error"}


def test_a_large_frame_is_handed_on_before_it_is_whole() -> None:
    frames = Frames()
    [(descriptor, content)] = frames.feed(struct.pack(">BxxxL", 2, 1 << 31) + b"x" * 100)
    assert (descriptor, content) == (2, b"x" * 100)
