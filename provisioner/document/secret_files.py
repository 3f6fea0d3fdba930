"""The files in which provision itself keeps secrets, recognised wherever a playbook names a path.

They are `.env.local`, `.env.<environment>.local` and everything in a folder `.provision`. Reads no file's content.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.model.node import Node, items_of, mapping_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provisioner.document.findings import Findings

KEY_FOLDER = ".provision"
# The same as patterns of .dockerignore. A file that ends in .tmp is one that a killed run was writing.
IGNORE_PATTERNS = ("**/.env.local", "**/.env.*.local", "**/.env.local.tmp", "**/.env.*.local.tmp", f"**/{KEY_FOLDER}")
PLAIN_INSTEAD = (
    "declare each secret under `secrets:` and list it at the service, which finds it at /run/secrets/NAME; put "
    "settings that are no secrets into another file"
)
_NAME = re.compile(r"\.env(\.[^/]+)?\.local(\.tmp)?")
# Each field with a path, and what to do instead of naming a secret file there.
_FILE_INSTEAD = "leave `file` out: a secret's value is found in .env.local by the secret's name"
_MOUNT_INSTEAD = "list the secrets that it needs under `secrets:` of the service"
_BUILD_INSTEAD = "name another path; a build gets secrets through `build.secrets`"
_WATCH_INSTEAD = "watch another path"

Identity = tuple[int, int]


def is_secret_path(path: str) -> bool:
    """Whether a path below some folder names a secret file, or something in a folder `.provision`."""
    parts = path.split("/")
    return KEY_FOLDER in parts or any(_NAME.fullmatch(part) for part in parts)


def identities(folders: Iterable[str]) -> frozenset[Identity]:
    """Device and inode of every secret file that lies directly in one of the folders, or in their `.provision`.

    Another name of the same file (a hard link) has the same identity. Folders that can not be read have none.
    """
    seen = set()
    for path in _named_by_environment(), *_secret_files(folders):
        identity = _identity(path) if path else None
        if identity is not None:
            seen.add(identity)
    return frozenset(seen)


def is_secret_file(path: str, known: frozenset[Identity]) -> bool:
    """Whether an absolute path leads to a secret file or to a folder `.provision`: by its name, by that of what a link
    leads to, or as a hard link to one of `known`."""
    return _identity(path) in known or any(_has_secret_name(name) for name in (path, os.path.realpath(path)))


def secret_files_below(folder: str, project_directory: str) -> tuple[str, ...]:
    """The secret files that somebody who has the whole folder can read.

    Looked for directly in it, and beside the playbook (`project_directory`) where that lies below it.
    """
    real, beside = os.path.realpath(folder), os.path.realpath(project_directory)
    places = [real]
    if beside.startswith(f"{real.rstrip('/')}/"):
        places.append(beside)
    return tuple(_secret_files(places))


def check_paths(root: Node, directory: str, findings: Findings) -> None:
    """Tell of every path in the tree that names a secret file as if it were an ordinary one.

    `directory` is the playbook's folder. Files that are read while the tree is built are looked at in `files.Files`.
    """
    known = identities([directory])
    for path, node, hint in _paths(root):
        text = str(node.value)
        if text.startswith("/") and is_secret_file(text, known) and not findings.broken(path):
            shown = os.path.relpath(text, directory) if text.startswith(f"{directory}/") else text
            findings.error(message(shown), node.span, path, hint)


def message(shown: str) -> str:
    """What is wrong with naming a secret file, which messages call `shown`, where it would not be kept secret."""
    return f"'{shown}' is where provision keeps secrets, and what is named here can be read by others"


def _paths(root: Node) -> Iterator[tuple[tuple[str, ...], Node, str]]:
    """Every field that holds a path of this machine: where it stands, its node, what to do instead."""
    for section, key, hint in (("configs", "file", PLAIN_INSTEAD), ("secrets", "file", _FILE_INSTEAD)):
        for name, item in mapping_of(root.get(section)).items():
            yield from _leaf((section, name, key), item.get(key), hint)
    for name, item in mapping_of(root.get("volumes")).items():
        yield from _leaf(("volumes", name, "driver_opts", "device"), item.get("driver_opts", "device"), _MOUNT_INSTEAD)
    for name, service in mapping_of(root.get("services")).items():
        yield from _service_paths(("services", name), service)


def _service_paths(path: tuple[str, ...], service: Node) -> Iterator[tuple[tuple[str, ...], Node, str]]:
    for index, mount in enumerate(items_of(service.get("volumes"))):
        kind = mount.get("type")
        if kind is not None and kind.value == "bind":
            yield from _leaf((*path, "volumes", str(index)), mount.get("source"), _MOUNT_INSTEAD)
    context, dockerfile = service.get("build", "context"), service.get("build", "dockerfile")
    yield from _leaf((*path, "build", "context"), context, _BUILD_INSTEAD)
    if dockerfile is not None and context is not None:
        whole = Node(os.path.normpath(Path(str(context.value), str(dockerfile.value))), dockerfile.span)
        yield from _leaf((*path, "build", "dockerfile"), whole, _BUILD_INSTEAD)
    for key, item in mapping_of(service.get("build", "additional_contexts")).items():
        yield from _leaf((*path, "build", "additional_contexts", key), item, _BUILD_INSTEAD)
    for index, rule in enumerate(items_of(service.get("develop", "watch"))):
        yield from _leaf((*path, "develop", "watch", str(index), "path"), rule.get("path"), _WATCH_INSTEAD)


def _has_secret_name(path: str) -> bool:
    """By its own name and its folder's alone: a project may lie somewhere below a folder that is called .provision."""
    return is_secret_path("/".join(path.rstrip("/").split("/")[-2:]))


def _leaf(path: tuple[str, ...], node: Node | None, hint: str) -> Iterator[tuple[tuple[str, ...], Node, str]]:
    if node is not None and isinstance(node.value, str):
        yield path, node, hint


def _named_by_environment() -> str:
    """The file that PROVISION_FINGERPRINT_KEY_FILE names; empty without one."""
    return os.environ.get("PROVISION_FINGERPRINT_KEY_FILE", "")


def _secret_files(folders: Iterable[str]) -> Iterator[str]:
    for folder in dict.fromkeys(folders):
        for place in (folder, f"{folder.rstrip('/')}/{KEY_FOLDER}"):
            try:
                names = sorted(path.name for path in Path(place).iterdir())
            except OSError:
                continue
            inside = place != folder
            for name in names:
                if (inside and name != ".gitignore") or _NAME.fullmatch(name):
                    yield f"{place.rstrip('/')}/{name}"


def _identity(path: str) -> Identity | None:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
