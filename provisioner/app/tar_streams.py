"""Archives piece by piece: a local file or folder as one, and one unpacked here. Nothing is held in memory whole."""

from __future__ import annotations

import os
import posixpath
import secrets
import tarfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioner.app.tar_names import Arrival

_CHUNK = 1 << 18


def pack(path: str, name: str, rename: Callable[[str], str]) -> Iterator[bytes]:
    """A tar archive of a file or a folder, called `name` in it, each name through `rename`; links stay links.

    ProvisionError for what can not be read.
    """
    inward, outward = os.pipe()
    failed: list[Exception] = []

    def entry(member: tarfile.TarInfo) -> tarfile.TarInfo:
        # Members of a folder "." begin with what tarfile leaves of it.
        shown = member.name if name != "." or member.name == "." else f"./{member.name.removeprefix('./')}"
        member.name = rename(shown)
        if member.islnk():
            member.linkname = rename(member.linkname)
        member.uname = member.gname = ""
        return member

    def write() -> None:
        try:
            with os.fdopen(outward, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|", bufsize=_CHUNK) as archive:
                archive.add(path, arcname=name, filter=entry)
        except (OSError, ValueError) as error:
            failed.append(error)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    with os.fdopen(inward, "rb") as pipe:
        while chunk := pipe.read(_CHUNK):
            yield chunk
    writer.join()
    if failed:
        raise ProvisionError(f"{path} can not be copied: {failed[0]}")


def unpack(chunks: Iterator[bytes], arrival: Arrival) -> None:
    """Unpack an archive in a local folder, with modes, times and links, for the user who runs this.

    ProvisionError for a name that leads out of the folder, also through a link, and for what can not be written.
    """
    root = os.path.realpath(arrival.folder)
    folders: list[tarfile.TarInfo] = []
    try:
        with tarfile.open(fileobj=cast("Any", _Chunks(chunks)), mode="r|", bufsize=_CHUNK) as archive:
            for member in archive:
                member.name = arrival.name(member.name.rstrip("/"))
                # What arrives here belongs to whoever asked for it.
                member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
                if member.islnk():
                    member.linkname = arrival.name(member.linkname)
                    _require_inside(root, member.linkname)
                _require_inside(root, member.name)
                _make_way(Path(root, member.name), member)
                _extract(archive, member, root)
                folders += [member] if member.isdir() else []
            # A folder that can not be written would take nothing in.
            for member in reversed(folders):
                _finish(Path(root, member.name), member)
    except (OSError, tarfile.TarError) as error:
        raise ProvisionError(f"{arrival.folder} can not be written: {error}") from error


def _finish(path: Path, member: tarfile.TarInfo) -> None:
    path.chmod(member.mode)
    os.utime(path, (member.mtime, member.mtime))


def _require_inside(root: str, name: str) -> None:
    place = os.path.realpath(posixpath.join(root, posixpath.dirname(name)))
    if (
        ".." in name.split("/")
        or name.startswith("/")
        or not (place == root or place.startswith(f"{root.rstrip('/')}/"))
    ):
        raise ProvisionError(f"the archive names {name}, which is outside of {root}: nothing more is unpacked")


def _make_way(path: Path, member: tarfile.TarInfo) -> None:
    """What is no folder gives way to what comes in its place; a folder stays, with what is in it."""
    if not path.is_symlink() and path.is_dir():
        if not member.isdir():
            raise ProvisionError(f"{path} is a folder, and would have to become a file")
        return
    if path.is_symlink() or path.exists():
        if member.isdir():
            raise ProvisionError(f"{path} is a file, and would have to become a folder")
        if not member.isfile():
            path.unlink()


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, root: str) -> None:
    """Write one member. A file gets its name when all of it is there: what breaks off leaves what was there before."""
    name = member.name
    if member.isfile():
        member.name = posixpath.join(posixpath.dirname(name), f".provision-{secrets.token_hex(4)}")
    try:
        archive.extract(member, root, set_attrs=not member.isdir(), filter="fully_trusted")
        if member.name != name:
            Path(root, member.name).replace(Path(root, name))
    finally:
        if member.name != name:
            Path(root, member.name).unlink(missing_ok=True)
            member.name = name


class _Chunks:
    """Pieces as something to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = bytearray()

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer at the end."""
        while len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        content = bytes(self._rest[:size])
        del self._rest[:size]
        return content
