"""Read what rules look at out of a service's canonical body."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass
from provisioner.playbook.ports import published

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook, Service


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount. `source` is a volume's key or a path on the host; empty for anonymous volumes and tmpfs."""

    kind: str
    source: str
    target: str
    read_only: bool
    index: int


def text(node: Node | None) -> str:
    """A scalar as text; empty for everything else."""
    if node is None or node.value is None or node.is_mapping or node.is_sequence:
        return ""
    return ("true" if node.value else "false") if isinstance(node.value, bool) else str(node.value)


def variables(service: Service) -> Iterator[tuple[str, str]]:
    """The environment's variables that have a value in the playbook, in file order."""
    section = service.body.get("environment")
    if section is not None and section.is_mapping:
        for name, item in section.mapping.items():
            if item.value is not None and not item.is_mapping and not item.is_sequence:
                yield name, text(item)


def environment(service: Service) -> dict[str, str]:
    """The variables of a service by name."""
    return dict(variables(service))


def words(service: Service, key: str) -> tuple[str, ...]:
    """The words of `command` or `entrypoint`."""
    section = service.body.get(key)
    if section is None:
        return ()
    return tuple(text(item) for item in section.items) if section.is_sequence else tuple(text(section).split())


def health_test(service: Service) -> tuple[str, ...]:
    """The health check's test as it stands in the playbook, CMD or CMD-SHELL first; empty when it has none."""
    test = service.body.get("healthcheck", "test")
    if test is None:
        return ()
    return tuple(text(item) for item in test.items) if test.is_sequence else ("CMD-SHELL", text(test))


def has_health_check(service: Service) -> bool:
    """Whether the playbook itself gives the service a health check."""
    test = health_test(service)
    return bool(test) and test != ("NONE",) and service.body.get("healthcheck", "disable") is None


def mounts(service: Service) -> tuple[Mount, ...]:
    """All mounts in file order, those of `tmpfs` last."""
    in_order = []
    section = service.body.get("volumes")
    for index, item in enumerate(section.items if section is not None and section.is_sequence else ()):
        if item.is_mapping:
            read_only = item.get("read_only")
            in_order.append(
                Mount(
                    kind=text(item.get("type")),
                    source=text(item.get("source")),
                    target=text(item.get("target")).rstrip("/") or "/",
                    read_only=read_only is not None and read_only.value is True,
                    index=index,
                )
            )
    temporary = service.body.get("tmpfs")
    for index, target in enumerate(_scalars(temporary)):
        in_order.append(Mount("tmpfs", "", target.partition(":")[0].rstrip("/"), False, index))
    return tuple(in_order)


def networks(service: Service) -> tuple[str, ...]:
    """The keys of the networks that a service names."""
    section = service.body.get("networks")
    return tuple(section.mapping) if section is not None and section.is_mapping else ()


def aliases(service: Service) -> frozenset[str]:
    """Every name under which other containers on its networks find the service."""
    names = {service.name, text(service.body.get("container_name")), text(service.body.get("hostname"))}
    section = service.body.get("networks")
    for item in section.mapping.values() if section is not None and section.is_mapping else ():
        names.update(_scalars(item.get("aliases")))
    return frozenset(names - {""})


def inner_ports(service: Service) -> frozenset[int]:
    """The ports that the service is known to listen on inside its networks, TCP and UDP alike."""
    ports = {port.target for port in published(service.body)}
    section = service.body.get("ports")
    for item in section.items if section is not None and section.is_sequence else ():
        if item.is_mapping and text(item.get("target")).isdecimal():
            ports.add(int(text(item.get("target"))))
    for exposed in _scalars(service.body.get("expose")):
        number = exposed.partition("/")[0]
        if number.isdecimal():
            ports.add(int(number))
    own = environment(service).get("PORT", "")
    if own.isdecimal():
        ports.add(int(own))
    line = " ".join((*words(service, "entrypoint"), *words(service, "command")))
    ports.update(int(number) for number in re.findall(r"(?:--port[ =]|0\.0\.0\.0:|\[::\]:)([0-9]{2,5})\b", line))
    return frozenset(ports)


def outer_ports(service: Service) -> frozenset[int]:
    """The fixed ports under which the service is found on its host."""
    return frozenset(port.first for port in published(service.body) if port.fixed)


def waiting_for(playbook: Playbook, name: str) -> Iterator[tuple[Service, str]]:
    """Every service that depends on `name`, with its condition."""
    for service in playbook.services.values():
        for dependency in service.depends_on:
            if dependency.service == name:
                yield service, dependency.condition


def shares_network(service: Service) -> bool:
    """Whether the service runs in a network namespace that is not its own."""
    mode = text(service.body.get("network_mode"))
    return mode == "host" or mode.startswith(("service:", "container:"))


def _scalars(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    if node.is_sequence:
        return tuple(text(item) for item in node.items)
    return (text(node),) if text(node) else ()
