"""Swarm services: what a playbook's service is on a Swarm (POST /services/create, API 1.41 and later)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provisioner.kinds import container
from provisioner.kinds import swarm_scheduling as scheduling
from provisioner.kinds.compare import compare
from provisioner.kinds.container_files import without_paths
from provisioner.kinds.container_mounts import ROOTS
from provisioner.kinds.fields import Raw, get_path, read_anew
from provisioner.kinds.ownership import PROJECT, user_labels
from provisioner.kinds.swarm_fields import BUILD_LABEL, IMAGE_LABEL, PIN_LABEL
from provisioner.kinds.swarm_fields import FIELDS as FIELDS
from provisioner.kinds.swarm_scheduling import SPEC, TASK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.change import FieldChange
    from provisioner.model.positions import Positions
    from provisioner.model.state import ImageFacts, Spec

KIND = "service"
# Which labels of a mounted volume the mount itself asked for; the others are the declared volume's.
MOUNT_LABELS = "provisioner.mount"


@dataclass(frozen=True, slots=True)
class Names:
    """How the engine's names map back: network ids to keys, and for secrets and configs, by their id, the playbook's
    key and the version."""

    networks: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wiring:
    """What only the engine knows when a service is created.

    `networks` gives the engine's name for a key, `files` the id and name of the object that holds a config or secret
    (`configs/x`, `secrets/x`), `image` the reference to run, pinned to a digest where there is one. `volumes` gives the
    VolumeOptions with which a node makes a declared volume, by the volume's name.
    """

    name: str
    labels: Mapping[str, str]
    image: str
    networks: Mapping[str, str]
    files: Mapping[str, tuple[str, str]]
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    force_update: int = 0


def parse(service: str, body: Raw, names: container.Names, image: str, replicas: int, build: str | None) -> Spec:
    """The spec of a service from its canonical body. What Swarm has not is not looked at; `swarm_limits` finds it.

    `build` is the digest of what its image is built from, None for one that is pulled.
    """
    base = container.parse(service, body, names, image)
    read = {f.key: f.canonical(base[f.key]) for f in container.FIELDS if not read_anew(f)}
    spec: Spec = {f.key: read[f.key] if f.key in read else f.parse(body) for f in FIELDS}
    spec["networks"] = {
        key: {name: entry[name] for name in ("aliases", "driver_opts") if name in entry}
        for key, entry in base["networks"].items()
    }
    if base["network_mode"] in ("host", "bridge"):
        spec["networks"] = {base["network_mode"]: {"aliases": []}}
    spec["build"] = build
    spec["replicas"] = None if spec["mode"].startswith("global") else replicas
    spec |= {kind: without_paths(spec[kind]) for kind in ROOTS}
    for entry in spec["volumes"].values():
        # A label of a bind mount is refused here, and nodes label their volumes by themselves.
        for key in ("create_host_path", "selinux"):
            entry.pop(key, None)
    # A Swarm can not tell an empty entrypoint from none: what it leaves to be run is the entrypoint itself.
    if base["entrypoint"] == []:
        spec |= {"entrypoint": base["command"] or [], "command": None}
    return spec


def with_image_command(spec: Spec, image: ImageFacts | None) -> Spec:
    """The spec in which the image's own command stands where the image's entrypoint is cleared, and no command given.

    Unchanged where the image is not known.
    """
    if spec["entrypoint"] != [] or image is None:
        return spec
    return {**spec, "entrypoint": list(image.command)}


def encode(spec: Spec, wiring: Wiring) -> Raw:
    """The ServiceSpec, complete: every field is sent, as an update replaces the whole."""
    raw: Raw = {"Name": wiring.name, "Labels": {}, TASK: {"ContainerSpec": {"Labels": {}}}}
    for entry in FIELDS:
        entry.encode(raw, spec[entry.key])
    raw["Labels"] |= {**wiring.labels, IMAGE_LABEL: str(spec["image"]), PIN_LABEL: wiring.image}
    container_spec = raw[TASK]["ContainerSpec"]
    container_spec["Image"] = wiring.image
    if spec["build"]:
        container_spec["Labels"][BUILD_LABEL] = spec["build"]
    networks = [
        {"Target": wiring.networks.get(key, key), **_attachment(entry)} for key, entry in spec["networks"].items()
    ]
    raw[TASK]["Networks"] = networks
    raw[TASK]["ForceUpdate"] = wiring.force_update
    for kind in ROOTS:
        if spec[kind]:
            container_spec[kind.capitalize()] = [
                _reference(kind, target, entry, wiring) for target, entry in sorted(spec[kind].items())
            ]
    for mount in container_spec.get("Mounts", []):
        if mount["Type"] == "volume" and mount.get("Source") in wiring.volumes:
            _make_volume(mount, wiring.volumes[mount["Source"]])
    return raw


def _make_volume(mount: Raw, made: Mapping[str, Any]) -> None:
    """Let a node that has not the volume make it as it is declared; the mount's own labels are told apart by name."""
    options = mount.setdefault("VolumeOptions", {})
    own = options.get("Labels") or {}
    marked = {MOUNT_LABELS: ",".join(sorted(own))} if own else {}
    options.update({**made, "Labels": {**own, **made["Labels"], **marked}})


def _attachment(entry: dict[str, Any]) -> Raw:
    result: Raw = {"Aliases": entry["aliases"]} if entry["aliases"] else {}
    if entry.get("driver_opts"):
        result["DriverOpts"] = entry["driver_opts"]
    return result


def _reference(kind: str, target: str, entry: dict[str, Any], wiring: Wiring) -> Raw:
    identity, name = wiring.files[f"{kind}/{entry['source']}"]
    # A secret's target is relative to /run/secrets unless it is absolute; a config's stands at the root.
    file = {"Name": target, "UID": entry["uid"], "GID": entry["gid"], "Mode": int(entry["mode"], 8)}
    prefix = "Secret" if kind == "secrets" else "Config"
    return {"File": file, f"{prefix}ID": identity, f"{prefix}Name": name}


def decode(raw: Raw, names: Names) -> Spec:
    """The spec of a service from its inspection (Service.Spec)."""
    live = raw["Spec"]
    spec: Spec = {f.key: f.decode(live) for f in FIELDS}
    spec["image"] = _image(live)
    if spec["mode"].startswith("global"):
        spec["replicas"] = None
    spec["networks"] = {
        names.networks.get(n["Target"], n["Target"]): {
            "aliases": sorted(n.get("Aliases") or []),
            **({"driver_opts": n["DriverOpts"]} if n.get("DriverOpts") else {}),
        }
        for n in get_path(live, f"{TASK}.Networks") or []
    }
    for kind in ROOTS:
        spec[kind] = {
            entry["File"]["Name"]: _decode_reference(kind, entry, names)
            for entry in get_path(live, f"{SPEC}.{kind.capitalize()}") or []
        }
    for entry in spec["volumes"].values():
        labels = entry.pop("labels", {})
        own = labels[MOUNT_LABELS].split(",") if MOUNT_LABELS in labels else user_labels(labels)
        if PROJECT in labels and MOUNT_LABELS not in labels:
            own = []
        if own:
            entry["labels"] = {key: labels[key] for key in own}
    return spec


def _image(live: Raw) -> str:
    """The reference that the playbook said, as long as what runs is what was sent for it."""
    running = str(get_path(live, f"{SPEC}.Image") or "")
    labels = live.get("Labels") or {}
    return str(labels.get(IMAGE_LABEL) or running) if labels.get(PIN_LABEL) == running else running


def _decode_reference(kind: str, entry: Raw, names: Names) -> dict[str, Any]:
    prefix = "Secret" if kind == "secrets" else "Config"
    name = entry.get(f"{prefix}Name") or ""
    source, version = names.files.get(entry[f"{prefix}ID"], (name, name))
    file = entry["File"]
    return {
        "source": source,
        "version": version,
        "uid": file.get("UID") or "0",
        "gid": file.get("GID") or "0",
        "mode": f"{file.get('Mode', 0o444):04o}",
    }


def differences(desired: Spec, observed: Spec, spans: Positions | None = None) -> tuple[FieldChange, ...]:
    """The fields in which a service differs. A file from another config or secret is one difference, not two."""
    found = compare(FIELDS, desired, observed, spans)
    other = {one.path.removesuffix(".source") for one in found if one.path.endswith(".source")}
    return tuple(one for one in found if one.path.removesuffix(".version") not in other)


def file_ids(live: Mapping[str, Any]) -> list[str]:
    """The ids of the configs and secrets that a live spec (Service.Spec, Service.PreviousSpec) refers to."""
    container = get_path(live, SPEC) or {}
    secrets = [entry["SecretID"] for entry in container.get("Secrets") or []]
    return secrets + [entry["ConfigID"] for entry in container.get("Configs") or []]


def restarts_always(raw: Mapping[str, Any]) -> bool:
    """Whether a live service's tasks are followed by others however they end."""
    return str(scheduling.decode_restart(dict(raw["Spec"]))["condition"]) == "any"


def decode_mode(raw: Mapping[str, Any]) -> str:
    """The mode of a live service: replicated, global, or one of the two kinds of job."""
    return str(FIELDS[0].decode(dict(raw["Spec"])))


def pinned(raw: Mapping[str, Any]) -> str:
    """The reference with its digest that a service was last given by an apply; empty where that is not known."""
    return str((raw["Spec"].get("Labels") or {}).get(PIN_LABEL) or "")
