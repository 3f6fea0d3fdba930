"""Values that no engine carries out as they are written, found before anything is changed. Pure.

Most are refused by engines when a container is made or started; some old engines take a few and do something else.

The document layer takes them as Compose does; what depends on one engine stands in platforms/capabilities.py.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from provisioner.model.node import items_of
from provisioner.model.span import Problem
from provisioner.playbook.image_name import problem_of
from provisioner.playbook.impossible import Impossible, shown
from provisioner.playbook.kernel_options import devices, kernel_parameters, memory_folders
from provisioner.playbook.pools import network_problems
from provisioner.playbook.refused_values import refused_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook

# Least memory of a container (bytes): daemon/daemon_unix.go, linuxMinMemory since 20.10.
_LEAST_MEMORY = 6 * 1024 * 1024
# daemon/daemon_unix.go: bounds of the CFS scheduler, in microseconds.
_QUOTA_LEAST, _PERIOD_LEAST, _PERIOD_MOST = 1000, 1000, 1_000_000
_LONGEST_HOSTNAME = 64  # sethostname(2): HOST_NAME_MAX

_MAC = re.compile(
    r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}", re.IGNORECASE
)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# go-units/ulimit.go.
_ULIMITS = _words("core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack")
_SIGNALS = (
    _words(
        "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM "
        "TRAP TSTP TTIN TTOU UNUSED URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX"
    )
    | {f"RTMIN+{number}" for number in range(1, 16)}
    | {f"RTMAX-{number}" for number in range(1, 15)}
)
_CAPABILITIES = _words(
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH "
    "FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN "
    "NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT "
    "SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM"
)
# api/types/container/hostconfig.go. Where there are several words, another container's can be joined too.
_NAMESPACES = {
    "ipc": ("none", "private", "host", "shareable"), "pid": ("host", ""), "uts": ("host",), "userns_mode": ("host",),
}  # fmt: skip
# daemon/daemon_unix.go, parseSecurityOpt; systempaths is Compose's.
_SECURITY = frozenset(
    ("label", "apparmor", "seccomp", "no-new-privileges", "writable-cgroups", "systempaths", "credentialspec")
)
_SECURITY_WORDS = frozenset(("no-new-privileges", "writable-cgroups", "disable"))
_SYSTEMS = _words("linux windows darwin freebsd netbsd openbsd solaris plan9 wasi wasip1")
_ARCHITECTURES = _words(
    "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm "
    "i386 x86_64 x86-64 aarch64 armhf armel"
)
_VARIANT = re.compile(r"v?[0-9]+")


def infeasible(playbook: Playbook) -> Iterator[Problem]:
    """Every value of an active service, or of an object, that no engine takes."""
    for service in playbook.services.values():
        for check in _OF_A_SERVICE:
            for impossible in check(service.body):
                path = ".".join(("services", service.name, *impossible.keys))
                yield Problem(impossible.message, impossible.span, path, impossible.hint)
    yield from network_problems(playbook)


def is_windows_path(text: str) -> bool:
    """Whether a path starts with a drive."""
    return _DRIVE.match(text) is not None


# Checks of a service, each of one key or of keys that belong together ------------------------------------------------


def _image(body: Node) -> Iterator[Impossible]:
    image = body.get("image")
    tags = items_of(body.get("build", "tags"))
    named: list[tuple[tuple[str, ...], Node]] = [(("image",), image)] if image is not None else []
    named += [(("build", "tags", str(index)), tag) for index, tag in enumerate(tags)]
    for place, node in named:
        why = problem_of(str(node.value)) if node.value else ""
        if why:
            message = f"{shown(node.value)} is no name of an image: {why}"
            yield Impossible(place, node.span, message, "write it like registry.example.com/team/app:1.2")


def _context(body: Node) -> Iterator[Impossible]:
    context = body.get("build", "context")
    if context is not None and context.value and not str(context.value).strip("/."):
        message = "the whole file system can not be a build context"
        yield Impossible(("build", "context"), context.span, message, "name the folder that the build needs")


def _mounts(body: Node) -> Iterator[Impossible]:
    for index, mount in enumerate(items_of(body.get("volumes"))):
        target, source = mount.get("target"), mount.get("source")
        start = str(source.value or "") if source is not None else ""
        if target is not None and is_windows_path(start) and _is_relative(str(target.value)):
            # `n:/cache:ro` is a drive's path and a target, as in Compose.
            yield _drive(("volumes", str(index)), start, target)
        elif target is not None:
            yield from _target(("volumes", str(index)), target)
    for index, entry in enumerate(items_of(body.get("tmpfs"))):
        yield from _target(("tmpfs", str(index)), entry)
    workdir = body.get("working_dir")
    if workdir is not None and _is_relative(str(workdir.value)):
        message = f"{shown(workdir.value)} is not absolute: a working directory starts with '/'"
        yield Impossible(("working_dir",), workdir.span, message, "write it from '/' on")


def _target(keys: tuple[str, ...], node: Node) -> Iterator[Impossible]:
    text = str(node.value or "").partition(":")[0] if keys[0] == "tmpfs" else str(node.value or "")
    if is_windows_path(text):
        yield _drive(keys, text, node)
    elif _is_relative(text):
        message = f"the target {shown(text)} is not absolute: it is a path in the container, from '/' on"
        yield Impossible(keys, node.span, message, f"write it like /{text.rpartition(':')[2].lstrip('./')}")
    elif text and not text.strip("/."):
        yield Impossible(keys, node.span, "nothing can be mounted over '/' itself", "name a folder below it")


def _drive(keys: tuple[str, ...], text: str, node: Node) -> Impossible:
    message = f"{shown(text)} reads as a path on a drive of Windows, as in Compose"
    hint = f"a volume of one letter is named as {{type: volume, source: {text[0]}, target: {text[2:]}}}"
    return Impossible(keys, node.span, message, hint)


def _is_relative(text: str) -> bool:
    return bool(text) and not text.startswith("/") and not is_windows_path(text)


def _addresses(body: Node) -> Iterator[Impossible]:
    mac: list[tuple[tuple[str, ...], Node | None]] = [(("mac_address",), body.get("mac_address"))]
    networks = body.get("networks")
    for name, entry in networks.mapping.items() if networks is not None and networks.is_mapping else ():
        mac.append((("networks", name, "mac_address"), entry.get("mac_address")))
        for key, version in (("ipv4_address", 4), ("ipv6_address", 6)):
            address = entry.get(key)
            if address is not None and address.value and _version_of(str(address.value)) != version:
                message = f"{shown(address.value)} is no IP address of version {version}"
                hint = "write one of the network's subnet"
                yield Impossible(("networks", name, key), address.span, message, hint)
        for index, address in enumerate(items_of(entry.get("link_local_ips"))):
            if not _version_of(str(address.value)):
                message = f"{shown(address.value)} is no IP address"
                where = ("networks", name, "link_local_ips", str(index))
                yield Impossible(where, address.span, message, "write one such as 169.254.8.8")
    for keys, node in mac:
        if node is not None and node.value and not _MAC.fullmatch(str(node.value)):
            message = f"{shown(node.value)} is no MAC address"
            yield Impossible(keys, node.span, message, "write six bytes, such as 02:42:ac:11:65:43")
    for index, server in enumerate(items_of(body.get("dns"))):
        if not _version_of(str(server.value)):
            message = f"{shown(server.value)} is no IP address, and a DNS server is named by one"
            yield Impossible(("dns", str(index)), server.span, message, "write its address, such as 9.9.9.9")
    for section in (("extra_hosts",), ("build", "extra_hosts")):
        for index, host in enumerate(items_of(body.get(*section))):
            meant = str(host.value).partition("=")[2]
            if meant != "host-gateway" and not _version_of(meant.strip("[]")):
                message = f"{shown(meant)} is no IP address"
                hint = "write NAME=ADDRESS, or NAME=host-gateway for the engine's host"
                yield Impossible((*section, str(index)), host.span, message, hint)


def _version_of(text: str) -> int:
    """4 or 6; 0 where the text is no IP address."""
    try:
        return ip_address(text.partition("%")[0]).version
    except ValueError:
        return 0


def _names(body: Node) -> Iterator[Impossible]:
    signal = body.get("stop_signal")
    if signal is not None and signal.value not in (None, "") and not _is_signal(str(signal.value)):
        message = f"{shown(signal.value)} is no signal"
        yield Impossible(("stop_signal",), signal.span, message, "write one such as SIGTERM, SIGINT or SIGQUIT")
    for key in ("cap_add", "cap_drop"):
        for index, capability in enumerate(items_of(body.get(key))):
            if str(capability.value).upper().removeprefix("CAP_") not in _CAPABILITIES:
                message = f"{shown(capability.value)} is no capability"
                hint = "write one of capabilities(7), such as NET_ADMIN, or ALL"
                yield Impossible((key, str(index)), capability.span, message, hint)
    for index, option in enumerate(items_of(body.get("security_opt"))):
        text = str(option.value)
        if text not in _SECURITY_WORDS and re.split("[=:]", text, maxsplit=1)[0] not in _SECURITY:
            message = f"{shown(text)} is no security option"
            hint = "write label=…, apparmor=…, seccomp=… or no-new-privileges:true"
            yield Impossible(("security_opt", str(index)), option.span, message, hint)
    hostname = body.get("hostname")
    if hostname is not None and len(str(hostname.value)) > _LONGEST_HOSTNAME:
        message = (
            f"{shown(hostname.value)} has {len(str(hostname.value))} letters, and {_LONGEST_HOSTNAME} are the most"
        )
        yield Impossible(("hostname",), hostname.span, message, "choose a shorter one")
    platforms: list[tuple[tuple[str, ...], Node | None]] = [(("platform",), body.get("platform"))]
    platforms += [
        (("build", "platforms", str(index)), platform)
        for index, platform in enumerate(items_of(body.get("build", "platforms")))
    ]
    for where, platform in platforms:
        if platform is not None and platform.value and not _is_platform(str(platform.value)):
            message = f"{shown(platform.value)} is no platform"
            yield Impossible(where, platform.span, message, "write it like linux/amd64 or linux/arm64/v8")


def _namespaces(body: Node) -> Iterator[Impossible]:
    for key, words in _NAMESPACES.items():
        node = body.get(key)
        text = str(node.value or "") if node is not None else ""
        if (
            node is None
            or not text
            or text in words
            or (len(words) > 1 and text.startswith(("service:", "container:")))
        ):
            continue
        also = ", service:NAME, container:NAME" if len(words) > 1 else ""
        hint = f"write {', '.join(word for word in words if word)}{also}, or leave it out"
        yield Impossible((key,), node.span, f"{shown(text)} is no such namespace", hint)
    weight = body.get("blkio_config", "weight")
    number = _number(weight)
    if weight is not None and number is not None and number != 0 and not 10 <= number <= 1000:
        hint = "write a whole number from 10 to 1000"
        yield Impossible(("blkio_config", "weight"), weight.span, f"{int(number)} is no weight", hint)


def _is_signal(text: str) -> bool:
    if text.isascii() and text.isdigit():
        return 1 <= int(text) <= 64
    return text.upper().removeprefix("SIG") in _SIGNALS


def _is_platform(text: str) -> bool:
    """An operating system, an architecture, or both and perhaps a variant (containerd/platforms, Parse)."""
    parts = text.lower().split("/")
    if len(parts) == 1:
        return parts[0] in _SYSTEMS | _ARCHITECTURES
    variant = len(parts) < 3 or _VARIANT.fullmatch(parts[2]) is not None
    return len(parts) < 4 and parts[0] in _SYSTEMS and parts[1] in _ARCHITECTURES and variant


def _limits(body: Node) -> Iterator[Impossible]:
    limits = body.get("ulimits")
    for name, limit in limits.mapping.items() if limits is not None and limits.is_mapping else ():
        if name not in _ULIMITS:
            hint = f"there are: {', '.join(sorted(_ULIMITS))}"
            yield Impossible(("ulimits", name), limit.span, f"{shown(name)} is no limit", hint)
        soft, hard = _number(limit.get("soft")), _number(limit.get("hard"))
        lowest = min(number for number in (soft, hard, _number(limit), 0) if number is not None)
        if lowest < -1:
            message = f"{int(lowest)} is no limit"
            yield Impossible(("ulimits", name), limit.span, message, "write a number from 0 on, or -1 for none")
        elif soft is not None and hard is not None and hard != -1 and (soft > hard or soft == -1):
            message = f"the soft limit {int(soft) if soft >= 0 else 'unlimited'} is above the hard limit {int(hard)}"
            yield Impossible(("ulimits", name), limit.span, message, "lower the soft one, or raise the hard one")
    most = _first(body, ("deploy", "resources", "limits", "memory"), ("mem_limit",))
    least = _first(body, ("deploy", "resources", "reservations", "memory"), ("mem_reservation",))
    for place in (most, least):
        if place is None:
            continue
        keys, node = place
        amount = _number(node)
        if amount is not None and 0 < amount < _LEAST_MEMORY:
            message = f"{int(amount)} bytes of memory are less than the 6 MB that an engine gives at least"
            yield Impossible(keys, node.span, message, "write 6m or more; a number without a unit counts bytes")
    # Of those below `deploy` another check says so.
    if (
        most is not None
        and least is not None
        and least[0] == ("mem_reservation",)
        and 0 < (_number(most[1]) or 0) < (_number(least[1]) or 0)
    ):
        message = "more memory is reserved than the limit lets it have"
        yield Impossible(least[0], least[1].span, message, "reserve less, or raise the limit")
    swap = body.get("memswap_limit")
    total, memory = _number(swap), _number(most[1]) if most else None
    if swap is not None and total is not None and total > 0 and (memory is None or 0 < total < memory):
        message = "it counts memory and swap together, and " + (
            "there is no limit of memory" if memory is None else "is less than the limit of memory alone"
        )
        yield Impossible(("memswap_limit",), swap.span, message, "make it larger than mem_limit, or leave it out")


def _cpus(body: Node) -> Iterator[Impossible]:
    limit = _first(body, ("deploy", "resources", "limits", "cpus"), ("cpus",))
    number = _number(limit[1]) if limit else None
    if limit and number is not None and 0 < number < 0.01:
        yield Impossible(limit[0], limit[1].span, f"{number} CPUs are less than the least part, 0.01", "write more")
    for key, least, most in (("cpu_quota", _QUOTA_LEAST, None), ("cpu_period", _PERIOD_LEAST, _PERIOD_MOST)):
        node = body.get(key)
        number = _number(node)
        low = number is not None and number < least and (number > 0 or (number < 0 and most is not None))
        if node is not None and number is not None and (low or number > (most or number)):
            wanted = f"from {least} to {most}" if most else f"at least {least}"
            message = f"{int(number)} microseconds can not be had: {wanted} can"
            yield Impossible((key,), node.span, message, f"write a number {wanted}; 100000 is a tenth of a second")


_OF_A_SERVICE: tuple[Callable[[Node], Iterator[Impossible]], ...] = (
    _image, _context, _mounts, _addresses, _names, _namespaces, _limits, _cpus, devices, kernel_parameters,
    memory_folders, refused_values,
)  # fmt: skip


def _first(body: Node, *places: tuple[str, ...]) -> tuple[tuple[str, ...], Node] | None:
    """The first of several places that the body has, with what stands there."""
    for keys in places:
        node = body.get(*keys)
        if node is not None and node.value is not None:
            return keys, node
    return None


def _number(node: Node | None) -> float | None:
    if node is None or isinstance(node.value, bool) or not isinstance(node.value, (int, float, str)):
        return None
    try:
        return float(node.value)
    except ValueError:
        return None
