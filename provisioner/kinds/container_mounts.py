"""A container's `volumes`: keyed by where they stand inside.

Engine API: HostConfig.Mounts and, for bind mounts whose source may be made, HostConfig.Binds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from provisioner.kinds.values import pairs, whole_number
from provisioner.model.address import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provisioner.kinds.context import ParseContext
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import FileUse, Mount, Recorded
    from provisioner.model.state import ImageFacts, Spec

_RECURSIVE = {"disabled": "NonRecursive", "writable": "ReadOnlyNonRecursive", "readonly": "ReadOnlyForceRecursive"}
# Options of a mount for which its text has no word.
_ONLY_STRUCTURED = {"recursive", "labels", "subpath"}
# What engines since 23 write on volumes that have no name.
_ENGINES_OWN = "com.docker.volume.anonymous"
_SOCKET = "/var/run/docker.sock"
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
# Where the volumes that carry configs and secrets stand; each file wanted elsewhere is bound from them.
ROOTS = {"configs": "/run/configs", "secrets": "/run/secrets"}


def file_address(field: str, source: str) -> Address:
    """The config or secret of which a file of the field `configs` or `secrets` is made."""
    return Address(field.removesuffix("s"), source)


def file_entries(spec: Spec | Recorded) -> Iterator[tuple[Address, FileUse]]:
    """The files of a container, a service or a volume of files: of which config or secret, and its entry."""
    for section in ROOTS:
        for entry in cast("Mapping[str, dict[str, FileUse]]", spec).get(section, {}).values():
            yield file_address(section, entry["source"]), entry


def parse_volumes(body: ComposeBody, context: ParseContext) -> dict[str, Mount]:
    """Mounts by target."""
    result: dict[str, Mount] = {}
    for volume in body.get("volumes") or []:
        kind = volume.get("type", "volume")
        entry: Mount = {"type": kind}
        source = volume.get("source")
        if source:
            entry["source"] = context.volumes.get(source, source) if kind == "volume" else source
        if volume.get("read_only"):
            entry["read_only"] = True
        bind, storage, memory = volume.get("bind") or {}, volume.get("volume") or {}, volume.get("tmpfs") or {}
        options = {
            "propagation": bind.get("propagation"),
            "recursive": None if bind.get("recursive") == "enabled" else bind.get("recursive"),
            "create_host_path": bool(bind.get("create_host_path")) and kind == "bind",
            "nocopy": storage.get("nocopy"),
            "labels": pairs(storage.get("labels"), "="),
            "subpath": storage.get("subpath") or (volume.get("image") or {}).get("subpath"),
            "size": whole_number(memory["size"]) if memory.get("size") else None,
            "mode": memory.get("mode"),
        }
        entry = cast("Mount", {**entry, **{key: value for key, value in options.items() if value}})
        if bind.get("selinux") and _fits_text(entry):
            entry["selinux"] = bind["selinux"]
        result[volume["target"]] = entry
    if body.get("use_api_socket"):
        result.setdefault(_SOCKET, {"type": "bind", "source": _SOCKET})
    return result


def _fits_text(entry: Mount) -> bool:
    """Whether a mount can be said as text, the only form in which an engine takes an SELinux label."""
    return entry["type"] in ("bind", "volume") and "source" in entry and not entry.keys() & _ONLY_STRUCTURED


def with_anonymous(value: dict[str, Mount], anonymous: Mapping[str, str]) -> dict[str, Mount]:
    """The mounts with the volumes without a name that a replaced container leaves to this one, by their target."""
    unnamed = {target: value.get(target, {"type": "volume"}) for target in anonymous}
    taken = {
        target: cast("Mount", {**entry, "source": anonymous[target]})
        for target, entry in unnamed.items()
        if entry["type"] == "volume" and not entry.get("source")
    }
    return {**value, **taken}


def beyond_image(spec: Spec, image: ImageFacts, observed: bool) -> dict[str, Mount]:
    """The mounts without the volumes that the image declares."""
    return {
        target: entry
        for target, entry in spec["volumes"].items()
        if not (entry == {"type": "volume"} and target in image.volumes)
    }


def align(desired: Spec, observed: Spec, declared: frozenset[str]) -> tuple[dict[str, Mount], dict[str, Mount]]:
    """Both sides' mounts without how a source was made, and with the propagation left out that is the default."""
    return _without_making(desired["volumes"]), _without_making(observed["volumes"])


def mount_with(mount: Mount, keeps: Callable[[str, object], bool]) -> Mount:
    """A mount with as much of what is said of it as `keeps` takes, by key and value."""
    return cast("Mount", {key: value for key, value in mount.items() if keeps(key, value)})


def _without_making(volumes: dict[str, Mount]) -> dict[str, Mount]:
    default = ("propagation", "rprivate")
    return {
        target: mount_with(entry, lambda key, value: key != "create_host_path" and (key, value) != default)
        for target, entry in volumes.items()
    }


def encode_volumes(raw: EngineBody, value: dict[str, Mount]) -> None:
    """Write the mounts into HostConfig."""
    host = raw.setdefault("HostConfig", {})
    for target, entry in sorted(value.items()):
        made = entry["type"] == "bind" and entry.get("create_host_path")
        if (made or entry.get("selinux")) and _fits_text(entry):
            options = ["ro" if entry.get("read_only") else "rw", entry.get("selinux"), entry.get("propagation")]
            options.append("nocopy" if entry.get("nocopy") and entry["type"] == "volume" else None)
            text = f"{entry['source']}:{target}:{','.join(option for option in options if option)}"
            host.setdefault("Binds", []).append(text)
        else:
            host.setdefault("Mounts", []).append(encode_mount(target, entry))


def encode_mount(target: str, entry: Mount) -> EngineBody:
    """One Mount of the Engine API (HostConfig.Mounts, ContainerSpec.Mounts)."""
    mount: EngineBody = {"Type": entry["type"], "Target": target, "ReadOnly": bool(entry.get("read_only"))}
    if entry.get("source"):
        mount["Source"] = entry["source"]
    bind: EngineBody = {"Propagation": entry["propagation"]} if entry.get("propagation") else {}
    recursive = _RECURSIVE.get(entry.get("recursive", ""))
    bind |= {recursive: True} if recursive else {}
    if bind and entry.get("create_host_path"):
        bind["CreateMountpoint"] = True
    if bind:
        mount["BindOptions"] = bind
    storage: EngineBody = {"NoCopy": True} if entry.get("nocopy") else {}
    if entry.get("subpath"):
        storage["Subpath"] = entry["subpath"]
    if entry.get("labels"):
        storage["Labels"] = entry["labels"]
    if storage:
        mount["ImageOptions" if entry["type"] == "image" else "VolumeOptions"] = storage
    memory: EngineBody = {"SizeBytes": entry["size"]} if entry.get("size") else {}
    if entry.get("mode"):
        memory["Mode"] = entry["mode"]
    if memory:
        mount["TmpfsOptions"] = memory
    return mount


def decode_volumes(raw: EngineBody, files: Recorded) -> dict[str, Mount]:
    """Mounts by target from an inspection, without those that carry `files` (the decoded files label)."""
    targets = cast("Mapping[str, dict[str, FileUse]]", files)
    own = {place for section, root in ROOTS.items() if targets.get(section) for place in (root, *targets[section])}
    result: dict[str, Mount] = {}
    for text in raw["HostConfig"].get("Binds") or []:
        source, target, *options = text.split(":")
        result[target] = _decode_bind(source, options[0].split(",") if options else [])
    for mount in raw["HostConfig"].get("Mounts") or []:
        result[mount["Target"]] = decode_mount(mount)
    return {target: entry for target, entry in result.items() if target not in own}


def _decode_bind(source: str, options: list[str]) -> Mount:
    if not source.startswith("/"):
        entry: Mount = {"type": "volume"}
        if not _ANONYMOUS.fullmatch(source):
            entry["source"] = source
    else:
        entry = {"type": "bind", "source": source, "create_host_path": True}
    for option in options:
        if option == "ro":
            entry["read_only"] = True
        elif option in ("z", "Z"):
            entry["selinux"] = option
        elif option not in ("rw", "", "rprivate"):
            entry["nocopy" if option == "nocopy" else "propagation"] = True if option == "nocopy" else option
    return entry


def decode_mount(mount: EngineBody) -> Mount:
    """What `encode_mount` wrote."""
    entry: Mount = {"type": mount["Type"]}
    source = mount.get("Source")
    if source and not (mount["Type"] == "volume" and _ANONYMOUS.fullmatch(source)):
        entry["source"] = source
    if mount.get("ReadOnly"):
        entry["read_only"] = True
    bind = mount.get("BindOptions") or {}
    storage = mount.get("VolumeOptions") or mount.get("ImageOptions") or {}
    memory = mount.get("TmpfsOptions") or {}
    recursive = next((word for word, key in _RECURSIVE.items() if bind.get(key)), None)
    options = {
        "propagation": bind.get("Propagation"),
        "recursive": recursive,
        "nocopy": storage.get("NoCopy"),
        "subpath": storage.get("Subpath"),
        "labels": {key: value for key, value in (storage.get("Labels") or {}).items() if key != _ENGINES_OWN},
        "size": memory.get("SizeBytes"),
        "mode": memory.get("Mode"),
    }
    return cast("Mount", {**entry, **{key: value for key, value in options.items() if value}})


def anonymous_volumes(raw: EngineBody) -> dict[str, str]:
    """Names of a container's anonymous volumes by target, which its replacement takes over."""
    return {
        mount["Destination"]: mount["Name"]
        for mount in raw.get("Mounts") or []
        if mount.get("Type") == "volume" and _ANONYMOUS.fullmatch(mount.get("Name") or "")
    }
