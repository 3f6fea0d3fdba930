"""A build's context: the files that .dockerignore leaves, their digest, and their archive."""

from __future__ import annotations

import contextlib
import hashlib
import json
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class BuildContext:
    """`archive` is what POST /build takes, `dockerfile` the path of the Dockerfile inside it."""

    archive: IO[bytes]
    dockerfile: str


def build_digest(build: Mapping[str, Any]) -> str:
    """A digest (SHA-256, hex) of everything that decides what is built: files, modes, Dockerfile, arguments, target.

    Modification times do not count. Raises ProvisionError when the context or the Dockerfile is not there.
    """
    digest = hashlib.sha256()
    settings = {key: value for key, value in build.items() if key not in ("context", "dockerfile_inline")}
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    name, text = _dockerfile(build)
    digest.update(f"\0{name}\0".encode() + text)
    if _is_remote(build):
        digest.update(str(build["context"]).encode())
        return digest.hexdigest()
    root = Path(str(build["context"]))
    for relative in _files(root, name):
        path = root / relative
        mode = path.lstat().st_mode
        digest.update(f"\0{relative}\0{stat.S_IFMT(mode) | (mode & 0o111)}\0".encode())
        if stat.S_ISLNK(mode):
            digest.update(str(path.readlink()).encode())
        elif stat.S_ISREG(mode):
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def open_context(build: Mapping[str, Any]) -> Iterator[BuildContext]:
    """The archive of a build's context, in a temporary file that goes with the block."""
    from docker.utils.build import create_archive

    if _is_remote(build):
        raise ProvisionError(
            f"the build context {build['context']!r} is remote, which the classic builder takes only with BuildKit",
            hint="check the sources out and name the folder",
        )
    root = Path(str(build["context"]))
    name, text = _dockerfile(build)
    outside = build.get("dockerfile_inline") is not None or not _inside(root, name)
    inner = f".dockerfile.{hashlib.sha256(text).hexdigest()[:16]}" if outside else str(name)
    with tempfile.TemporaryFile() as file:
        extra = [(inner, text.decode())] if outside else None
        create_archive(str(root), files=sorted({*_files(root, name)}), fileobj=file, gzip=False, extra_files=extra)
        file.seek(0)
        yield BuildContext(file, inner)


def _is_remote(build: Mapping[str, Any]) -> bool:
    context = str(build["context"])
    return "://" in context or context.startswith("git@")


def _inside(root: Path, name: str) -> bool:
    return not Path(name).is_absolute() and (root / name).resolve().is_relative_to(root.resolve())


def _dockerfile(build: Mapping[str, Any]) -> tuple[str, bytes]:
    if build.get("dockerfile_inline") is not None:
        return "", str(build["dockerfile_inline"]).encode()
    name = str(build.get("dockerfile") or "Dockerfile")
    if _is_remote(build):
        return name, b""
    root = Path(str(build["context"]))
    if not root.is_dir():
        raise ProvisionError(f"the build context {root} is not a folder", hint="check `build.context`")
    try:
        return name, (root / name).read_bytes()
    except OSError as error:
        raise ProvisionError(
            f"the Dockerfile {root / name} can not be read: {error.strerror}", hint="check `build.dockerfile`"
        ) from error


def _files(root: Path, dockerfile: str) -> list[str]:
    from docker.utils.build import exclude_paths

    for candidate in (f"{dockerfile}.dockerignore", ".dockerignore"):
        path = root / candidate
        if dockerfile is not None and path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            patterns = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
            break
    else:
        patterns = []
    found = exclude_paths(str(root), patterns, dockerfile=dockerfile or None)
    return sorted(name for name in found if name)
