"""What is in the files of a container's configs and secrets: written into their volume, and read back.

No content leaves this module but as an archive for the engine.
"""

from __future__ import annotations

import hmac
import io
import tarfile
from typing import TYPE_CHECKING, Any

from provisioner.errors import StepFailed
from provisioner.kinds.container_files import ELSEWHERE, path_in_volume
from provisioner.kinds.container_mounts import file_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.address import Address
    from provisioner.model.secret import SecretValue
    from provisioner.ports import EngineReader

# Where a carrier has the volume that it fills.
INSIDE = "/files"


def volume_archive(kind: str, files: Mapping[str, Any], contents: Mapping[Address, bytes | SecretValue]) -> bytes:
    """A tar of the volume for `files` of a kind (`configs`, `secrets`): each at its path, with its owner and mode.

    `contents` gives the bytes of each config and secret.
    """
    buffer = io.BytesIO()
    folders: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for target, entry in sorted(files.items()):
            path = path_in_volume(target, entry)
            parts = path.split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                folder = "/".join(parts[:depth])
                if folder not in folders:
                    folders.add(folder)
                    archive.addfile(_folder(folder))
            data = _data(contents[file_address(kind, entry["source"])])
            member = tarfile.TarInfo(path)
            member.size = len(data)
            member.mode = int(entry["mode"], 8)
            member.uid, member.gid = int(entry["uid"]), int(entry["gid"])
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def require_contents(
    engine: EngineReader,
    carrier: str,
    kind: str,
    files: Mapping[str, Any],
    contents: Mapping[Address, bytes | SecretValue],
) -> None:
    """StepFailed unless the volume that `carrier` has at /files holds each file as `contents` gives it, byte for byte.

    Not asked of the service's own container: engines since 28.5 can not look into one that has a mount behind a link of
    its image, such as /var/run/docker.sock, and a look before the start makes folders of sockets that it mounts
    (github.com/moby/moby/issues/52653, 51424).
    """
    for target, entry in sorted(files.items()):
        path = path_in_volume(target, entry)
        found = engine.read_files(carrier, f"{INSIDE}/{path}").get(path.rpartition("/")[2])
        source = str(entry["source"])
        if found is None or not hmac.compare_digest(found, _data(contents[file_address(kind, source)])):
            what = "is not there" if found is None else "has another content"
            raise StepFailed(
                f"the file {target} of {kind.removesuffix('s')} {source} {what} in its volume", hint="apply again"
            )


def require_no_folders(engine: EngineReader, container_id: str, image: str, files: Mapping[str, Any]) -> None:
    """StepFailed for a target that is a folder of the image, which a container made from it shows."""
    for target, entry in sorted(files.items()):
        if engine.is_folder(container_id, target):
            raise StepFailed(
                f"{target}, the target of {entry['source']}, is a folder in the image {image}",
                hint=f"name a file: {target.rstrip('/')}/{entry['source']}",
            )


def _data(content: bytes | SecretValue) -> bytes:
    return content if isinstance(content, bytes) else content.reveal()


def _folder(path: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type = tarfile.DIRTYPE
    # Nobody looks for files there that are bound to other places.
    member.mode = 0o700 if path.split("/")[0] == ELSEWHERE else 0o755
    return member
