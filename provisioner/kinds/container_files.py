"""The files of a container's `configs` and `secrets`: where they stand in it, and where in the volume with them.

Engine API: HostConfig.Mounts. Each target has a path of its own in the volume, and no two targets share one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from provisioner.document.paths import file_target
from provisioner.kinds.container_mounts import ROOTS, file_address
from provisioner.kinds.ownership import FILES, add_to_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import FileUse, Recorded

# The folder of a volume with the files that are wanted outside its root, each below it at its whole target.
ELSEWHERE = ".provisioner"
# Where a container would find those of its secrets.
HIDDEN = f"{ROOTS['secrets']}/{ELSEWHERE}"


def parse(kind: str, body: ComposeBody, context: ParseContext) -> dict[str, FileUse]:
    """The files of `configs` or `secrets` by target.

    `path` is where a file stands in its volume, left out for one that stands there under its own name.
    """
    result: dict[str, FileUse] = {}
    for reference in body.get(kind) or []:
        source = reference["source"]
        target = file_target(kind, str(reference.get("target") or source))
        mode = reference.get("mode")
        result[target] = {
            "source": source,
            "version": context.versions.get(file_address(kind, source), ""),
            "uid": str(reference.get("uid") or "0"),
            "gid": str(reference.get("gid") or "0"),
            "mode": "0444" if mode is None else mode if isinstance(mode, str) else f"{mode:04o}",
        }
        if target.rpartition("/")[0] != ROOTS[kind]:
            result[target]["path"] = _path_in_volume(kind, target)
    return result


def path_in_volume(target: str, entry: FileUse) -> str:
    """Where a file that `parse` gave stands in its volume."""
    return str(entry.get("path") or target.rpartition("/")[2])


def _path_in_volume(kind: str, target: str) -> str:
    return target.removeprefix(f"{ROOTS[kind]}/") if _is_inside(kind, target) else f"{ELSEWHERE}{target}"


def _is_inside(kind: str, target: str) -> bool:
    return target.startswith(f"{ROOTS[kind]}/")


def encode(kind: str, raw: EngineBody, files: Mapping[str, FileUse], context: EncodeContext) -> None:
    """Mount the volume that carries the files at its root, bind those that are wanted elsewhere, and record them.

    For secrets an empty folder in memory hides those then, so that nobody finds them below /run/secrets too.
    """
    record(raw, kind, files)
    if kind not in context.file_volumes:
        return
    volume, mountpoint = context.file_volumes[kind]
    mounts = raw.setdefault("HostConfig", {}).setdefault("Mounts", [])
    root = ROOTS[kind]
    mounts.append(
        {"Type": "volume", "Source": volume, "Target": root, "ReadOnly": True, "VolumeOptions": {"NoCopy": True}}
    )
    elsewhere = [target for target in sorted(files) if not _is_inside(kind, target)]
    for target in elsewhere:
        source = f"{mountpoint}/{path_in_volume(target, files[target])}"
        mounts.append({"Type": "bind", "Source": source, "Target": target, "ReadOnly": True})
    if elsewhere and kind == "secrets":
        # Not under Mounts: an engine can not hand such a mount on to a container with VolumesFrom.
        host = raw["HostConfig"]
        host["Tmpfs"] = {**host.get("Tmpfs", {}), HIDDEN: "size=4096,mode=500"}


def decode(kind: str, raw: EngineBody, context: DecodeContext) -> dict[str, FileUse]:
    """The files as they are recorded: an engine tells nothing of their versions."""
    return dict(cast("dict[str, FileUse]", recorded(raw).get(kind, {})))


def record(raw: EngineBody, key: str, value: Any) -> None:
    """Keep, on a container, what can not be read back from the engine."""
    add_to_label(raw["Config"]["Labels"], FILES, key, value)


def recorded(raw: EngineBody) -> Recorded:
    """What `record` kept."""
    return cast("Recorded", json.loads((raw["Config"].get("Labels") or {}).get(FILES, "{}")))


def decode_tmpfs(raw: EngineBody) -> dict[str, str]:
    """HostConfig.Tmpfs of an inspection, without the folder in memory that `encode` puts over files."""
    folders: Mapping[str, str] = raw["HostConfig"].get("Tmpfs") or {}
    return {target: options for target, options in folders.items() if target != HIDDEN}
