"""From what is read to what is kept, and back: zstd, age, checksums. Streamed; memory does not grow with the size.

The only user of pyrage and zstandard.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from typing import TYPE_CHECKING, Protocol

from provisioner.errors import ProvisionError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LEVEL = 3
_COPY = 1 << 18
# What zstd's own thread compresses while the next is read; larger takes more memory, and saves next to no bytes.
_AT_ONCE = 2 << 20
ANOTHER = "take another archive (provision backup list), and find out what broke this one"


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes) -> object: ...


class Damaged(ProvisionError):
    """What was kept is not what was written."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What went in (`content_…`) and what came out; sizes in bytes, SHA-256 in hexadecimal."""

    size: int
    sha256: str
    content_size: int
    content_sha256: str


def store(chunks: Iterable[bytes], sink: Sink, *, compress: bool, recipients: Sequence[str]) -> Stored:
    """Write a stream into a sink, compressed and encrypted as asked."""
    source = _Source(chunks, compress=compress)
    counted = _Counted(sink)
    if recipients:
        _encrypt(source, counted, recipients)
    else:
        while data := source.read(_COPY):
            counted.write(data)
    return Stored(counted.size, counted.sha256.hexdigest(), source.size, source.sha256.hexdigest())


def restored(chunks: Iterable[bytes], *, compressed: bool, identities: Sequence[str] | None) -> Iterator[bytes]:
    """What was read once, from what is kept. `identities` are secret age keys, None for what is not encrypted.

    ProvisionError where it can not be decompressed, or is encrypted to somebody else.
    """
    import zstandard

    plain = chunks if identities is None else _decrypted(chunks, identities)
    if not compressed:
        yield from plain
        return
    # A few bytes may stand for gigabytes of zeros: what comes out is bounded, not what goes in. That a stream is torn
    # is told by its size and checksum (`checked`).
    source = _Reading(plain)
    reader = zstandard.ZstdDecompressor().stream_reader(source, read_size=_COPY)  # type: ignore[arg-type]
    try:
        while data := reader.read(_COPY):
            yield data
    except zstandard.ZstdError as error:
        raise source.error or Damaged(f"it can not be decompressed: {error}") from error


def checked(chunks: Iterable[bytes], size: int, sha256: str, what: str) -> Iterator[bytes]:
    """The chunks as they are. ProvisionError at the end where they are not what the checksum says."""
    digest, count = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        count += len(chunk)
        yield chunk
    if (count, digest.hexdigest()) != (size, sha256):
        difference = (
            f"{count} bytes where {size} were written" if count != size else "another checksum than was written"
        )
        raise Damaged(f"{what} is damaged: {difference}", hint=ANOTHER)


def read_identities(path: str) -> tuple[str, ...]:
    """The secret keys of an age identity file (`age-keygen -o`): a key on each line, '#' begins a comment."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            lines = [line.strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ProvisionError(f"the key file {path} can not be read: {reason}") from None
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys or not all(key.startswith("AGE-SECRET-KEY-") for key in keys):
        raise ProvisionError(f"{path} is no age key file", hint="age-keygen -o FILE makes one")
    return keys


class _Source:
    """Chunks as a file that can be read from, compressed on the way; counts what goes in."""

    def __init__(self, chunks: Iterable[bytes], *, compress: bool) -> None:
        self._chunks = iter(chunks)
        self._engine = None
        if compress:
            import zstandard

            how = zstandard.ZstdCompressionParameters.from_level(
                _LEVEL, write_checksum=True, threads=1, job_size=_AT_ONCE
            )
            self._engine = zstandard.ZstdCompressor(compression_params=how).compressobj()
        self._buffer = bytearray()
        self._ended = False
        self.size = 0
        self.sha256 = hashlib.sha256()
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._ended and (size < 0 or len(self._buffer) < size):
                self._more()
        except BaseException as error:
            self.error = error
            raise
        taken = bytes(self._buffer[:size] if size >= 0 else self._buffer)
        del self._buffer[: len(taken)]
        return taken

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            self._ended = True
            self._buffer += self._engine.flush() if self._engine else b""
            return
        self.size += len(chunk)
        self.sha256.update(chunk)
        self._buffer += self._engine.compress(chunk) if self._engine else chunk


class _Counted:
    """A sink that counts what goes through."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.size = 0
        self.sha256 = hashlib.sha256()
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.sha256.update(data)
        try:
            self._sink.write(data)
        except BaseException as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""


def _encrypt(source: _Source, counted: _Counted, recipients: Sequence[str]) -> None:
    import pyrage

    keys = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
    # Eight kilobytes at a time come out of age; fewer, larger writes are faster.
    buffered = io.BufferedWriter(_Raw(counted), _COPY)
    try:
        pyrage.encrypt_io(source, buffered, keys)
        buffered.flush()
    except Exception as error:
        # An error of ours comes out of age as one of its own.
        if cause := source.error or counted.error:
            raise cause from None
        raise ProvisionError(f"age could not encrypt: {error}") from error


class _Raw(io.RawIOBase):
    def __init__(self, counted: _Counted) -> None:
        self._counted = counted

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._counted.write(bytes(data))  # type: ignore[call-overload]


class _Reading:
    """Chunks as a file; keeps the error that ended them."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._source = _Source(chunks, compress=False)

    @property
    def error(self) -> BaseException | None:
        return self._source.error

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size)


def _decrypted(chunks: Iterable[bytes], identities: Sequence[str]) -> Iterator[bytes]:
    """age pushes what it decrypts; a pipe with a thread behind makes a stream of it that can be pulled."""
    import pyrage

    keys = [pyrage.x25519.Identity.from_str(identity) for identity in identities]
    reading = _Reading(chunks)
    out, into = os.pipe()
    trouble: list[BaseException] = []

    def run() -> None:
        with os.fdopen(into, "wb", buffering=_COPY) as file:
            try:
                pyrage.decrypt_io(reading, file, keys)
            except BaseException as error:
                trouble.append(reading.error or error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    with os.fdopen(out, "rb", buffering=0) as file:
        while data := file.read(_COPY):
            yield data
    thread.join()
    if trouble:
        if isinstance(trouble[0], ProvisionError):
            raise trouble[0]
        raise _not_decrypted(trouble[0])


def _not_decrypted(error: BaseException) -> ProvisionError:
    if "No matching keys" in str(error):
        return ProvisionError(
            "it is encrypted to another key than the one that was given",
            hint="name the file with the secret key of one of the recipients: --identity FILE",
        )
    return Damaged(f"it can not be decrypted: {error}")
