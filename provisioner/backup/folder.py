"""Archives as folders below a folder: DIR/<archive>/manifest.json and the parts beside it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.backup.manifest import FILE
from provisioner.backup.streams import ANOTHER, Damaged
from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HIDDEN = ".incomplete-"
# What is called like an archive was one, though its manifest be gone: no other folder is made under such a name.
_NAMED = re.compile(r".+-[0-9]{8}T[0-9]{6}Z")
_CHUNK = 1 << 18
# Seconds after which what nobody writes to any more is no archive in the making.
_STALE = 24 * 3600.0


class FolderPlace:
    """Implements `Place` in a folder of this machine. Archives are readable by their owner only."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    @property
    def url(self) -> str:
        return str(self._folder)

    def archives(self) -> Sequence[str]:
        try:
            entries = [
                entry.name for entry in os.scandir(self._folder) if entry.is_dir() and not entry.name.startswith(".")
            ]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _failed(error, self._folder) from error
        return sorted(name for name in entries if _NAMED.fullmatch(name) or (self._folder / name / FILE).is_file())

    def sizes(self, archive: str) -> Mapping[str, int]:
        try:
            return {entry.name: entry.stat().st_size for entry in os.scandir(self._folder / archive)}
        except OSError as error:
            raise _failed(error, self._folder / archive) from error

    def read(self, archive: str, name: str) -> Iterator[bytes]:
        path = self._folder / archive / name
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        except FileNotFoundError as error:
            raise Damaged(f"{archive} is damaged: it has no {name}", hint=ANOTHER) from error
        except OSError as error:
            raise _failed(error, path) from error

    def begin(self, archive: str) -> FolderDraft:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_stale()
            hidden = self._hidden(archive)
        except OSError as error:
            raise _failed(error, self._folder) from error
        return FolderDraft(hidden, self._folder / archive)

    def remove(self, archive: str) -> None:
        try:
            hidden = self._hidden(archive)
            (self._folder / archive).rename(hidden)
            shutil.rmtree(hidden)
        except OSError as error:
            raise _failed(error, self._folder / archive) from error

    def _hidden(self, archive: str) -> Path:
        """A new empty folder, whatever a killed backup of the same second has left under its name."""
        return Path(tempfile.mkdtemp(prefix=f"{_HIDDEN}{archive}-", dir=self._folder))

    def _remove_stale(self) -> None:
        """What a backup that was killed has left."""
        for path in self._folder.glob(f"{_HIDDEN}*"):
            with contextlib.suppress(OSError):
                newest = max((file.stat().st_mtime for file in (path, *path.iterdir())), default=0.0)
                if time.time() - newest > _STALE:
                    shutil.rmtree(path)


class FolderDraft:
    """Implements `Draft`: a hidden folder beside the others, renamed when everything is on the disk."""

    def __init__(self, hidden: Path, final: Path) -> None:
        self._hidden = hidden
        self._final = final
        self._open: _File | None = None

    def open(self, name: str) -> _File:
        self._close()
        self._open = _File(self._hidden / name)
        return self._open

    def finish(self, manifest: bytes) -> None:
        file = self.open(FILE)
        file.write(manifest)
        self._close()
        try:
            _sync_folder(self._hidden)
            self._hidden.rename(self._final)
            _sync_folder(self._final.parent)
        except OSError as error:
            raise _failed(error, self._final) from error

    def abandon(self) -> None:
        with contextlib.suppress(ProvisionError):
            self._close()
        shutil.rmtree(self._hidden, ignore_errors=True)

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            raise _failed(error, path) from error

    def write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise _failed(error, self._path) from error

    def close(self) -> None:
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _failed(error, self._path) from error
        finally:
            with contextlib.suppress(OSError):
                self._file.close()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(error: OSError, path: Path) -> ProvisionError:
    """What the system says of a path, with what there is to do about it."""
    text, hint = f"{path}: {error.strerror or error}", "see what is wrong with that disk, or name another place"
    parent = next((candidate for candidate in (path, *path.parents) if os.path.exists(candidate)), Path())  # noqa: PTH110
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        with contextlib.suppress(OSError):
            text = f"{text}; {shutil.disk_usage(parent).free >> 20} MiB are free there"
        hint = (
            "free space, or name another place (backup.to); `provision backup prune` removes what `keep` does not keep"
        )
    elif error.errno == errno.EROFS:
        hint = "what it is on is mounted read-only: mount it for writing, or name another place (backup.to)"
    elif error.errno in (errno.EACCES, errno.EPERM):
        with contextlib.suppress(OSError):
            status = parent.stat()
            text = f"{text}; {parent} has the mode {stat.filemode(status.st_mode)} and is of user {status.st_uid}"
        hint = "run it as a user who may, give this one the right, or name another place (backup.to)"
    elif error.errno in (errno.ENOTDIR, errno.EEXIST):
        text = f"{path}: {parent} is a file, and a folder is expected"
        hint = "move it, or name another place (backup.to)"
    return ProvisionError(text, hint=hint)
