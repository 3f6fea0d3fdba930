"""Values of a service that have a form, a least or a longest that every engine on Linux asks for. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.model.node import items_of, mapping_of
from provisioner.playbook.impossible import Impossible, shown
from provisioner.playbook.logging_options import logging_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioner.model.node import Node

# Linux, MAX_ARG_STRLEN: 32 pages. An engine that is to start a program with a longer one hangs.
_LONGEST_ARGUMENT = 131_071
# moby/sys/user: minID and maxID.
_HIGHEST_ID = 2**31 - 1
_WHOLE = re.compile(r"-?[0-9]+")
# daemon/daemon_unix.go, linuxMinCPUShares.
_LEAST_SHARES = 2
# daemon/container.go, validateHealthCheck: at least a millisecond.
_TOO_SHORT = re.compile(r"[0-9.]+(ns|us|µs)")
# daemon/oci_linux.go, deviceCgroupRuleRegex.
_RULE = re.compile(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}")
_CPUS = re.compile(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*")
_PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_MOUNTED_AS = frozenset(("ro", "rw", "z", "Z", "nocopy"))
_WITH_DEVICES = ("weight_device", "device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")


def refused_values(body: Node) -> Iterator[Impossible]:
    """All of them in one service."""
    given = body.mapping
    for keys, check in _OF_KEYS:
        for key in keys:
            if key in given:
                yield from check(body)
                break


def _health(body: Node) -> Iterator[Impossible]:
    check = body.mapping["healthcheck"]
    given = check.mapping if check.is_mapping else {}
    for key in ("interval", "timeout", "start_period"):
        node = given.get(key)
        # Durations are canonical: of less than a millisecond there is one unit, and zero is `0s`.
        if node is not None and _TOO_SHORT.fullmatch(str(node.value)):
            message = f"{shown(node.value)} is shorter than the millisecond that an engine asks for"
            yield Impossible(("healthcheck", key), node.span, message, "write 1s or more")
    test = given.get("test")
    words = [str(item.value) for item in items_of(test)]
    # Docker Engine 20.10 ends with a panic, and all containers with it, when it is to run no word at all.
    if test is not None and words in (["CMD"], ["CMD-SHELL"]):
        hint = f"write [{words[0]}, …], or `disable: true` for none"
        yield Impossible(("healthcheck", "test"), test.span, f"after {words[0]} there is no command to run", hint)


def _hooks(body: Node) -> Iterator[Impossible]:
    for section in ("post_start", "pre_stop", "pre_start"):
        for index, hook in enumerate(items_of(body.mapping.get(section))):
            given = mapping_of(hook)
            command, folder = given.get("command"), given.get("working_dir")
            # What runs before the start has the command of its image.
            if command is not None and not command.value and section != "pre_start":
                keys = (section, str(index), "command")
                yield Impossible(keys, command.span, "there is no command to run", "write it like [touch, /ready]")
            if folder is not None and folder.value and not str(folder.value).startswith("/"):
                keys, message = (section, str(index), "working_dir"), f"{shown(folder.value)} is not absolute"
                yield Impossible(keys, folder.span, message, "write it from '/' on")


def _user(body: Node) -> Iterator[Impossible]:
    node = body.mapping["user"]
    for part in str(node.value or "").split(":")[:2]:
        if _WHOLE.fullmatch(part) and not 0 <= int(part) <= _HIGHEST_ID:
            message = f"{shown(part)} is no number of a user or group"
            yield Impossible(("user",), node.span, message, f"write one from 0 to {_HIGHEST_ID}, or a name")


def _processors(body: Node) -> Iterator[Impossible]:
    shares, chosen = body.get("cpu_shares"), body.get("cpuset")
    if shares is not None and isinstance(shares.value, int) and shares.value and shares.value < _LEAST_SHARES:
        message = f"{shares.value} shares of the processors can not be had: {_LEAST_SHARES} are the least"
        yield Impossible(("cpu_shares",), shares.span, message, "write a number beside 1024, which a container has")
    text = str(chosen.value or "") if chosen is not None else ""
    if chosen is not None and text and not _is_list_of_cpus(text):
        yield Impossible(("cpuset",), chosen.span, f"{shown(text)} is no list of CPUs", "write it like 0-2,5")


def _is_list_of_cpus(text: str) -> bool:
    ends = (part.partition("-") for part in text.split(","))
    return bool(_CPUS.fullmatch(text)) and not any(dash and int(first) > int(last) for first, dash, last in ends)


def _devices(body: Node) -> Iterator[Impossible]:
    for index, rule in enumerate(items_of(body.get("device_cgroup_rules"))):
        if not _RULE.fullmatch(str(rule.value)):
            hint = "write type, major and minor number and rights, such as `c 1:3 mr`"
            message = f"{shown(rule.value)} is no rule for devices"
            yield Impossible(("device_cgroup_rules", str(index)), rule.span, message, hint)
    for key in _WITH_DEVICES:
        for index, entry in enumerate(items_of(body.get("blkio_config", key))):
            path = entry.get("path")
            if path is not None and not str(path.value).startswith("/"):
                message = f"{shown(path.value)} is no device: it is a path from '/' on"
                yield Impossible(("blkio_config", key, str(index)), path.span, message, "write it like /dev/sda")
    options = body.get("storage_opt")
    for name, node in options.mapping.items() if options is not None and options.is_mapping else ():
        if name.lower() != "size":
            yield Impossible(("storage_opt", name), node.span, f"{shown(name)} is no option", "there is: size")


def _mounts(body: Node) -> Iterator[Impossible]:
    for index, mount in enumerate(items_of(body.get("volumes"))):
        node = mount.get("bind", "propagation") if mount.is_mapping and "bind" in mount.mapping else None
        if node is not None and node.value and node.value not in _PROPAGATIONS:
            message = f"{shown(node.value)} is no propagation of mounts"
            hint = f"there are: {', '.join(_PROPAGATIONS)}"
            yield Impossible(("volumes", str(index), "bind", "propagation"), node.span, message, hint)
    for index, source in enumerate(items_of(body.get("volumes_from"))):
        words = str(source.value).removeprefix("container:").split(":")[1:]
        if any(word not in _MOUNTED_AS for part in words for word in part.split(",")):
            message = f"{shown(words[-1])} is not how volumes of another are mounted"
            yield Impossible(("volumes_from", str(index)), source.span, message, "write ro or rw")


def _groups(body: Node) -> Iterator[Impossible]:
    for index, group in enumerate(items_of(body.get("group_add"))):
        if group.value in (None, ""):
            yield Impossible(("group_add", str(index)), group.span, "it names no group", "write its name or number")
        elif _WHOLE.fullmatch(str(group.value)) and not 0 <= int(str(group.value)) <= _HIGHEST_ID:
            message = f"{shown(group.value)} is no number of a group"
            yield Impossible(("group_add", str(index)), group.span, message, f"write one from 0 to {_HIGHEST_ID}")


def _arguments(body: Node) -> Iterator[Impossible]:
    given = body.mapping
    for key in ("entrypoint", "command"):
        if key in given:
            for index, item in enumerate(items_of(given[key])):
                # In UTF-8 a letter has four bytes at most.
                if isinstance(item.value, str) and len(item.value) > _LONGEST_ARGUMENT // 4:
                    yield from _longest((key, str(index)), item, item.value)
    variables = given["environment"].mapping if "environment" in given and given["environment"].is_mapping else {}
    for name, item in variables.items():
        if isinstance(item.value, str) and len(item.value) + len(name) > _LONGEST_ARGUMENT // 4 - 1:
            yield from _longest(("environment", name), item, f"{name}={item.value}")


def _longest(keys: tuple[str, ...], node: Node, text: str) -> Iterator[Impossible]:
    size = len(text.encode(errors="replace"))
    if size > _LONGEST_ARGUMENT:
        message = f"it has {size} bytes, and a program is given at most {_LONGEST_ARGUMENT} in one piece"
        yield Impossible(keys, node.span, message, "put it into a file: a config, a secret or a volume")


_OF_KEYS: tuple[tuple[tuple[str, ...], Callable[[Node], Iterator[Impossible]]], ...] = (
    (("healthcheck",), _health),
    (("post_start", "pre_stop", "pre_start"), _hooks),
    (("user",), _user),
    (("cpu_shares", "cpuset"), _processors),
    (("device_cgroup_rules", "blkio_config", "storage_opt"), _devices),
    (("volumes", "volumes_from"), _mounts),
    (("group_add",), _groups),
    (("command", "entrypoint", "environment"), _arguments),
    (("logging",), logging_options),
)
