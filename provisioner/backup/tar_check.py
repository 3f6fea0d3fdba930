"""Look through a tar stream while it passes: is it whole, what is in it, is there something that no archive can keep?

Pure; holds one header at a time.
"""

from __future__ import annotations

import tarfile
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.errors import ProvisionError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BLOCK = 512
_SPECIAL = {tarfile.FIFOTYPE: "a pipe", tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device"}
_EXTENDED = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_NAMED_LATER = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE)
# The most names that are told of what can not be kept.
_TOLD = 5


@dataclass(slots=True)
class TarCheck:
    """What was seen of one stream. `entries` counts files and folders without the outermost; `changed` is in Unix
    seconds; `special` are the names of pipes and devices."""

    what: str
    entries: int = 0
    changed: int = 0
    special: list[str] = field(default_factory=list)

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks as they are. ProvisionError at the end of a stream that is cut, or holds what can not be kept.

        A pipe or a device can not be restored as it was; it is told by name.
        """
        reader = _Reader(self)
        for chunk in chunks:
            reader.feed(chunk)
            yield chunk
        if not reader.ended:
            raise ProvisionError(f"{self.what}: the tar archive ends before its end")
        if self.special:
            names = ", ".join(self.special[:_TOLD]) + (", …" if len(self.special) > _TOLD else "")
            raise ProvisionError(
                f"{self.what} holds what no archive keeps: {names}",
                hint="leave the volume out with `backup: false`, and save its data with a service's `backup` command",
            )


class _Reader:
    """The headers of a tar stream (POSIX.1-2001 pax interchange format, as the engine writes it)."""

    def __init__(self, check: TarCheck) -> None:
        self._check = check
        self._buffer = bytearray()
        self._skip = 0
        self._extended = 0
        self._records: dict[str, str] = {}
        self.ended = False

    def feed(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view and not self.ended:
            if self._skip:
                passed = min(self._skip, len(view))
                self._skip -= passed
                view = view[passed:]
                continue
            wanted = self._extended or _BLOCK
            taken = min(wanted - len(self._buffer), len(view))
            self._buffer += view[:taken]
            view = view[taken:]
            if len(self._buffer) == wanted:
                block = bytes(self._buffer)
                self._buffer.clear()
                self._take(block)

    def _take(self, block: bytes) -> None:
        if self._extended:
            self._extended = 0
            self._records.update(_records(block))
            return
        if not block.strip(b"\0"):
            self.ended = True
            return
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise ProvisionError(f"{self._check.what}: not a tar archive where one is expected ({error})") from error
        padded = (header.size + _BLOCK - 1) // _BLOCK * _BLOCK
        if header.type in _EXTENDED:
            self._extended = padded
            return
        if header.type in _NAMED_LATER:
            self._skip = padded
            return
        size = int(self._records.get("size", header.size))
        name = self._records.get("path", header.name)
        self._records = {}
        if header.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE):
            self._skip = (size + _BLOCK - 1) // _BLOCK * _BLOCK
        self._count(header, name)

    def _count(self, header: tarfile.TarInfo, name: str) -> None:
        inner = name.removeprefix("./").rstrip("/").partition("/")[2]
        if not inner:
            return
        self._check.entries += 1
        self._check.changed = max(self._check.changed, int(header.mtime))
        if header.type in _SPECIAL:
            self._check.special.append(f"{inner} ({_SPECIAL[header.type]})")


def _records(block: bytes) -> dict[str, str]:
    """The records `LENGTH KEY=VALUE\\n` of an extended header."""
    records = {}
    rest = block.rstrip(b"\0")
    while rest:
        digits, _, _ = rest.partition(b" ")
        try:
            length = int(digits)
        except ValueError:
            break
        if length <= 0:
            break
        key, _, value = rest[len(digits) + 1 : length].rstrip(b"\n").partition(b"=")
        records[key.decode(errors="replace")] = value.decode(errors="replace")
        rest = rest[length:]
    return records
