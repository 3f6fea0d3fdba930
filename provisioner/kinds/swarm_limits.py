"""Values that a Swarm service can not have, or only from a newer engine, though it has the key: each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.seccomp import parts
from provisioner.kinds.swarm_fields import SHARED
from provisioner.model.span import Problem, Verdict, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.node import Node

_PRIVILEGES_SINCE = (1, 44)
_LONGEST_NAME = 63


def problems(service: str, node: Node, api_version: tuple[int, int]) -> Iterator[Verdict]:
    """The values that a Swarm of this API version can not give a service; `node` is the service's canonical body."""
    path = f"services.{service}"
    yield from _port_problems(path, node)
    yield from _mount_problems(path, node)
    yield from _file_problems(path, node)
    yield from _privilege_problems(path, node, api_version)
    for field in SHARED:
        given = node.get(field.key)
        if api_version < field.since and given is not None and given.plain():
            yield _too_old(field.key, given, f"{path}.{field.key}", field.since, api_version)


def name_problem(service: str, name: str, node: Node) -> Iterator[Verdict]:
    """A service's name on the Swarm is a host name."""
    if len(name) > _LONGEST_NAME:
        text = f"its name on the Swarm, {name}, has {len(name)} characters, and can have {_LONGEST_NAME}"
        yield refusal(text, node.span, f"services.{service}", "shorten it, or the project's name")


def _too_old(what: str, node: Node, path: str, since: tuple[int, int], api_version: tuple[int, int]) -> Verdict:
    has, needs = ".".join(map(str, api_version)), ".".join(map(str, since))
    text = f"'{what}' needs an engine with API {needs} on Swarm; this one has {has}"
    return refusal(text, node.span, path, "leave it out, or use a newer engine")


def _items(node: Node, key: str) -> tuple[Node, ...]:
    sequence = node.get(key)
    return tuple(sequence.items) if sequence is not None and sequence.is_sequence else ()


def _port_problems(path: str, node: Node) -> Iterator[Verdict]:
    endpoint = node.get("deploy", "endpoint_mode")
    for port in _items(node, "ports"):
        host, published, mode = port.get("host_ip"), port.get("published"), port.get("mode")
        if host is not None and host.value:
            text = f"Swarm publishes on every address of a node, not on {host.value} alone"
            yield refusal(text, host.span, f"{path}.ports", "leave the address out, and close it in a firewall")
        if published is not None and "-" in str(published.value):
            text = f"Swarm can not choose a port of the range {published.value}"
            yield refusal(text, published.span, f"{path}.ports", "name one port, or none")
        ingress, target = mode is None or mode.value != "host", port.get("target")
        if ingress and endpoint is not None and endpoint.value == "dnsrr":
            text = f"port {target.value if target else ''} is published by the ingress network, which dnsrr has not"
            yield refusal(text, port.span, f"{path}.ports", "say `mode: host`, or leave endpoint_mode out")


def _mount_problems(path: str, node: Node) -> Iterator[Verdict]:
    for mount in _items(node, "volumes"):
        kind, selinux = mount.get("type"), mount.get("bind", "selinux")
        if kind is not None and kind.value == "image":
            text = "an image can not be mounted on Swarm"
            yield refusal(text, mount.span, f"{path}.volumes", "copy its files into the service's own image")
        if selinux is not None and selinux.value:
            stored = kind is not None and kind.value == "volume"
            text = "SELinux labels of mounts can not be had on Swarm"
            hint = (
                "nodes label their volumes by themselves; leave it out" if stored else "label the folder on the nodes"
            )
            yield Verdict(not stored, Problem(text, selinux.span, f"{path}.volumes", hint))


def _file_problems(path: str, node: Node) -> Iterator[Verdict]:
    for kind in ("configs", "secrets"):
        for entry in _items(node, kind):
            for key in ("uid", "gid"):
                owner = entry.get(key) if entry.is_mapping else None
                if owner is not None and owner.value is not None and not str(owner.value).isdecimal():
                    text = f"'{owner.value}' is no number: Swarm knows no names of users and groups"
                    yield refusal(text, owner.span, f"{path}.{kind}.{key}", "write the id")


def _privilege_problems(path: str, node: Node, api_version: tuple[int, int]) -> Iterator[Verdict]:
    for option in _items(node, "security_opt"):
        name, value = parts(str(option.value))
        known = name in ("no-new-privileges", "seccomp") or (name == "apparmor" and value == "unconfined")
        if not known or (name == "seccomp" and value == "builtin"):
            text = f"'{option.value}' can not be had on Swarm"
            yield refusal(text, option.span, f"{path}.security_opt", "use no-new-privileges, or a plain engine")
        elif api_version < _PRIVILEGES_SINCE and value != "false":
            yield _too_old(str(option.value), option, f"{path}.security_opt", _PRIVILEGES_SINCE, api_version)
