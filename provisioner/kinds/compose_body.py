"""A live container as the body of a Compose service: the way back from a spec to what a file says. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds import container
from provisioner.kinds.compare import looks_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.model.edges import ComposeBody
    from provisioner.model.specs import Attachment, Healthcheck, Mount
    from provisioner.model.state import Facts, ImageFacts, Spec

# Chosen by the engine where nobody declares them; left out, they are no difference.
_LEFT_OUT = frozenset({"platform", "default_network", "mac_address", "cgroup", "pre_start", "post_start", "pre_stop"})
_SHM_SIZE = 64 * 2**20
_PRIVATE_IPC = ("private", "shareable", "")
# Keys of a mount's spec by where Compose has them in the long form.
_MOUNT_PARTS = {
    "bind": ("propagation", "recursive", "selinux", "create_host_path"),
    "volume": ("nocopy", "subpath", "labels"),
    "tmpfs": ("size", "mode"),
}


def service_body(
    spec: Spec, image: ImageFacts, facts: Facts, *, service: str, volumes: Mapping[str, str]
) -> ComposeBody:
    """What a Compose file says of a container with this decoded spec, without what its image gives anyway.

    `volumes` gives the file's key of a volume by its name on the engine. Values of variables that look like secrets
    are in it as they are.
    """
    own = container.beyond_image(spec, image, observed=True)
    body: ComposeBody = {}
    for field in container.FIELDS:
        value = own[field.key]
        if field.key in _LEFT_OUT or value in (field.default, None) or _is_engines(field.key, value, facts):
            continue
        write = WRITERS.get(field.key)
        written = write(value) if write else value
        if field.key == "volumes":
            written = [mount_entry(target, entry, volumes) for target, entry in sorted(value.items())]
        elif field.key == "networks":
            written = attachments(value, service)
        if written not in (None, [], {}):
            body[field.key] = written
    if "entrypoint" in body and spec["command"]:
        # The image's own command goes with the image's own entrypoint only.
        body["command"] = spec["command"]
    if body.get("network_mode") == "none" and spec["networks"]:
        del body["network_mode"]
    return body


def secret_variables(body: ComposeBody) -> dict[str, str]:
    """The variables of a body whose values are better not in a file."""
    variables = (body.get("environment") or {}).items()
    return {key: value for key, value in variables if isinstance(value, str) and value and looks_secret(key, value)}


def _is_engines(key: str, value: Any, facts: Facts) -> bool:
    """Whether a value is what this engine gives where none is declared."""
    if key == "ipc":
        return value in _PRIVATE_IPC
    if key == "shm_size":
        return bool(value == _SHM_SIZE)
    if key == "runtime":
        # Which one is the default is the engine's own matter; the one that all have is not worth a word.
        return bool(value == "runc")
    if key == "logging":
        return bool(value == {"driver": facts.logging_driver, "options": {}})
    return key == "init" and not value


def _ports(value: dict[str, list[str]]) -> list[str]:
    return [
        f"{bound}:{target}" if bound else target for target, bindings in sorted(value.items()) for bound in bindings
    ]


def mount_entry(target: str, entry: Mount, volumes: Mapping[str, str]) -> ComposeBody:
    """A mount in the long form; `volumes` gives the file's key of a volume by its name on the engine."""
    kind = entry["type"]
    mount: ComposeBody = {"type": kind}
    if entry.get("source"):
        mount["source"] = volumes.get(entry["source"], entry["source"]) if kind == "volume" else entry["source"]
    mount["target"] = target
    if entry.get("read_only"):
        mount["read_only"] = True
    for section, keys in _MOUNT_PARTS.items():
        parts = {key: value for key, value in entry.items() if key in keys}
        if parts:
            mount["image" if kind == "image" else section] = parts
    if kind == "bind" and "create_host_path" not in entry:
        mount.setdefault("bind", {})["create_host_path"] = False
    return mount


def attachments(value: Mapping[str, Attachment], service: str) -> ComposeBody | list[str] | None:
    """What a file says of the networks that a service is on: no more than their keys where that is enough, and nothing
    for the default one alone."""
    written = {key: _attachment(entry, service) for key, entry in value.items()}
    if any(entry is not None for entry in written.values()):
        return written
    return None if [*written] == ["default"] else [*written]


def _attachment(entry: Attachment, service: str) -> ComposeBody | None:
    known = ("ipv4_address", "ipv6_address", "link_local_ips", "driver_opts", "gw_priority")
    own: ComposeBody = {key: value for key, value in entry.items() if key in known and value}
    aliases = [alias for alias in entry["aliases"] if alias != service]
    return ({"aliases": aliases} if aliases else {}) | own or None


def _healthcheck(value: Healthcheck) -> ComposeBody:
    return {"disable": True} if value.get("test") == ["NONE"] else {**value}


def _ulimits(value: dict[str, str]) -> ComposeBody:
    split = {name: limit.split(":") for name, limit in value.items()}
    return {
        name: int(soft) if soft == hard else {"soft": int(soft), "hard": int(hard)}
        for name, (soft, hard) in split.items()
    }


WRITERS: dict[str, Callable[[Any], Any]] = {
    "ports": _ports,
    # With an entrypoint of its own, no command and an empty one are the same.
    "command": lambda value: value or None,
    "healthcheck": _healthcheck,
    "devices": lambda value: [
        f"{device['source']}:{target}:{device['permissions']}" for target, device in sorted(value.items())
    ],
    # Requests for devices have one form in a spec, and two in a file.
    "gpus": lambda value: [
        {key: item for key, item in request.items() if item} | {"capabilities": request["capabilities"]}
        for request in value
    ],
    "ulimits": _ulimits,
    "tmpfs": lambda value: [f"{target}:{options}" if options else target for target, options in sorted(value.items())],
    "environment": lambda value: {key: text for key, text in value.items() if text is not None},
    "volumes_from": lambda value: [entry.removeprefix("service:") for entry in value],
}
