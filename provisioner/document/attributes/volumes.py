"""services.*.volumes, tmpfs, volumes_from, and the top-level volumes."""

from __future__ import annotations

import re
from dataclasses import replace

from provisioner.document.attributes.external import EXTERNAL, canonical_external
from provisioner.document.attributes.shapes import (
    AS_TEXT,
    EXPLICIT_FLAG,
    FLAG,
    FREE,
    KEPT_STRUCT,
    LIST,
    MODE,
    SIZE,
    STRUCT,
    TEXT,
    field,
    labels,
    local_path,
    named,
    null_is_empty,
    null_is_text,
    one_of,
    text_key,
    to_list,
)
from provisioner.document.masks import is_masked
from provisioner.document.paths import clean
from provisioner.document.quantities import to_integer
from provisioner.document.shape import NULL, SEQUENCE, STRING, Place, Row, mapping, scalar
from provisioner.model.node import Node

_PROPAGATIONS = frozenset(("rprivate", "private", "rshared", "shared", "rslave", "slave"))
_IGNORED = frozenset(("cached", "delegated", "consistent", "copy", "default"))
_EXAMPLE = (
    'write it like "data:/var/lib/data", "./conf:/etc/conf:ro" or {type: bind, source: ./conf, target: /etc/conf}'
)


def _expand(node: Node, place: Place) -> Node | None:
    """SOURCE:TARGET:OPTIONS as a mapping."""
    text = str(node.value)
    sections = _parts(text, node, place)
    if not sections:
        return None
    if text[0].isalpha() and text[1:3] == ":/":
        message = f"'{text[:2]}' reads as a drive of Windows, as in Compose, and not as the volume '{text[0]}'"
        place.findings.warn(message, node.span, place.path, "give the volume a name of two letters or more")
    source = sections[0] if len(sections) > 1 else ""
    entries: dict[str, str | bool] = {"type": "bind" if _is_path(source) else "volume", "target": sections[-1]}
    if source:
        entries["source"], entries["target"] = source, sections[1]
    bind: dict[str, str | bool] = {"create_host_path": True}
    volume: dict[str, str | bool] = {}
    for option in sections[2].split(",") if len(sections) == 3 else ():
        if option == "ro":
            entries["read_only"] = True
        elif option == "nocopy":
            volume["nocopy"] = True
        elif option in _PROPAGATIONS:
            bind["propagation"] = option
        elif option in ("z", "Z"):
            bind["selinux"] = option
        elif option != "rw" and option not in _IGNORED:
            place.findings.warn(f"the mount option '{option}' means nothing and is ignored", node.span, place.path)
    near = Node({}, node.span, None, {}, node.tag)
    nodes = {key: scalar(value, node) for key, value in entries.items()}
    if entries["type"] == "bind":
        nodes["bind"] = mapping({key: scalar(value, node) for key, value in bind.items()}, Node({}, node.span))
    elif len(text) > 2:
        if len(bind) > 1:
            del bind["create_host_path"]
            nodes["bind"] = mapping({key: scalar(value, node) for key, value in bind.items()}, Node({}, node.span))
        nodes["volume"] = mapping({key: scalar(value, node) for key, value in volume.items()}, Node({}, node.span))
    return mapping(nodes, near)


def _parts(text: str, node: Node, place: Place) -> list[str]:
    """What stands between the colons; nothing where it is no mount, which is told."""
    sections = _sections(text)
    if not text or "" in sections:
        place.wrong("a mount with an empty part", node.span, _EXAMPLE)
        return []
    if len(sections) > 3:
        place.wrong("a mount with too many colons", node.span, _EXAMPLE)
        return []
    if len(sections) > 1 and is_masked(sections[0]) and not _is_path(sections[0]):
        place.wrong("a mount of which only its variables say whether a path or a volume is meant", node.span)
        return []
    return sections


def _sections(text: str) -> list[str]:
    """`text` split at its colons, except the one after a Windows drive."""
    sections: list[str] = []
    buffer = ""
    for character in text:
        if character == ":" and not (len(buffer) == 1 and buffer.isalpha()):
            sections.append(buffer)
            buffer = ""
        else:
            buffer += character
    return [*sections, buffer]


def _is_path(source: str) -> bool:
    drive = len(source) > 1 and source[0].isalpha() and source[1] == ":"
    return (source[:1] in (".", "/", "~") and bool(source)) or source.startswith("\\\\") or drive


def _finish(node: Node, place: Place) -> Node:
    """The source of a bind is a path on this machine; a target is written plainly."""
    entries = dict(node.mapping)
    source, target = entries.get("source"), entries.get("target")
    if target is not None and isinstance(target.value, str) and target.value:
        entries["target"] = replace(target, value=clean(target.value))
    kind = field(node, "type")
    if kind == "bind" and source is not None and isinstance(source.value, str) and _is_local(source.value):
        entries["source"] = replace(source, value=local_path(source.value, place))
    if kind == "bind" and not field(node, "source"):
        place.wrong("a bind mount without a source", node.span, _EXAMPLE)
    return mapping(entries, node)


def _is_local(source: str) -> bool:
    return re.match(r"\\|[A-Za-z]:[\\/]", source) is None


def _canonical_form(node: Node, place: Place) -> Node:
    """A volume of the local driver that is bound to a folder has that folder absolute."""
    node = canonical_external(node, place)
    options = node.get("driver_opts")
    device = options.get("device") if options is not None else None
    bound = field(node, "driver") == "local" and options is not None and field(options, "o") == "bind"
    if not bound or options is None or device is None or not isinstance(device.value, str):
        return node
    absolute = mapping({**options.mapping, "device": replace(device, value=local_path(device.value, place))}, options)
    return mapping({**node.mapping, "driver_opts": absolute}, node)


def _target(node: Node) -> str:
    return field(node, "target")


_MOUNT = replace(STRUCT, expected="a mount like data:/path, or a mapping", required=("type", "target"))


def _tmpfs_mode(node: Node) -> int:
    if isinstance(node.value, str):
        return int(node.value, 8) if node.value and set(node.value) <= set("01234567") else _not_octal()
    value = to_integer(node)
    return value if isinstance(value, int) else _not_octal()


def _not_octal() -> int:
    raise ValueError('expected an octal mode like "1777"')


_MODE = replace(MODE, convert=_tmpfs_mode)

ROWS = (
    Row("services.*.volumes", LIST, "What is mounted where.", unique=_target),
    Row("services.*.volumes.*", _MOUNT, expand=_expand, short=(STRING,), finish=_finish),
    Row("services.*.volumes.*.type", one_of("bind", "volume", "tmpfs", "cluster", "npipe", "image")),
    Row("services.*.volumes.*.source", TEXT, "A path on the host, a volume's name or an image."),
    Row("services.*.volumes.*.target", TEXT, "The path in the container."),
    Row("services.*.volumes.*.read_only", FLAG),
    Row("services.*.volumes.*.consistency", TEXT),
    Row("services.*.volumes.*.bind", KEPT_STRUCT),
    Row("services.*.volumes.*.bind.propagation", TEXT),
    Row("services.*.volumes.*.bind.create_host_path", FLAG, "Make a missing path on the host."),
    Row("services.*.volumes.*.bind.recursive", one_of("enabled", "disabled", "writable", "readonly")),
    Row("services.*.volumes.*.bind.selinux", one_of("z", "Z")),
    Row("services.*.volumes.*.volume", KEPT_STRUCT),
    Row("services.*.volumes.*.volume.labels", FREE, expand=labels, short=(SEQUENCE,)),
    Row("services.*.volumes.*.volume.labels.*", AS_TEXT, expand=null_is_text, short=(NULL,)),
    Row("services.*.volumes.*.volume.nocopy", FLAG),
    Row("services.*.volumes.*.volume.subpath", TEXT),
    Row("services.*.volumes.*.tmpfs", KEPT_STRUCT),
    Row("services.*.volumes.*.tmpfs.size", SIZE),
    Row("services.*.volumes.*.tmpfs.mode", _MODE),
    Row("services.*.volumes.*.image", KEPT_STRUCT),
    Row("services.*.volumes.*.image.subpath", TEXT),
    Row("services.*.tmpfs", LIST, "Folders in memory.", to_list, (STRING,), unique=text_key),
    Row("services.*.tmpfs.*", TEXT),
    Row("services.*.volumes_from", LIST, "All mounts of another service or container."),
    Row("services.*.volumes_from.*", TEXT),
    Row("volumes", named("a mapping of volumes"), "Named volumes."),
    Row("volumes.*", KEPT_STRUCT, expand=null_is_empty, short=(NULL,), finish=_canonical_form),
    Row("volumes.*.name", TEXT, "Its name on the engine."),
    Row("volumes.*.driver", TEXT),
    Row("volumes.*.driver_opts", FREE),
    Row("volumes.*.driver_opts.*", AS_TEXT),
    Row("volumes.*.external", EXTERNAL, "It exists already and is not managed."),
    Row("volumes.*.external.name", TEXT),
    Row("volumes.*.labels", FREE, expand=labels, short=(SEQUENCE,)),
    Row("volumes.*.labels.*", AS_TEXT, expand=null_is_text, short=(NULL,)),
    Row("volumes.*.protect", EXPLICIT_FLAG, "Never delete or replace it while true.", own=True),
)
