"""What a Swarm service can not have, or only a newer engine gives it: found in the playbook, told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.seccomp import parts
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.node import Node

    # Whether it must be refused, and the finding.
    Finding = tuple[bool, Problem]

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
    "pre_start": "make it a service with `job`, and wait for it with service_completed_successfully",
    "pre_stop": "trap the stop signal in the image's entrypoint",
    "annotations": "use labels",
    "credential_spec": "run the service on a plain engine",
}
# Keys that mean nothing on Swarm and change nothing there: they are told, not refused.
IGNORED: dict[str, str] = {
    "container_name": "tasks are named by Swarm",
    "domainname": "fold it into hostname",
    "expose": "every port is open on an overlay network",
}


# What containers have on every engine, and services only since an API version; before, it is left out without a word.
SINCE: dict[str, tuple[int, int]] = {"oom_score_adj": (1, 46)}
_PRIVILEGES_SINCE = (1, 44)
_LONGEST_NAME = 63


def problems(service: str, node: Node, api_version: tuple[int, int]) -> Iterator[Finding]:
    """What a Swarm of this API version can not do for a service; `node` is the service's canonical body."""
    path = f"services.{service}"
    for key, item in node.mapping.items():
        span = node.key_spans.get(key, item.span)
        if key in REFUSED and item.plain() not in (None, False, [], {}, "", 0):
            yield True, Problem(f"'{key}' can not be had on Swarm", span, f"{path}.{key}", REFUSED[key])
        elif key in IGNORED and item.plain():
            yield False, Problem(f"'{key}' has no effect on Swarm", span, f"{path}.{key}", IGNORED[key])
    devices = node.get("deploy", "resources", "reservations", "devices")
    if devices is not None and devices.plain():
        text = "devices can not be reserved on Swarm"
        where = f"{path}.deploy.resources.reservations.devices"
        yield True, Problem(text, devices.span, where, "use generic_resources, or a plain engine")
    yield from _network_problems(path, node)
    yield from _port_problems(path, node)
    yield from _mount_problems(path, node)
    yield from _file_problems(path, node)
    yield from _privilege_problems(path, node, api_version)
    for key, since in SINCE.items():
        found = node.get(key)
        if api_version < since and found is not None and found.plain():
            yield _too_old(key, found, f"{path}.{key}", since, api_version)


def name_problem(service: str, name: str, node: Node) -> Iterator[Finding]:
    """A service's name on the Swarm is a host name."""
    if len(name) > _LONGEST_NAME:
        text = f"its name on the Swarm, {name}, has {len(name)} characters, and can have {_LONGEST_NAME}"
        yield True, Problem(text, node.span, f"services.{service}", "shorten it, or the project's name")


def _too_old(what: str, node: Node, path: str, since: tuple[int, int], api_version: tuple[int, int]) -> Finding:
    has, needs = ".".join(map(str, api_version)), ".".join(map(str, since))
    text = f"'{what}' needs an engine with API {needs} on Swarm; this one has {has}"
    return True, Problem(text, node.span, path, "leave it out, or use a newer engine")


def _items(node: Node, key: str) -> tuple[Node, ...]:
    found = node.get(key)
    return tuple(found.items) if found is not None and found.is_sequence else ()


def _network_problems(path: str, node: Node) -> Iterator[Finding]:
    mode = node.get("network_mode")
    if mode is not None and mode.value not in (None, "host", "bridge", "none"):
        text = f"'network_mode: {mode.value}' can not be had on Swarm: a task has its own network"
        yield True, Problem(text, mode.span, f"{path}.network_mode", "put both services on one network")
    networks = node.get("networks")
    for name, network in networks.mapping.items() if networks is not None and networks.is_mapping else ():
        for key in ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address"):
            item = network.get(key) if network.is_mapping else None
            if item is not None and item.plain():
                text = f"'{key}' can not be had on Swarm: tasks get their addresses from it"
                yield True, Problem(text, item.span, f"{path}.networks.{name}.{key}", "use the service's name")
        for key in ("priority", "gw_priority", "interface_name"):
            item = network.get(key) if network.is_mapping else None
            if item is not None and item.value:
                text = f"'{key}' has no effect on Swarm"
                yield False, Problem(text, item.span, f"{path}.networks.{name}.{key}", "leave it out")


def _port_problems(path: str, node: Node) -> Iterator[Finding]:
    endpoint = node.get("deploy", "endpoint_mode")
    for port in _items(node, "ports"):
        host, published, mode = port.get("host_ip"), port.get("published"), port.get("mode")
        if host is not None and host.value:
            text = f"Swarm publishes on every address of a node, not on {host.value} alone"
            yield True, Problem(text, host.span, f"{path}.ports", "leave the address out, and close it in a firewall")
        if published is not None and "-" in str(published.value):
            text = f"Swarm can not choose a port of the range {published.value}"
            yield True, Problem(text, published.span, f"{path}.ports", "name one port, or none")
        ingress, target = mode is None or mode.value != "host", port.get("target")
        if ingress and endpoint is not None and endpoint.value == "dnsrr":
            text = f"port {target.value if target else ''} is published by the ingress network, which dnsrr has not"
            yield True, Problem(text, port.span, f"{path}.ports", "say `mode: host`, or leave endpoint_mode out")


def _mount_problems(path: str, node: Node) -> Iterator[Finding]:
    for mount in _items(node, "volumes"):
        kind, selinux = mount.get("type"), mount.get("bind", "selinux")
        if kind is not None and kind.value == "image":
            text = "an image can not be mounted on Swarm"
            yield True, Problem(text, mount.span, f"{path}.volumes", "copy its files into the service's own image")
        if selinux is not None and selinux.value:
            stored = kind is not None and kind.value == "volume"
            text = "SELinux labels of mounts can not be had on Swarm"
            hint = (
                "nodes label their volumes by themselves; leave it out" if stored else "label the folder on the nodes"
            )
            yield not stored, Problem(text, selinux.span, f"{path}.volumes", hint)


def _file_problems(path: str, node: Node) -> Iterator[Finding]:
    for kind in ("configs", "secrets"):
        for entry in _items(node, kind):
            for key in ("uid", "gid"):
                owner = entry.get(key) if entry.is_mapping else None
                if owner is not None and owner.value is not None and not str(owner.value).isdigit():
                    text = f"'{owner.value}' is no number: Swarm knows no names of users and groups"
                    yield True, Problem(text, owner.span, f"{path}.{kind}.{key}", "write the id")


def _privilege_problems(path: str, node: Node, api_version: tuple[int, int]) -> Iterator[Finding]:
    for option in _items(node, "security_opt"):
        name, value = parts(str(option.value))
        known = name in ("no-new-privileges", "seccomp") or (name == "apparmor" and value == "unconfined")
        if not known or (name == "seccomp" and value == "builtin"):
            text = f"'{option.value}' can not be had on Swarm"
            yield True, Problem(text, option.span, f"{path}.security_opt", "use no-new-privileges, or a plain engine")
        elif api_version < _PRIVILEGES_SINCE and value != "false":
            yield _too_old(str(option.value), option, f"{path}.security_opt", _PRIVILEGES_SINCE, api_version)
