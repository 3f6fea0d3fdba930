"""What two environments on one engine can not both have: a project, a name, a host port, a subnet. Pure."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from itertools import combinations
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem
from provisioner.platforms.choice import lowering_of
from provisioner.playbook.ports import published

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from provisioner.model.playbook import Declared, Playbook
    from provisioner.model.span import Span
    from provisioner.platforms.choice import Mode
    from provisioner.playbook.ports import Published

# Drivers whose networks have no subnet of their own.
_WITHOUT_SUBNET = ("host", "none", "null")


@dataclass(frozen=True, slots=True)
class PlacedEnvironment:
    """One environment, the play that brings it up, and the engine that it is for (any text that tells engines apart).

    `nodes` counts the nodes of that engine's Swarm.
    """

    play: str
    span: Span
    playbook: Playbook
    mode: Mode
    engine: str
    nodes: int = 1


def clashes(environments: Sequence[PlacedEnvironment]) -> tuple[Problem, ...]:
    """Everything that two of the environments can not both have; each problem names both places."""
    problems: list[Problem] = []
    for first, second in combinations(environments, 2):
        if first.engine != second.engine:
            continue
        if first.playbook.project == second.playbook.project:
            problems.append(
                Problem(
                    f"the plays '{first.play}' and '{second.play}' are one environment, {second.playbook.project}; "
                    f"the first stands at {first.span}",
                    second.span,
                    hint="remove one of them, or give the playbooks different names",
                )
            )
            continue
        for check in (_names, _ports, _subnets):
            problems += check(first, second)
    return tuple(sorted(problems, key=lambda problem: problem.sort_key))


# Names --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Named:
    kind: str
    name: str
    path: str
    span: Span


def _names(first: PlacedEnvironment, second: PlacedEnvironment) -> Iterator[Problem]:
    taken = {(item.kind, item.name): item for item in _named(first)}
    for item in _named(second):
        other = taken.get((item.kind, item.name))
        if other is not None:
            yield Problem(
                f"the {item.kind} name '{item.name}' is also that of {other.path} in the play '{first.play}', at "
                f"{other.span}",
                item.span,
                item.path,
                "give one of them another name"
                + ("" if item.kind in ("container", "service") else ", or declare one `external: true`"),
            )


def _named(environment: PlacedEnvironment) -> Iterator[_Named]:
    playbook, lowering = environment.playbook, lowering_of(environment.mode)
    for kind, called, service, stated in lowering.named_services(playbook):
        span = stated.span if stated is not None else service.span or service.body.span
        yield _Named(kind, called, f"services.{service.name}", span)
    for kind in ("network", "volume", *lowering.FILE_KINDS):
        declared: Mapping[str, Declared] = getattr(playbook, f"{kind}s")
        for item in declared.values():
            if not item.external:
                name = item.body.get("name")
                yield _Named(kind, item.name, f"{kind}s.{item.key}", name.span if name is not None else item.body.span)


# Ports --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bound:
    """One host port that a service surely takes."""

    service: str
    port: Published


def _ports(first: PlacedEnvironment, second: PlacedEnvironment) -> Iterator[Problem]:
    taken = list(_bound(first.playbook))
    reported: set[Span] = set()
    for mine in _bound(second.playbook):
        for other in taken:
            if (
                mine.port.span in reported
                or not mine.port.collides(other.port)
                or _may_be_apart(first, other, second, mine)
            ):
                continue
            reported.add(mine.port.span)
            yield Problem(
                f"host port {mine.port}/{mine.port.protocol} is also published by service '{other.service}' of the "
                f"play '{first.play}', at {other.port.span}",
                mine.port.span,
                f"services.{mine.service}.ports",
                "choose another; where the port is a variable, under the play's `vars:`",
            )


def _bound(playbook: Playbook) -> Iterator[_Bound]:
    for service in playbook.services.values():
        for port in published(service.body):
            size = port.last - port.first + 1
            # A service with fewer replicas than a range has ports takes any of them.
            if port.first and (size <= service.replicas or (port.fixed and service.replicas)):
                for number in range(port.first, port.last + 1):
                    yield _Bound(service.name, replace(port, first=number, last=number))


def _may_be_apart(
    first: PlacedEnvironment, first_bound: _Bound, second: PlacedEnvironment, second_bound: _Bound
) -> bool:
    """Whether the two may be bound on different nodes of the Swarm."""
    if max(first.nodes, second.nodes) < 2:
        return False
    modes = [
        lowering_of(environment.mode).port_mode(bound.port)
        for environment, bound in ((first, first_bound), (second, second_bound))
    ]
    return "host" in modes and "ingress" not in modes


# Subnets ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Subnet:
    network: str
    pool: IPv4Network | IPv6Network
    overlay: bool
    span: Span


def _subnets(first: PlacedEnvironment, second: PlacedEnvironment) -> Iterator[Problem]:
    taken = list(_pools(first))
    for mine in _pools(second):
        for other in taken:
            if mine.overlay == other.overlay and mine.pool.overlaps(other.pool):
                yield Problem(
                    f"the subnet {mine.pool} overlaps {other.pool} of network '{other.network}' in the play "
                    f"'{first.play}', at {other.span}",
                    mine.span,
                    f"networks.{mine.network}",
                    "choose another; where the subnet is a variable, under the play's `vars:`",
                )


def _pools(environment: PlacedEnvironment) -> Iterator[_Subnet]:
    default = lowering_of(environment.mode).NETWORK_DRIVER
    for network in environment.playbook.networks.values():
        driver = network.body.get("driver")
        kind = str(driver.value) if driver is not None and driver.value else default
        config = network.body.get("ipam", "config")
        if network.external or kind in _WITHOUT_SUBNET or config is None or not config.is_sequence:
            continue
        for item in config.items:
            subnet = item.get("subnet")
            if subnet is None:
                continue
            try:
                pool = ip_network(str(subnet.value), strict=False)
            except ValueError:
                continue
            yield _Subnet(network.key, pool, kind == "overlay", subnet.span)
