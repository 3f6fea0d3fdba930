"""Which texts of a Compose file are relative paths, so that the file can move to another folder and mean the same.

It finds them in the tree as it was read, before variables are replaced, and changes nothing.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioner.model.node import Node
    from provisioner.model.span import Span

_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/|service:|target:|[A-Za-z]:[\\/]|\\\\")


@dataclass(frozen=True, slots=True)
class Moved:
    """The scalar at `span` begins with `old`, which is to be `new`."""

    span: Span
    old: str
    new: str


def relocations(root: Node, start: str, folder: str, expand: Callable[[str], str]) -> Iterator[Moved]:
    """What changes in a file whose relative paths start in `start` when it moves to `folder`; both are absolute.

    `expand` replaces the variables of a text by what they are at present: a path that begins with one moves only if
    that is relative.
    """
    prefix = posixpath.relpath(start, folder)
    if prefix == ".":
        return
    prefix = prefix if prefix.startswith("..") else f"./{prefix}"
    for node, lead, path in local_paths(root):
        moved = _moved(path, prefix, expand)
        if moved is not None:
            yield Moved(node.span, f"{lead}{moved[0]}", f"{lead}{moved[1]}")


def local_paths(root: Node) -> Iterator[tuple[Node, str, str]]:
    """Every text that holds a path: its node, what stands before the path, and the rest from the path on."""
    for entry in _some(root.get("include")):
        if entry.is_mapping:
            for key in ("path", "env_file", "project_directory"):
                yield from _plain(*_some(entry.get(key)))
        else:
            yield from _plain(entry)
    for service in _values(root.get("services")):
        yield from _of_service(service)
    for volume in _values(root.get("volumes")):
        device = volume.get("driver_opts", "device")
        if _text(volume.get("driver")) == "local" and _text(volume.get("driver_opts", "o")) == "bind":
            yield from _plain(device)
    for section in ("configs", "secrets"):
        for item in _values(root.get(section)):
            yield from _plain(item.get("file"))


def builds_without_context(root: Node) -> Iterator[tuple[str, Node]]:
    """Services whose build leaves out its context, which is then the folder of the file."""
    services = root.get("services")
    if services is None or not services.is_mapping:
        return
    for name, service in services.mapping.items():
        build = service.get("build")
        if build is not None and build.is_mapping and build.get("context") is None and not service.get("extends"):
            yield name, build


def _of_service(service: Node) -> Iterator[tuple[Node, str, str]]:
    build = service.get("build")
    if build is not None:
        yield from _plain(build.get("context") if build.is_mapping else build)
        more = build.get("additional_contexts")
        yield from _plain(*_values(more))
        for item in _some(more) if more is not None and more.is_sequence else ():
            name, equals, path = _text(item).partition("=")
            yield item, f"{name}{equals}", path
    for key in ("env_file", "label_file"):
        for item in _some(service.get(key)):
            yield from _plain(item.get("path") if item.is_mapping else item)
    yield from _plain(service.get("extends", "file"))
    for item in _some(service.get("volumes")):
        if item.is_mapping:
            if _text(item.get("type")) == "bind":
                yield from _plain(item.get("source"))
        elif _text(item).startswith((".", "$")) and ":" in _text(item):
            yield item, "", _text(item)
    for watch in _some(service.get("develop", "watch")):
        yield from _plain(watch.get("path"))


def _moved(path: str, prefix: str, expand: Callable[[str], str]) -> tuple[str, str] | None:
    """What the path begins with, and with what it begins from another folder; None where it does not move."""
    if path.startswith("$"):
        meant = expand(path)
        # A variable may stand for a volume's name, which is no path, or for a path that is absolute.
        if not meant.startswith(".") and (":" in path or not meant):
            return None
        if meant.startswith(("/", "~")) or _ELSEWHERE.match(meant):
            return None
        return "", f"{prefix}/"
    if not path or path.startswith(("/", "~")) or _ELSEWHERE.match(path):
        return None
    first, slash, _ = path.partition("/")
    if first == "." and slash:
        return "./", f"{prefix}/"
    if path == "." or path.startswith(".:"):
        return ".", prefix
    return "", f"{prefix}/"


def _plain(*nodes: Node | None) -> Iterator[tuple[Node, str, str]]:
    for node in nodes:
        if node is not None and isinstance(node.value, str):
            yield node, "", node.value


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""


def _some(node: Node | None) -> tuple[Node, ...]:
    """The items of a list, or the one value that stands in its place."""
    if node is None or node.value is None:
        return ()
    return node.items if node.is_sequence else (node,)


def _values(node: Node | None) -> tuple[Node, ...]:
    return tuple(node.mapping.values()) if node is not None and node.is_mapping else ()
