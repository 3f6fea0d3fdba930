"""Devices, kernel parameters and folders in memory that no engine can give a container, whatever its host. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.model.node import items_of
from provisioner.playbook.impossible import Impossible, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.node import Node

# opencontainers/runc, libcontainer/configs/validate: what belongs to a container's namespaces; the rest is the host's.
_OF_A_NAMESPACE = ("net.", "fs.mqueue.")
_PARAMETERS = frozenset(
    f"kernel.{name}" for name in (
        "msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced", "domainname",
    )
)  # fmt: skip
_RUNC = ("", "runc", "io.containerd.runc.v2", "io.containerd.runtime.v1.linux")
# moby/pkg/mount, flags_linux.go: what a tmpfs may be mounted with, and what has a value.
_FLAGS = re.compile(
    "defaults|r[ow]|suid|nosuid|dev|nodev|exec|noexec|a?sync|dirsync|remount|mand|nomand|atime|noatime|diratime|"
    "nodiratime|r?bind|r?unbindable|r?private|r?shared|r?slave|relatime|norelatime|strictatime|nostrictatime"
)
_VALUES = {
    "size": re.compile(r"[0-9]+[kmgtpe%]?", re.IGNORECASE), "nr_blocks": re.compile(r"[0-9]+[kmgtpe]?", re.IGNORECASE),
    "nr_inodes": re.compile(r"[0-9]+[kmgtpe]?", re.IGNORECASE), "mode": re.compile(r"[0-7]+"),
    "uid": re.compile(r"[0-9]+"), "gid": re.compile(r"[0-9]+"), "mpol": re.compile(r".+"),
}  # fmt: skip


def devices(body: Node) -> Iterator[Impossible]:
    """Device files that are no paths, and rights on them that there are not. A name of a driver's (`x.com/y=z`) is."""
    for index, device in enumerate(items_of(body.get("devices"))):
        source, target, rights = device.get("source"), device.get("target"), device.get("permissions")
        if source is None or "=" in str(source.value):
            continue
        for node in (source, target):
            if node is not None and not str(node.value).startswith("/"):
                message = f"{shown(node.value)} is no device: it is a path from '/' on"
                yield Impossible(("devices", str(index)), node.span, message, "write it like /dev/ttyUSB0")
                break
        if rights is not None and (not rights.value or not set(str(rights.value)) <= set("rwm")):
            message = f"{shown(rights.value)} are no rights on a device"
            yield Impossible(("devices", str(index)), rights.span, message, "write some of r, w and m")


def kernel_parameters(body: Node) -> Iterator[Impossible]:
    """Parameters that only the host has: a container can not set them."""
    runtime, sysctls = body.get("runtime"), body.get("sysctls")
    if sysctls is None or not sysctls.is_mapping or (runtime is not None and str(runtime.value or "") not in _RUNC):
        return
    for name, node in sysctls.mapping.items():
        dotted = name.replace("/", ".")
        if not dotted.startswith(_OF_A_NAMESPACE) and dotted not in _PARAMETERS:
            message = f"{shown(name)} is a parameter of the whole host, which a container can not set"
            hint = "set it on the host; a container can have net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm*"
            if dotted == "kernel.hostname":
                hint = "write `hostname` instead"
            yield Impossible(("sysctls", name), node.span, message, hint)


def memory_folders(body: Node) -> Iterator[Impossible]:
    """Options of folders in memory that there are not, or whose value is none."""
    for index, entry in enumerate(items_of(body.get("tmpfs"))):
        _, separator, options = str(entry.value or "").partition(":")
        for option in options.split(",") if separator else ():
            name, valued, value = option.partition("=")
            known = name in _VALUES if valued else _FLAGS.fullmatch(name) is not None
            if known and (not valued or _VALUES[name].fullmatch(value)):
                continue
            message = f"{shown(option)} is no option of a folder in memory" + (": its value is none" if known else "")
            hint = "write it like /run:size=64m,mode=1777,uid=1000"
            yield Impossible(("tmpfs", str(index)), entry.span, message, hint)
