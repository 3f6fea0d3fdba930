"""A build's contexts: the files that .dockerignore leaves, their digest, and how builders are handed them.

The files in which provision keeps secrets are never among them, whatever .dockerignore says.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from provisioner.document import secret_files
from provisioner.document.regular_file import read_regular
from provisioner.errors import ProvisionError
from provisioner.kinds.builders import PLAYBOOK_FOLDER, is_remote
from provisioner.model.dataclass import dataclass
from provisioner.playbook.select import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.edges import BuildRecipe, EngineJson


@dataclass(frozen=True, slots=True)
class BuildContext:
    """`archive` is what POST /build takes, `dockerfile` the path of the Dockerfile inside it."""

    archive: IO[bytes]
    dockerfile: str


def build_digest(build: BuildRecipe, services: Mapping[str, str] | None = None) -> str:
    """A digest (SHA-256, hex) of everything that decides what is built: files, modes, Dockerfile, arguments, target.

    `services` gives, by name, what the image of a service is made from, for contexts that name one (`service:x`).
    Modification times do not count, nor where a folder lies, nor the values of secrets, nor which builder there is.
    Raises ProvisionError when a context or the Dockerfile is not there.
    """
    digest = hashlib.sha256()
    more: EngineJson = build.get("additional_contexts") or {}
    apart = ("context", "dockerfile_inline", PLAYBOOK_FOLDER)
    settings = {key: value for key, value in build.items() if key not in apart}
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
        _add_files(digest, build, Path(str(build["context"])), name)
    for other, value in sorted(more.items()):
        if not is_reference(str(value)):
            digest.update(f"\0{other}\0".encode())
            _add_files(digest, build, Path(str(value)), "")
    return digest.hexdigest()


def _reference(value: str, services: Mapping[str, str]) -> str:
    """What stands for a further context in the digest's settings; the files of a folder follow by themselves."""
    if value.startswith(SERVICE):
        return f"{SERVICE}{services.get(value.removeprefix(SERVICE), '')}"
    return value if is_reference(value) else ""


def _add_files(digest: Any, build: BuildRecipe, root: Path, dockerfile: str) -> None:
    """Adds every file that is sent. ProvisionError for one that can not be read; what is ignored need not be."""
    if not root.is_dir():
        raise ProvisionError(f"the build context {root} is not a folder", hint="check `build`")
    try:
        for relative in _files(build, root, dockerfile).sent:
            _add_file(digest, root / relative, relative)
    except OSError as error:
        raise ProvisionError(
            f"{error.filename or root} in the build context {root} can not be read: {error.strerror}",
            hint="name it in .dockerignore if the build does not need it, or make it readable",
        ) from error


def _add_file(digest: Any, path: Path, relative: str) -> None:
    mode = path.lstat().st_mode
    digest.update(f"\0{relative}\0{stat.S_IFMT(mode) | (mode & 0o111)}\0".encode())
    if stat.S_ISLNK(mode):
        digest.update(str(path.readlink()).encode())
    elif stat.S_ISREG(mode):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)


def dockerfile_text(build: BuildRecipe) -> str:
    """The Dockerfile of a build; empty where it is in a remote context. ProvisionError when it can not be read."""
    return _dockerfile(build)[1].decode(errors="replace")


@contextlib.contextmanager
def open_context(build: BuildRecipe) -> Iterator[BuildContext]:
    """The archive of a build's context, in a temporary file that goes with the block."""
    from docker.utils.build import create_archive

    root = Path(str(build["context"]))
    name, text = _dockerfile(build)
    outside = build.get("dockerfile_inline") is not None or not _inside(root, name)
    inner = f".dockerfile.{hashlib.sha256(text).hexdigest()[:16]}" if outside else str(name)
    with tempfile.TemporaryFile() as file:
        extra = [(inner, text.decode())] if outside else None
        create_archive(str(root), files=_files(build, root, name).sent, fileobj=file, gzip=False, extra_files=extra)
        file.seek(0)
        yield BuildContext(file, inner)


def is_reference(value: str) -> bool:
    """Whether a further context is something else than a folder of this machine."""
    return is_remote(value) or value.startswith((SERVICE, "target:"))


def _inside(root: Path, name: str) -> bool:
    return not Path(name).is_absolute() and (root / name).resolve().is_relative_to(root.resolve())


def _dockerfile(build: BuildRecipe) -> tuple[str, bytes]:
    if build.get("dockerfile_inline") is not None:
        return "", str(build["dockerfile_inline"]).encode()
    name = str(build.get("dockerfile") or "Dockerfile")
    if is_remote(build["context"]):
        return name, b""
    root = Path(str(build["context"]))
    if not root.is_dir():
        raise ProvisionError(f"the build context {root} is not a folder", hint="check `build.context`")
    try:
        return name, read_regular(root / name)
    except OSError as error:
        raise ProvisionError(
            f"the Dockerfile {root / name} can not be read: {error.strerror}", hint="check `build.dockerfile`"
        ) from error


class _Files(NamedTuple):
    """The files and folders of a context, relative to it and sorted: what builders get, and secret files."""

    sent: list[str]
    secret: list[str]


def _files(build: BuildRecipe, root: Path, dockerfile: str) -> _Files:
    from docker.utils.build import exclude_paths

    included = exclude_paths(str(root), _patterns(root, dockerfile), dockerfile=dockerfile or None)
    names = sorted(name for name in included if name)
    folders = {str(root), str(build.get(PLAYBOOK_FOLDER) or root)}
    folders |= {str((root / name).parent) for name in names if secret_files.is_secret_path(name)}
    known = secret_files.identities(folders)
    secret = [name for name in names if secret_files.is_secret_path(name) or _is_hard_link(root / name, known)]
    return _Files([name for name in names if name not in {*secret}], secret)


def _is_hard_link(path: Path, known: frozenset[secret_files.Identity]) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) in known


def _patterns(root: Path, dockerfile: str) -> list[str]:
    """The lines of the context's .dockerignore, or of the one that belongs to the Dockerfile alone."""
    for candidate in (f"{dockerfile}.dockerignore", ".dockerignore"):
        path = root / candidate
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return []


@contextlib.contextmanager
def without_secret_files(build: BuildRecipe) -> Iterator[EngineJson]:
    """The build with paths from which a client that reads the folders itself takes no secret file.

    That is the build as it is where there are none. Otherwise the Dockerfile stands in a temporary folder, beside an
    ignore file that is longer than the context's own, and a further context with secret files is copied without them
    (as hard links where that can be). Both go with the block.
    """
    contexts = dict(build.get("additional_contexts") or {})
    remote = is_remote(build["context"])
    root, name = Path(str(build["context"])), _dockerfile(build)[0]
    secret = [] if remote else _files(build, root, name).secret
    further = {
        key: files
        for key, value in contexts.items()
        if not is_reference(str(value)) and (files := _files(build, Path(str(value)), "")).secret
    }
    if not secret and not further:
        yield build
        return
    with tempfile.TemporaryDirectory(prefix="provision-build-") as folder:
        changed = dict(build)
        if secret:
            file = Path(folder, "Dockerfile")
            file.write_bytes(_dockerfile(build)[1])
            lines = [*_patterns(root, name), *secret_files.IGNORE_PATTERNS, *map(_pattern, secret)]
            file.with_name("Dockerfile.dockerignore").write_text("".join(f"{line}\n" for line in lines))
            changed |= {"dockerfile": str(file), "dockerfile_inline": None}
        for index, (key, files) in enumerate(further.items()):
            copy = Path(folder, f"context-{index}")
            _copy(Path(str(contexts[key])), copy, files.sent)
            contexts[key] = str(copy)
        if further:
            changed["additional_contexts"] = contexts
        yield changed


def _pattern(path: str) -> str:
    """A line of .dockerignore that fits this path alone."""
    return "/" + re.sub(r"([*?\[\]\\])", r"\\\1", path)


def _copy(root: Path, copy: Path, names: list[str]) -> None:
    copy.mkdir()
    for name in names:
        source, target = root / name, copy / name
        mode = source.lstat().st_mode
        if stat.S_ISDIR(mode):
            target.mkdir(parents=True, exist_ok=True)
            target.chmod(stat.S_IMODE(mode))
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(mode):
            target.symlink_to(source.readlink())
        elif stat.S_ISREG(mode):
            try:
                os.link(source, target)
            except OSError:
                shutil.copy2(source, target)
