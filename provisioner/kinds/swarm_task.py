"""What a Swarm's task needs names for: its image, its volumes and networks, the files of its configs and secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.document.paths import file_target
from provisioner.kinds import container_files, container_mounts, container_networks
from provisioner.kinds.fields import get_path
from provisioner.kinds.ownership import PROJECT, user_labels
from provisioner.kinds.swarm_container import decode_mounts, encode_mounts
from provisioner.kinds.swarm_scheduling import SPEC, TASK
from provisioner.kinds.tool_labels import STACK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
    from provisioner.model.edges import ComposeBody, EngineBody, EngineJson
    from provisioner.model.specs import Attachment, FileUse, Mount

# The reference as the playbook says it; the service itself is pinned to a digest where the registry tells one.
IMAGE_LABEL = "provisioner.image"
# The very reference that was sent, digest and all: another one on the service is somebody else's.
PIN_LABEL = "provisioner.pinned"
# Which labels of a mounted volume the mount itself asked for; the others are the declared volume's.
MOUNT_LABELS = "provisioner.mount"


def encode_image(raw: EngineBody, reference: str, context: EncodeContext) -> None:
    """ContainerSpec.Image as it is pinned, and the labels of the service that keep what the playbook said."""
    get_path(raw, SPEC)["Image"] = context.image
    raw["Labels"] |= {IMAGE_LABEL: reference, PIN_LABEL: context.image}


def decode_image(raw: EngineBody, context: DecodeContext) -> str:
    """The reference that the playbook said, as long as what runs is what was sent for it."""
    running = str(get_path(raw, f"{SPEC}.Image") or "")
    labels = raw.get("Labels") or {}
    return str(labels.get(IMAGE_LABEL) or running) if labels.get(PIN_LABEL) == running else running


def encode_labels(raw: EngineBody, value: Mapping[str, str]) -> None:
    """ContainerSpec.Labels, beside those that say whose it is."""
    get_path(raw, f"{SPEC}.Labels").update(value)


def decode_labels(raw: EngineBody) -> dict[str, str]:
    """ContainerSpec.Labels that people gave."""
    return user_labels(get_path(raw, f"{SPEC}.Labels"))


def entrypoint(words: Any) -> Any:
    """`[""]` is the engine's own way to clear the image's entrypoint; it is read back as empty."""
    return [] if words is not None and not any(words) else words


def parse_entrypoint(body: ComposeBody, context: ParseContext) -> Any:
    """A Swarm can not tell an empty entrypoint from none: what it leaves to be run is the entrypoint itself."""
    own = entrypoint(body.get("entrypoint"))
    return (body.get("command") or []) if own == [] else own


def parse_command(body: ComposeBody, context: ParseContext) -> Any:
    """`command`; None where it is run in place of an empty entrypoint."""
    return None if entrypoint(body.get("entrypoint")) == [] else body.get("command")


def parse_mounts(body: ComposeBody, context: ParseContext) -> dict[str, Mount]:
    """The mounts of a container, but for what Swarm has not: it refuses a source that has to be made, and the label of
    a bind mount; nodes label their volumes by themselves."""
    mounts = container_mounts.parse_volumes(body, context)
    return {
        target: container_mounts.mount_with(entry, lambda key, _: key not in ("create_host_path", "selinux"))
        for target, entry in mounts.items()
    }


def encode_volumes(raw: EngineBody, value: dict[str, Mount], context: EncodeContext) -> None:
    """The Mounts, each with how a node that has not the volume makes it."""
    encode_mounts(raw, value)
    for mount in get_path(raw, f"{SPEC}.Mounts"):
        if mount["Type"] == "volume" and mount.get("Source") in context.volumes:
            _make_volume(mount, context.volumes[mount["Source"]])


def _make_volume(mount: EngineBody, made: EngineJson) -> None:
    """Let a node that has not the volume make it as it is declared; the mount's own labels are told apart by name."""
    options = mount.setdefault("VolumeOptions", {})
    own = options.get("Labels") or {}
    marked = {MOUNT_LABELS: ",".join(sorted(own))} if own else {}
    options.update({**made, "Labels": {**own, **made["Labels"], **marked}})


def decode_volumes(raw: EngineBody, context: DecodeContext) -> dict[str, Mount]:
    """What `encode_volumes` wrote, without the labels of the declared volumes."""
    mounts = decode_mounts(raw)
    for entry in mounts.values():
        labels = entry.pop("labels", {})
        own = labels[MOUNT_LABELS].split(",") if MOUNT_LABELS in labels else user_labels(labels)
        if (PROJECT in labels or STACK in labels) and MOUNT_LABELS not in labels:
            own = []
        if own:
            entry["labels"] = {key: labels[key] for key in own}
    return mounts


def parse_networks(body: ComposeBody, context: ParseContext) -> dict[str, Attachment]:
    """The networks of a container, with what a Swarm can give of an attachment."""
    if body.get("network_mode") in ("host", "bridge"):
        return {body["network_mode"]: {"aliases": []}}
    parsed = container_networks.parse_networks(body, context)
    return {
        key: container_networks.attachment(aliases=entry["aliases"], driver_opts=entry.get("driver_opts"))
        for key, entry in parsed.items()
    }


def encode_networks(raw: EngineBody, value: Mapping[str, Attachment], context: EncodeContext) -> None:
    """TaskSpec.Networks (Target, Aliases, DriverOpts)."""
    raw[TASK]["Networks"] = [
        {"Target": context.networks.get(key, key), **_attachment(entry)} for key, entry in value.items()
    ]


def _attachment(entry: Attachment) -> EngineBody:
    result: EngineBody = {"Aliases": entry["aliases"]} if entry["aliases"] else {}
    if entry.get("driver_opts"):
        result["DriverOpts"] = entry["driver_opts"]
    return result


def decode_networks(raw: EngineBody, context: DecodeContext) -> dict[str, Attachment]:
    """TaskSpec.Networks by their keys."""
    return {
        context.networks.get(network["Target"], network["Target"]): container_networks.attachment(
            aliases=sorted(network.get("Aliases") or []), driver_opts=network.get("DriverOpts")
        )
        for network in get_path(raw, f"{TASK}.Networks") or []
    }


def parse_files(kind: str, body: ComposeBody, context: ParseContext) -> dict[str, FileUse]:
    """The files of `configs` or `secrets`, which need no volume here."""
    files = container_files.parse(kind, body, context)
    for entry in files.values():
        entry.pop("path", None)
    return files


def encode_files(kind: str, raw: EngineBody, value: dict[str, FileUse], context: EncodeContext) -> None:
    """ContainerSpec.Configs or .Secrets, with the ids of the versions that are wanted."""
    get_path(raw, SPEC)[kind.capitalize()] = [
        _reference(kind, target, entry, context) for target, entry in sorted(value.items())
    ]


def _reference(kind: str, target: str, entry: FileUse, context: EncodeContext) -> EngineBody:
    identity, name = context.files[container_mounts.file_address(kind, entry["source"])]
    # A secret's target is relative to /run/secrets unless it is absolute; a config's stands at the root.
    file = {"Name": target, "UID": entry["uid"], "GID": entry["gid"], "Mode": int(entry["mode"], 8)}
    prefix = "Secret" if kind == "secrets" else "Config"
    return {"File": file, f"{prefix}ID": identity, f"{prefix}Name": name}


def decode_files(kind: str, raw: EngineBody, context: DecodeContext) -> dict[str, FileUse]:
    """ContainerSpec.Configs or .Secrets by target: key, version, owner and mode of each."""
    entries = get_path(raw, f"{SPEC}.{kind.capitalize()}") or []
    return {file_target(kind, entry["File"]["Name"]): _decode_reference(kind, entry, context) for entry in entries}


def _decode_reference(kind: str, entry: EngineJson, context: DecodeContext) -> FileUse:
    prefix = "Secret" if kind == "secrets" else "Config"
    name = entry.get(f"{prefix}Name") or ""
    source, version = context.files.get(entry[f"{prefix}ID"], (name, name))
    file = entry["File"]
    return {
        "source": source,
        "version": version,
        "uid": file.get("UID") or "0",
        "gid": file.get("GID") or "0",
        "mode": f"{file.get('Mode', 0o444):04o}",
    }
