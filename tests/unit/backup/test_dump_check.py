"""A dump of nothing is none, however it is packed; whatever else there is in one passes as it is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from provisioner.backup.dump_check import DumpCheck
from provisioner.errors import StepFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    Packing = Callable[[bytes], bytes]

PACKINGS: dict[str, Packing] = {
    "as it is": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "twice": lambda content: gzip.compress(bz2.compress(content)),
}


def tar_of_nothing() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w"):
        pass
    return buffer.getvalue()


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("content", [b"", tar_of_nothing()], ids=["nothing", "tar of nothing"])
def test_a_dump_of_nothing_is_none(packing: str, content: bytes) -> None:
    packed = PACKINGS[packing](content)
    said = "wrote nothing" if not packed else f"there is nothing in the {len(packed)} bytes"
    with pytest.raises(StepFailed, match=f"service.db: .*{said}") as failed:
        list(DumpCheck("service.db", ["pg_dump: no such role"]).watch([packed[:7], packed[7:]]))
    assert failed.value.evidence == ("pg_dump: no such role",)


@given(
    packing=st.sampled_from(list(PACKINGS)),
    content=st.binary(min_size=1, max_size=400).filter(lambda found: found.strip(b"\0")),
    cut=st.integers(1, 500),
)
def test_what_has_something_in_it_passes(packing: str, content: bytes, cut: int) -> None:
    packed = PACKINGS[packing](content)
    chunks = [packed[start : start + cut] for start in range(0, len(packed), cut)]
    assert b"".join(DumpCheck("service.db").watch(chunks)) == packed


@pytest.mark.parametrize("start", [b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"])
def test_what_only_begins_like_something_packed_passes(start: bytes) -> None:
    for said in (start, start + b"\xff" * 40):
        assert list(DumpCheck("service.db").watch([said])) == [said]
