"""What can not be carried out: contradictions between parts of a playbook that are each right alone, and values that
every engine refuses. Pure; the document layer has already checked that what is referred to exists and that nothing
waits for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from provisioner.model.span import Problem
from provisioner.playbook import file_targets
from provisioner.playbook.feasibility import infeasible
from provisioner.playbook.joined import namespace_conflicts
from provisioner.playbook.network_options import bridge_options, overlaps
from provisioner.playbook.own_names import reserved_labels, shared_container_names, shared_names, volume_names
from provisioner.playbook.pools import fixed_addresses, kept_addresses, scarce_addresses, second_pools
from provisioner.playbook.ports import published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook, Service
    from provisioner.model.span import Span
    from provisioner.playbook.ports import Published

Mode = Literal["containers", "swarm"]

_ENDLESS = ("always", "unless-stopped")


def contradictions(playbook: Playbook, mode: Mode | None = None) -> tuple[Problem, ...]:
    """Everything that can not be true at once. With `mode` None only what holds for every mode is checked."""
    all_problems = [problem for check in (*_CHECKS, infeasible) for problem in check(playbook)]
    if mode == "containers":
        all_problems.extend(problem for check in _CONTAINER_CHECKS for problem in check(playbook))
    # What a variable without a value leaves is told as that.
    problems = (problem for problem in all_problems if problem.span not in playbook.unset)
    return tuple(sorted(problems, key=lambda problem: problem.sort_key))


def mode_of(playbook: Playbook) -> Mode | None:
    """The mode that the playbook itself chooses; None where that is left to the engine."""
    return None if playbook.engine.mode == "auto" else playbook.engine.mode


def _endless_jobs(playbook: Playbook) -> Iterator[Problem]:
    for service in playbook.services.values():
        if service.job is None:
            continue
        restart = service.body.get("restart")
        if restart is None or restart.value not in _ENDLESS:
            continue
        waiting = _waiting_for(playbook, service.name, "service_completed_successfully")
        reason = f"which '{waiting[0].name}' waits for" if waiting else "which is a one-shot"
        yield Problem(
            f"'restart: {restart.value}' never lets this service complete, {reason}",
            restart.span,
            f"services.{service.name}.restart",
            "use 'restart: on-failure' or leave it out",
        )


def _unhealthy_dependencies(playbook: Playbook) -> Iterator[Problem]:
    for service in playbook.services.values():
        disabled = health_check_disabled(service)
        if disabled is None:
            continue
        for other in _waiting_for(playbook, service.name, "service_healthy"):
            yield Problem(
                f"waits until '{service.name}' is healthy, but its health check is disabled at {disabled.span}",
                _dependency_span(other, service.name),
                f"services.{other.name}.depends_on.{service.name}",
                "give it a health check, or wait for service_started",
            )


def _colliding_ports(playbook: Playbook) -> Iterator[Problem]:
    # By what ports that collide have in common: each service may publish thousands.
    fixed: dict[tuple[str, int], list[tuple[Service, Published]]] = {}
    for service in playbook.services.values():
        if service.replicas == 0:
            continue
        for port in published(service.body):
            if not port.fixed:
                continue
            seen = fixed.setdefault((port.protocol, port.first), [])
            # Two host-mode services of a Swarm may run on different nodes.
            for owner, other in seen:
                both_host = port.mode == other.mode == "host" and playbook.engine.mode == "swarm"
                if port.collides(other) and not (both_host and owner is not service):
                    whose = "this service" if owner is service else f"service '{owner.name}'"
                    yield Problem(
                        f"host port {port}/{port.protocol} is also published by {whose} at {other.span}",
                        port.span,
                        f"services.{service.name}.ports",
                        "choose another host port",
                    )
                    break
            seen.append((service, port))


def _ports_of_a_guest(playbook: Playbook) -> Iterator[Problem]:
    for service in playbook.services.values():
        mode = service.body.get("network_mode")
        if mode is None or not isinstance(mode.value, str) or not mode.value.startswith(("service:", "container:")):
            continue
        for port in published(service.body):
            yield Problem(
                f"port {port.target} can not be published here: the network belongs to '{mode.value}'",
                port.span,
                f"services.{service.name}.ports",
                f"publish it where the network is: at '{mode.value}'",
            )


def _reservations_above_limits(playbook: Playbook) -> Iterator[Problem]:
    for service in playbook.services.values():
        for key in ("memory", "cpus"):
            limit = service.body.get("deploy", "resources", "limits", key)
            reserved = service.body.get("deploy", "resources", "reservations", key)
            if limit is None or reserved is None:
                continue
            most, least = _number(limit), _number(reserved)
            if most is not None and least is not None and 0 < most < least:
                yield Problem(
                    f"reserves more {key} than its limit at {limit.span} allows",
                    reserved.span,
                    f"services.{service.name}.deploy.resources.reservations.{key}",
                    "lower the reservation or raise the limit",
                )


def _fixed_ports_of_replicas(playbook: Playbook) -> Iterator[Problem]:
    for service in playbook.services.values():
        ports = list(published(service.body))
        fixed = [port for port in ports if port.fixed]
        path = f"services.{service.name}.ports"
        for port in ports:
            size = port.last - port.first + 1
            if port.first and not port.fixed and size < service.replicas:
                yield Problem(
                    f"{service.replicas} replicas need a host port each, and {port} has {size}",
                    port.span,
                    path,
                    f"publish {port.first}-{port.first + service.replicas - 1}:{port.target}, or run {size} replicas",
                )
        for port in fixed if service.replicas > 1 else ():
            last = port.first + service.replicas - 1
            yield Problem(
                f"{service.replicas} replicas can not share host port {port}",
                port.span,
                path,
                f"publish a range such as {port.first}-{last}:{port.target}, or put a proxy in front",
            )
        for port in fixed if service.update.order == "start-first" and service.replicas == 1 else ():
            yield Problem(
                f"start-first runs the old and the new container at once, and both would need host port {port}",
                port.span,
                path,
                "publish a range of ports, put a proxy in front, or use stop-first",
            )


def _shared_addresses(playbook: Playbook) -> Iterator[Problem]:
    owners: dict[tuple[str, str], tuple[Service, Span]] = {}
    for service in playbook.services.values():
        attached = service.body.get("networks")
        for key, entry in attached.mapping.items() if attached is not None and attached.is_mapping else ():
            for option in ("ipv4_address", "ipv6_address") if entry.is_mapping else ():
                node = entry.get(option)
                if node is None or not isinstance(node.value, str) or not node.value or not service.replicas:
                    continue
                path = f"services.{service.name}.networks.{key}.{option}"
                if service.replicas > 1:
                    text = f"{node.value} is the address of one container, the service has {service.replicas} replicas"
                    yield Problem(text, node.span, path, "leave it out: the engine gives each an address")
                first, span = owners.setdefault((key, node.value), (service, node.span))
                if first is not service:
                    text = f"{node.value} is also the address of service '{first.name}' at {span}"
                    yield Problem(text, node.span, path, "choose another")


_CHECKS: tuple[Callable[[Playbook], Iterator[Problem]], ...] = (
    _endless_jobs,
    _unhealthy_dependencies,
    _colliding_ports,
    _ports_of_a_guest,
    _reservations_above_limits,
    file_targets.problems,
    shared_names,
    volume_names,
    reserved_labels,
)
_CONTAINER_CHECKS: tuple[Callable[[Playbook], Iterator[Problem]], ...] = (
    _fixed_ports_of_replicas,
    _shared_addresses,
    shared_container_names,
    namespace_conflicts,
    fixed_addresses,
    kept_addresses,
    second_pools,
    overlaps,
    bridge_options,
    scarce_addresses,
)


def health_check_disabled(service: Service) -> Node | None:
    """The node that switches the service's health check off, or None."""
    disable = service.body.get("healthcheck", "disable")
    if disable is not None and disable.value is True:
        return disable
    test = service.body.get("healthcheck", "test")
    if test is not None and test.is_sequence and [item.value for item in test.items] == ["NONE"]:
        return test
    return None


def _waiting_for(playbook: Playbook, name: str, condition: str) -> list[Service]:
    return [
        service
        for service in playbook.services.values()
        if any(other.service == name and other.condition == condition for other in service.depends_on)
    ]


def _dependency_span(service: Service, name: str) -> Span:
    section = service.body.mapping["depends_on"]
    return section.key_spans.get(name, section.mapping[name].span if name in section.mapping else section.span)


def _number(node: Node) -> float | None:
    if isinstance(node.value, bool) or not isinstance(node.value, (int, float, str)):
        return None
    try:
        return float(node.value)
    except ValueError:
        return None
