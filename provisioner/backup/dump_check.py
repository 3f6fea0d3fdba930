"""Look at a dump while it passes: is there anything in it? A command that fails within a pipe ends well all the same.

Pure; holds the first kilobytes only.
"""

from __future__ import annotations

import bz2
import contextlib
import lzma
import zlib
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from provisioner.backup.streams import restored
from provisioner.errors import ProvisionError, StepFailed
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

# What is longer has something in it. A tar archive of nothing has this length, if not written to a tape.
_LONGEST = 10240
# How often something is compressed again.
_LAYERS = 3
# The least bytes of a whole frame of zstd (RFC 8878): magic number, header of the frame, header of its last block.
_FRAME = 9


class _Decompressor(Protocol):
    """One of the standard library's."""

    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


@dataclass(slots=True)
class DumpCheck:
    """What is looked for in one stream. `words` are the last lines of its command's standard error."""

    what: str
    words: Sequence[str] = ()
    size: int = 0
    _head: bytearray = field(default_factory=bytearray)

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks as they are. StepFailed at the end of a stream that is no dump of anything."""
        for chunk in chunks:
            self.size += len(chunk)
            if self.size <= _LONGEST:
                self._head += chunk
            yield chunk
        if not self.size:
            raise StepFailed(
                f"{self.what}: its backup command wrote nothing",
                hint="it is to write the data to its standard output",
                evidence=tuple(self.words),
            )
        if self.size <= _LONGEST and is_empty(bytes(self._head)):
            raise StepFailed(
                f"{self.what}: there is nothing in the {self.size} bytes that its backup command wrote",
                hint="a pipe ends as its last command does: begin it with `set -eo pipefail;`, or let one command "
                "dump and compress (pg_dump -Fc)",
                evidence=tuple(self.words),
            )


def is_empty(content: bytes) -> bool:
    """Whether a whole stream has nothing in it: no bytes, or zeros only, once it is decompressed."""
    for _ in range(_LAYERS):
        content = _decompressed(content)
    return not content.strip(b"\0")


def _decompressed(content: bytes) -> bytes:
    """What gzip, bzip2, xz or zstd made the stream from, or the start of that; another one as it is."""
    for magic, read in _FORMATS.items():
        if content.startswith(magic):
            # What only begins like it, or is torn, is something else, and not nothing.
            with contextlib.suppress(OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, ProvisionError):
                return read(content)
    return content


def _read(decompressor: _Decompressor, content: bytes) -> bytes:
    output = decompressor.decompress(content, _LONGEST)
    return output if output or decompressor.eof else content


def _unzstd(content: bytes) -> bytes:
    return next(restored([content], compressed=True, identities=None), b"") if len(content) >= _FRAME else content


_FORMATS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": lambda content: _read(zlib.decompressobj(wbits=31), content),
    b"BZh": lambda content: _read(bz2.BZ2Decompressor(), content),
    b"\xfd7zXZ\0": lambda content: _read(lzma.LZMADecompressor(), content),
    b"\x28\xb5\x2f\xfd": _unzstd,
}
