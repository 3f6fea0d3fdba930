"""Values that one engine can not have and another might: drivers, runtimes, processors, platforms, address pools. Pure.

What the engine does not tell of itself is not judged.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, NamedTuple

from provisioner.kinds.values import architecture
from provisioner.model.span import Problem, Verdict, refusal
from provisioner.playbook.feasibility import is_windows_path
from provisioner.playbook.impossible import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook, Service
    from provisioner.model.state import Facts

# The first Engine API version whose engine has IPv6 pools by itself (Docker Engine 27.0).
_IPV6_POOLS = (1, 46)
# An engine of the first runs programs of the second by itself.
_RUNS_TOO = {"amd64": ("386",), "arm64": ("arm",)}


def incapable(playbook: Playbook, facts: Facts) -> Iterator[Verdict]:
    """What this engine refuses, and what it takes though it is doubtful."""
    refused = list(_pools(playbook, facts))
    for service in playbook.services.values():
        refused += [*_logging(service, facts), *_runtime(service, facts), *_cpus(service, facts)]
        refused += [*_cpuset(service, facts), *_sources(service, facts)]
        yield from (*_platform(service, facts), *_ports_of_the_host(service))
    yield from (Verdict(True, problem) for problem in refused)


class _Setting(NamedTuple):
    """What a service says under some keys, and the dotted path of them."""

    node: Node
    path: str


def _at(service: Service, *keys: str) -> _Setting | None:
    node = service.body.get(*keys)
    if node is None or node.value in (None, ""):
        return None
    return _Setting(node, ".".join(("services", service.name, *keys)))


def _logging(service: Service, facts: Facts) -> Iterator[Problem]:
    setting = _at(service, "logging", "driver")
    known = {name.removesuffix(":latest") for name in facts.logging_drivers} | {"none", facts.logging_driver}
    if setting and facts.logging_drivers and str(setting.node.value).removesuffix(":latest") not in known:
        yield Problem(
            f"this engine has no logging driver {shown(setting.node.value)}", setting.node.span, setting.path,
            f"it has: {', '.join(sorted(known))}",
        )  # fmt: skip


def _runtime(service: Service, facts: Facts) -> Iterator[Problem]:
    setting = _at(service, "runtime")
    # A containerd shim is named by its path or its type, and needs no entry.
    named = str(setting.node.value) if setting else ""
    shim = named.startswith(("io.containerd.", "/"))
    if setting and facts.runtimes and not shim and named not in facts.runtimes:
        yield Problem(
            f"this engine has no runtime {shown(named)}", setting.node.span, setting.path,
            f"it has: {', '.join(sorted(facts.runtimes))}",
        )  # fmt: skip


def _cpus(service: Service, facts: Facts) -> Iterator[Problem]:
    setting = _at(service, "deploy", "resources", "limits", "cpus") or _at(service, "cpus")
    try:
        number = float(str(setting.node.value)) if setting else 0.0
    except ValueError:
        return
    if setting and facts.cpus and number > facts.cpus:
        yield Problem(
            f"{number:g} CPUs are more than the {facts.cpus} that this engine has", setting.node.span, setting.path,
            f"write {facts.cpus} or less, or leave it out: without a limit a container uses them all",
        )  # fmt: skip


def _cpuset(service: Service, facts: Facts) -> Iterator[Problem]:
    setting = _at(service, "cpuset")
    ends = str(setting.node.value).replace("-", ",").split(",") if setting else []
    highest = max((int(end) for end in ends if end.strip().isdecimal()), default=0)
    if setting and facts.cpus and highest >= facts.cpus:
        yield Problem(
            f"this engine has no CPU {highest}: its {facts.cpus} are counted from 0", setting.node.span, setting.path,
            f"write numbers from 0 to {facts.cpus - 1}",
        )  # fmt: skip


def _sources(service: Service, facts: Facts) -> Iterator[Problem]:
    mounts = service.body.get("volumes")
    for index, mount in enumerate(mounts.items if mounts is not None and mounts.is_sequence else ()):
        source, kind = mount.get("source"), mount.get("type")
        if source is None or kind is None or kind.value != "bind" or facts.platform == "windows":
            continue
        if is_windows_path(str(source.value)):
            yield Problem(
                f"{shown(source.value)} reads as a path on a drive of Windows, and this engine is on {facts.platform}",
                source.span, f"services.{service.name}.volumes.{index}",
                "write a path of the engine's host; a volume of one letter needs the long form",
            )  # fmt: skip


def _platform(service: Service, facts: Facts) -> Iterator[Verdict]:
    setting = _at(service, "platform")
    parts = str(setting.node.value).lower().split("/") if setting else []
    if not setting or not facts.architecture:
        return
    systems = [part for part in parts[:1] if part in ("linux", "windows", "darwin", "freebsd")]
    wanted = parts[len(systems) : len(systems) + 1]
    if systems and systems[0] != facts.platform:
        message = f"this engine runs containers of {facts.platform} only"
        yield refusal(message, setting.node.span, setting.path, f"write {facts.platform}/… or leave it out")
        return
    own = architecture(facts.architecture)
    other = architecture(wanted[0]) if wanted else own
    if other != own and other not in _RUNS_TOO.get(own, ()):
        message = f"this engine's machine is {own}: what is made for {other} starts only where an emulator is set up"
        hint = "leave it out, or set up binfmt_misc on the host"
        yield Verdict(False, Problem(message, setting.node.span, setting.path, hint))


def _ports_of_the_host(service: Service) -> Iterator[Verdict]:
    mode, ports = _at(service, "network_mode"), _at(service, "ports")
    if mode and mode.node.value == "host" and ports and ports.node.value:
        message = "has no effect here: in the network of the host every port is the host's own"
        yield Verdict(False, Problem(message, ports.node.span, ports.path, "leave it out, or leave `network_mode` out"))


def _pools(playbook: Playbook, facts: Facts) -> Iterator[Problem]:
    if facts.api_version >= _IPV6_POOLS or any(_version(pool) == 6 for pool in facts.address_pools):
        return
    for network in playbook.networks.values():
        wanted = network.body.get("enable_ipv6")
        if network.external or wanted is None or wanted.value is not True:
            continue
        pools = network.body.get("ipam", "config")
        subnets = [pool.get("subnet") for pool in (pools.items if pools is not None and pools.is_sequence else ())]
        if not any(subnet is not None and _version(str(subnet.value)) == 6 for subnet in subnets):
            yield Problem(
                f"engine {facts.engine_version} has no IPv6 subnets of its own to choose from", wanted.span,
                f"networks.{network.key}.enable_ipv6", "name one: ipam: {config: [{subnet: fd00:5::/64}]}",
            )  # fmt: skip


def _version(subnet: str) -> int:
    try:
        return ip_network(subnet, strict=False).version
    except ValueError:
        return 0
