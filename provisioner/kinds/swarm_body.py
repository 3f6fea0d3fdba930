"""A live service of a Swarm as the body of a Compose service: the way back from a spec to what a file says. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.document.paths import file_target
from provisioner.kinds import service
from provisioner.kinds.compose_body import WRITERS, attachments, mount_entry
from provisioner.kinds.context import ParseContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.model.edges import ComposeBody
    from provisioner.model.specs import Bindings, FileUse, Placement, RestartPolicy, TmpfsOptions
    from provisioner.model.state import Spec

# The image is written apart; how one was built, and which digest a tag had, is no service's own.
_LEFT_OUT = frozenset({"image", "digest", "build"})


def swarm_body(spec: Spec, image: str, *, key: str, volumes: Mapping[str, str]) -> ComposeBody:
    """What a Compose file says of a service with this decoded spec, without what a Swarm gives anyway.

    `image` is the reference without its digest, `key` the service's key, which is an alias that need not be said.
    `volumes` gives the file's key of a volume by its name on the engine. Values of variables that look like secrets
    are in it as they are.
    """
    unset = service.parse({}, ParseContext(service=key, image=image, replicas=1))
    body: ComposeBody = {"image": image}
    for field in service.FIELDS:
        value = spec[field.key]
        if field.key in _LEFT_OUT or value in (unset[field.key], None):
            continue
        # What can be said under `deploy` is said there, where every tool for Swarms looks.
        path = next((source for source in field.sources if source.startswith("deploy.")), field.key)
        write = _WRITERS.get(field.key) or WRITERS.get(field.key)
        written = write(value) if write else value
        if field.key == "volumes":
            written = [mount_entry(target, entry, volumes) for target, entry in sorted(value.items())]
        elif field.key == "networks" and {"host", "bridge"} & value.keys():
            path, [written] = "network_mode", value
        elif field.key == "networks":
            written = attachments(value, key)
        if written not in (None, [], {}):
            _put(body, path, written)
    return body


def _put(body: ComposeBody, path: str, value: Any) -> None:
    *folders, last = path.split(".")
    for folder in folders:
        body = body.setdefault(folder, {})
    body[last] = value


def _ports(value: Mapping[str, Bindings]) -> list[ComposeBody]:
    return [
        {"target": int(target.partition("/")[0]), "protocol": target.partition("/")[2], "mode": mode}
        | ({"published": published} if published else {})
        for target, bindings in sorted(value.items())
        for published, _, mode in (bound.partition(":") for bound in bindings)
    ]


def _files(kind: str, value: Mapping[str, FileUse]) -> list[ComposeBody | str]:
    """The files of `configs` or `secrets`: no more than a key where all else is as it is without a word."""
    usual = {"uid": "0", "gid": "0", "mode": "0444"}
    files: list[ComposeBody | str] = []
    for target, entry in sorted(value.items()):
        own = {key: value for key, value in entry.items() if key in usual and value != usual[key]}
        own |= {} if target == file_target(kind, entry["source"]) else {"target": target}
        files.append({"source": entry["source"], **own} if own else entry["source"])
    return files


def _tmpfs(value: Mapping[str, TmpfsOptions]) -> list[str]:
    mounts = []
    for target, entry in sorted(value.items()):
        options = [f"size={entry['size']}"] if entry.get("size") else []
        options += [f"mode={entry['mode']:o}"] if entry.get("mode") else []
        mounts.append(f"{target}:{','.join(options)}" if options else target)
    return mounts


def _placement(value: Placement) -> ComposeBody:
    """Without the platforms, which clients add that look the image up in its registry."""
    written: ComposeBody = {key: item for key, item in value.items() if key != "platforms"}
    if "preferences" in value:
        written["preferences"] = [{"spread": preference} for preference in value["preferences"]]
    return written


def _restart(value: RestartPolicy) -> ComposeBody:
    return {key: item for key, item in value.items() if item}


def _size(value: int) -> str:
    unit = next((unit for unit in ("g", "m", "k") if value % _BYTES[unit] == 0), "")
    return f"{value // _BYTES[unit]}{unit}" if unit else str(value)


_BYTES = {"k": 2**10, "m": 2**20, "g": 2**30}
_WRITERS: dict[str, Callable[[Any], Any]] = {
    "ports": _ports,
    "configs": lambda value: _files("configs", value),
    "secrets": lambda value: _files("secrets", value),
    "tmpfs": _tmpfs,
    "placement": _placement,
    "restart_policy": _restart,
    "security_opt": lambda value: [f"{name}:{option}" for name, option in sorted(value.items())],
    "mem_limit": _size,
    "mem_reservation": _size,
    "cpu_reservation": str,
    "cpus": str,
    "generic_resources": lambda value: [
        {"discrete_resource_spec": {"kind": kind, "value": count}} for kind, count in sorted(value.items())
    ],
}
