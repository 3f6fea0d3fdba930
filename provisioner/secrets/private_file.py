"""Files that hold secrets: read only when nobody else could have written them, written so that a power cut leaves
the old file or the new one. Knows nothing of what is in them.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_FILE = 4 * 1024 * 1024

# Windows has neither users' numbers nor modes: what is asked of a file here can not be known there.
_HAS_MODES = hasattr(os, "geteuid")


@dataclass(frozen=True, slots=True)
class PrivateFile:
    """What a file holds, who owns it, and what a person should know about its permissions."""

    content: bytes = field(repr=False)
    owner: tuple[int, int]
    cautions: tuple[str, ...] = ()


def read(path: Path, *, only_owner: bool = False) -> PrivateFile | None:
    """Read a file, or None where there is none. `only_owner` refuses a file that others can read.

    `SecretUnavailable` for a link, anything but a regular file, a file or folder that others can write, a file of
    another user, and one above 4 MiB. The checks are made on the opened file, so it can not be swapped between.
    Where the system has no modes (Windows), any file is refused.
    """
    if not _HAS_MODES and not path.exists():
        return None
    _require_modes(path)
    try:
        # Never through a link, and a FIFO must not make us wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        number = error.errno
    else:
        return _opened(descriptor, path, only_owner=only_owner)
    if number in (errno.ENOENT, errno.ENOTDIR):
        return None
    if number == errno.ELOOP:
        raise _refused(path, "is a symbolic link", "put the file itself there")
    raise _refused(path, f"can not be read: {os.strerror(number or 0)}")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other runs that change a file in it; the engine of the lock is the open folder."""
    _require_modes(folder)
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes, *, owner: tuple[int, int] | None = None) -> None:
    """Put `content` there with mode 0600, for `owner` where one is given, through a file beside it and a rename.

    Call it inside `locked`: what a killed run left beside the file is then known to be stale, and removed.
    """
    beside = _written_beside(path, content, owner)
    try:
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def create(path: Path, content: bytes) -> bool:
    """Put `content` there with mode 0600 unless there is a file already; whether it was put. Inside `locked`."""
    beside = _written_beside(path, content, None)
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        beside.unlink(missing_ok=True)
    _sync(path.parent)
    return True


def _written_beside(path: Path, content: bytes, owner: tuple[int, int] | None) -> Path:
    beside = path.with_name(f"{path.name}.tmp")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if owner and owner != (os.geteuid(), os.getegid()):
                os.fchown(stream.fileno(), *owner)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return beside


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(descriptor: int, path: Path, *, only_owner: bool) -> PrivateFile:
    try:
        status = os.fstat(descriptor)
        cautions = _checked(path, status, only_owner=only_owner)
        parts = []
        left = LARGEST_FILE + 1
        while left and (part := os.read(descriptor, left)):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(descriptor)
    if not left:
        raise _refused(path, f"is larger than {LARGEST_FILE} bytes")
    return PrivateFile(b"".join(parts), (status.st_uid, status.st_gid), cautions)


def _checked(path: Path, status: os.stat_result, *, only_owner: bool) -> tuple[str, ...]:
    mode = stat.S_IMODE(status.st_mode)
    remedy = f"chmod 600 {path}"
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, "is not a regular file")
    if mode & 0o022:
        raise _refused(path, f"can be written by others (mode {mode:04o})", remedy)
    if only_owner and mode & 0o077:
        raise _refused(path, f"can be read by others (mode {mode:04o})", remedy)
    folder = path.parent.stat().st_mode
    if folder & stat.S_IWOTH and not folder & stat.S_ISVTX:
        raise _refused(path, "lies in a folder that everyone can write", f"chmod o-w {path.parent}")
    ours = os.geteuid()
    if status.st_uid not in (ours, 0) and ours != 0:
        raise _refused(path, f"belongs to another user (uid {status.st_uid})", f"chown {ours} {path}")
    cautions = []
    if mode & 0o044:
        cautions.append(f"{path} can be read by others (mode {mode:04o}); {remedy}")
    if status.st_uid != ours and ours == 0:
        cautions.append(f"{path} belongs to uid {status.st_uid}, who can change what root deploys")
    return tuple(cautions)


def _require_modes(path: Path) -> None:
    if not _HAS_MODES:
        raise _refused(
            path, "holds secrets, and this system can not say who may read it",
            "run provision on Linux, on macOS or in WSL 2",
        )  # fmt: skip


def _refused(path: Path, why: str, hint: str | None = None) -> SecretUnavailable:
    return SecretUnavailable(f"{path} {why}", hint=hint)
