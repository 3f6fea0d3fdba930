"""Swarm services: what a playbook's service is on a Swarm (POST /services/create, API 1.41 and later)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provisioner.kinds import container
from provisioner.kinds.container_mounts import ROOTS
from provisioner.kinds.fields import Raw, get_path
from provisioner.kinds.swarm_fields import BUILD_LABEL, IMAGE_LABEL, SPEC, TASK
from provisioner.kinds.swarm_fields import FIELDS as FIELDS
from provisioner.kinds.swarm_fields import is_job as is_job
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.node import Node
    from provisioner.model.state import Spec

KIND = "service"

# Keys that a Swarm service can not have, and what to do instead (features of swarmkit's task spec).
REFUSED: dict[str, str] = {
    "blkio_config": "limit I/O on the nodes",
    "cgroup": "leave it out",
    "cgroup_parent": "leave it out",
    "cpu_count": "use deploy.resources.limits.cpus",
    "cpu_percent": "use deploy.resources.limits.cpus",
    "cpu_period": "use deploy.resources.limits.cpus",
    "cpu_quota": "use deploy.resources.limits.cpus",
    "cpu_rt_period": "use deploy.resources.limits.cpus",
    "cpu_rt_runtime": "use deploy.resources.limits.cpus",
    "cpu_shares": "use deploy.resources.limits.cpus",
    "cpuset": "use placement constraints",
    "device_cgroup_rules": "run the service on a plain engine",
    "devices": "use deploy.resources.reservations.generic_resources, or a plain engine",
    "external_links": "use a shared network",
    "gpus": "use deploy.resources.reservations.generic_resources",
    "ipc": "run the service on a plain engine",
    "links": "use a shared network",
    "mac_address": "leave it out: tasks get addresses of their own",
    "mem_swappiness": "set it on the nodes",
    "memswap_limit": "set it on the nodes",
    "oom_kill_disable": "leave it out",
    "pid": "run the service on a plain engine",
    "privileged": "name the capabilities under cap_add, or use a plain engine",
    "runtime": "make it the default runtime of the nodes",
    "storage_opt": "set it on the nodes",
    "userns_mode": "set it on the nodes",
    "uts": "run the service on a plain engine",
    "volumes_from": "mount the same volume in both services",
    "post_start": "run it from the image's entrypoint, or as a job",
    "pre_stop": "trap the stop signal in the image's entrypoint",
    "annotations": "use labels",
}
# Keys that mean nothing on Swarm and change nothing there: they are told, not refused.
IGNORED: dict[str, str] = {
    "container_name": "tasks are named by Swarm",
    "domainname": "fold it into hostname",
    "expose": "every port is open on an overlay network",
}


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
    """The spec of a service from its canonical body. Keys of REFUSED are not looked at; `problems` finds them.

    `build` is the digest of what its image is built from, None for one that is pulled.
    """
    base = container.parse(service, body, names, image)
    spec: Spec = {f.key: base[f.key] if f.key in base else f.parse(body) for f in FIELDS}
    own = ("ports", "tmpfs", "security_opt", "init")
    spec |= {f.key: f.parse(body) for f in FIELDS if f.key in own}
    spec["networks"] = {
        key: {name: entry[name] for name in ("aliases", "driver_opts") if name in entry}
        for key, entry in base["networks"].items()
    }
    if base["network_mode"] in ("host", "bridge"):
        spec["networks"] = {base["network_mode"]: {"aliases": []}}
    spec["build"] = build
    spec["replicas"] = None if spec["mode"].startswith("global") else replicas
    for entry in spec["volumes"].values():
        entry.pop("create_host_path", None)
    return spec


def problems(service: str, node: Node) -> Iterator[tuple[bool, Problem]]:
    """What a Swarm can not do for this service: whether it must be refused, and the finding."""
    path = f"services.{service}"
    for key, item in node.mapping.items():
        span = node.key_spans.get(key, item.span)
        if key in REFUSED and item.plain() not in (None, False, [], {}, "", 0):
            yield True, Problem(f"'{key}' can not be had on Swarm", span, f"{path}.{key}", REFUSED[key])
        elif key in IGNORED and item.plain():
            yield False, Problem(f"'{key}' has no effect on Swarm", span, f"{path}.{key}", IGNORED[key])
    yield from _network_problems(path, node)
    for port in node.mapping["ports"].items if "ports" in node.mapping else ():
        host = port.get("host_ip")
        if host is not None and host.value:
            text = f"Swarm publishes on every address of a node, not on {host.value} alone"
            yield True, Problem(text, host.span, f"{path}.ports", "leave the address out, and close it in a firewall")
    options = {"no-new-privileges", "seccomp", "apparmor"}
    for option in node.mapping["security_opt"].items if "security_opt" in node.mapping else ():
        name, _, value = str(option.value).replace(":", "=", 1).partition("=")
        if name not in options or (name != "no-new-privileges" and value != "unconfined"):
            text = f"'{option.value}' can not be had on Swarm"
            yield True, Problem(text, option.span, f"{path}.security_opt", "use no-new-privileges, or a plain engine")


def _network_problems(path: str, node: Node) -> Iterator[tuple[bool, Problem]]:
    mode = node.get("network_mode")
    if mode is not None and mode.value not in (None, "host", "bridge", "none"):
        text = f"'network_mode: {mode.value}' can not be had on Swarm: a task has its own network"
        yield True, Problem(text, mode.span, f"{path}.network_mode", "put both services on one network")
    networks = node.get("networks")
    for name, network in networks.mapping.items() if networks is not None and networks.is_mapping else ():
        for key in ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address"):
            item = network.get(key) if network.is_mapping else None
            if item is not None and item.value:
                text = f"'{key}' can not be had on Swarm: tasks get their addresses from it"
                yield True, Problem(text, item.span, f"{path}.networks.{name}.{key}", "use the service's name")


def encode(spec: Spec, wiring: Wiring) -> Raw:
    """The ServiceSpec, complete: every field is sent, as an update replaces the whole."""
    raw: Raw = {"Name": wiring.name, "Labels": {}, TASK: {"ContainerSpec": {"Labels": {}}}}
    for entry in FIELDS:
        entry.encode(raw, spec[entry.key])
    raw["Labels"] |= {**wiring.labels, IMAGE_LABEL: str(spec["image"])}
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
            mount.setdefault("VolumeOptions", {}).update(wiring.volumes[mount["Source"]])
    return raw


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
    labels = live.get("Labels") or {}
    spec["image"] = labels.get(IMAGE_LABEL) or get_path(live, f"{SPEC}.Image") or ""
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
        entry.pop("labels", None)
    return spec


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


def decode_mode(raw: Mapping[str, Any]) -> str:
    """The mode of a live service: replicated, global, or one of the two kinds of job."""
    return str(FIELDS[0].decode(dict(raw["Spec"])))


def pinned(raw: Mapping[str, Any]) -> str:
    """The reference with its digest that a live service runs."""
    return str(get_path(raw, f"Spec.{SPEC}.Image") or "")
