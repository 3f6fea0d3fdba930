"""The files of the engine in this process: those of containers and of volumes, found through a container's mounts."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.edges import EngineJson

_VOLUMES = "/var/lib/docker/volumes/"


def mountpoint(volume: str) -> str:
    """Where the engine keeps a volume's files."""
    return f"{_VOLUMES}{volume}/_data"


def home_of(container: EngineJson, path: str) -> tuple[str, str]:
    """Whose file an absolute path in a container is, its own id's or a volume's mountpoint, and the path below that."""
    mounts = container["HostConfig"].get("Mounts") or []
    over = [mount for mount in mounts if path == mount["Target"] or path.startswith(f"{mount['Target'].rstrip('/')}/")]
    if not over:
        return container["Id"], path
    mount = max(over, key=lambda mount: len(mount["Target"]))
    source = mountpoint(mount["Source"]) if mount["Type"] == "volume" else str(mount.get("Source") or mount["Target"])
    whole = source + path.removeprefix(mount["Target"])
    if not whole.startswith(_VOLUMES):
        return f"{mount['Type']} {source}", path
    name, _, below = whole.removeprefix(_VOLUMES).partition("/_data")
    return mountpoint(name), below


def named_below(files: Mapping[str, bytes], path: str) -> dict[str, bytes]:
    """The files at or below a path by their own names."""
    below = {name: content for name, content in files.items() if f"{name}/".startswith(f"{path.rstrip('/')}/")}
    return {name.rpartition("/")[2]: content for name, content in below.items()}


def unpack(homes: dict[str, dict[str, bytes]], container: EngineJson, path: str, tar: bytes) -> None:
    """Put an archive's regular files into `homes`, by whose they are, as if unpacked at a path in a container."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                home, below = home_of(container, f"{path.rstrip('/')}/{member.name.strip('/')}")
                homes.setdefault(home, {})[below] = content.read()
