"""A build's contexts: the files that .dockerignore leaves, their digest, and the archive for the classic builder."""

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
from provisioner.kinds.builders import is_remote
from provisioner.playbook.select import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class BuildContext:
    """`archive` is what POST /build takes, `dockerfile` the path of the Dockerfile inside it."""

    archive: IO[bytes]
    dockerfile: str


def build_digest(build: Mapping[str, Any], services: Mapping[str, str] | None = None) -> str:
    """A digest (SHA-256, hex) of everything that decides what is built: files, modes, Dockerfile, arguments, target.

    `services` gives, by name, what the image of a service is made from, for contexts that name one (`service:x`).
    Modification times do not count, nor where a folder lies, nor the values of secrets, nor which builder there is.
    Raises ProvisionError when a context or the Dockerfile is not there.
    """
    digest = hashlib.sha256()
    more: Mapping[str, Any] = build.get("additional_contexts") or {}
    settings = {key: value for key, value in build.items() if key not in ("context", "dockerfile_inline")}
    if more:
        settings["additional_contexts"] = {name: _reference(str(value), services or {}) for name, value in more.items()}
    if build.get("ssh"):
        settings["ssh"] = [str(entry).partition("=")[0] for entry in build["ssh"]]
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    name, text = _dockerfile(build)
    digest.update(f"\0{name}\0".encode() + text)
    if is_remote(build["context"]):
        digest.update(str(build["context"]).encode())
    else:
        _add_files(digest, Path(str(build["context"])), name)
    for other, value in sorted(more.items()):
        if not is_reference(str(value)):
            digest.update(f"\0{other}\0".encode())
            _add_files(digest, Path(str(value)), "")
    return digest.hexdigest()


def _reference(value: str, services: Mapping[str, str]) -> str:
    """What stands for a further context in the digest's settings; the files of a folder follow by themselves."""
    if value.startswith(SERVICE):
        return f"{SERVICE}{services.get(value.removeprefix(SERVICE), '')}"
    return value if is_reference(value) else ""


def _add_files(digest: Any, root: Path, dockerfile: str) -> None:
    if not root.is_dir():
        raise ProvisionError(f"the build context {root} is not a folder", hint="check `build`")
    for relative in _files(root, dockerfile):
        path = root / relative
        mode = path.lstat().st_mode
        digest.update(f"\0{relative}\0{stat.S_IFMT(mode) | (mode & 0o111)}\0".encode())
        if stat.S_ISLNK(mode):
            digest.update(str(path.readlink()).encode())
        elif stat.S_ISREG(mode):
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)


def dockerfile_text(build: Mapping[str, Any]) -> str:
    """The Dockerfile of a build; empty where it is in a remote context. ProvisionError when it can not be read."""
    return _dockerfile(build)[1].decode(errors="replace")


@contextlib.contextmanager
def open_context(build: Mapping[str, Any]) -> Iterator[BuildContext]:
    """The archive of a build's context, in a temporary file that goes with the block."""
    from docker.utils.build import create_archive

    root = Path(str(build["context"]))
    name, text = _dockerfile(build)
    outside = build.get("dockerfile_inline") is not None or not _inside(root, name)
    inner = f".dockerfile.{hashlib.sha256(text).hexdigest()[:16]}" if outside else str(name)
    with tempfile.TemporaryFile() as file:
        extra = [(inner, text.decode())] if outside else None
        create_archive(str(root), files=sorted({*_files(root, name)}), fileobj=file, gzip=False, extra_files=extra)
        file.seek(0)
        yield BuildContext(file, inner)


def is_reference(value: str) -> bool:
    """Whether a further context is something else than a folder of this machine."""
    return is_remote(value) or value.startswith((SERVICE, "target:"))


def _inside(root: Path, name: str) -> bool:
    return not Path(name).is_absolute() and (root / name).resolve().is_relative_to(root.resolve())


def _dockerfile(build: Mapping[str, Any]) -> tuple[str, bytes]:
    if build.get("dockerfile_inline") is not None:
        return "", str(build["dockerfile_inline"]).encode()
    name = str(build.get("dockerfile") or "Dockerfile")
    if is_remote(build["context"]):
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
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            patterns = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
            break
    else:
        patterns = []
    found = exclude_paths(str(root), patterns, dockerfile=dockerfile or None)
    return sorted(name for name in found if name)
