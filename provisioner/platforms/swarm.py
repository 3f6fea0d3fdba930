"""A playbook as objects of a Swarm: overlay networks, volumes, configs, secrets, and services. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds import swarm_file, swarm_limits
from provisioner.kinds.seccomp import with_profiles
from provisioner.kinds.service import parse as parse_service
from provisioner.model.address import Address
from provisioner.model.positions import Positions
from provisioner.model.span import Verdict, refusal
from provisioner.model.state import DesiredState, Need, Resource
from provisioner.platforms.fitness import given_values, on_swarm_problems, unfit
from provisioner.platforms.lowering import (
    HELD,
    InputVersions,
    NamedService,
    attachments,
    desired_state,
    image_addresses,
    may_finish,
    parse_context,
    plain_body,
    stored_resources,
    used_files,
    whole,
)
from provisioner.platforms.name_limits import ON_SWARM, name_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.edges import ComposeBody
    from provisioner.model.playbook import Declared, Playbook, Service
    from provisioner.model.state import Facts
    from provisioner.platforms.lowering import Whole
    from provisioner.playbook.ports import Published


FILE_KINDS: tuple[str, ...] = ("config", "secret")
NETWORK_DRIVER = "overlay"


def lower(playbook: Playbook, inputs: InputVersions) -> DesiredState:
    """Every object that the playbook declares, complete. Same playbook and inputs, same objects."""
    images = image_addresses(playbook)
    resources = stored_resources(playbook, inputs, images, driver=NETWORK_DRIVER)
    about = whole(playbook)
    services = [_service(playbook, service, inputs, images, about) for _, service in sorted(playbook.services.items())]
    files = [_file(playbook, kind, declared, inputs) for kind, declared in used_files(playbook, services)]
    return desired_state(playbook, (*resources, *files, *services))


def needs_swarm(playbook: Playbook) -> bool:
    """Whether the playbook uses what only a Swarm has; `engine.mode: auto` follows it."""
    for declared in (*playbook.configs.values(), *playbook.secrets.values()):
        if declared.external:
            return True
    if any((n.body.get("driver") or n.body).value == "overlay" for n in playbook.networks.values()):
        return True
    for service in playbook.services.values():
        mode = service.body.get("deploy", "mode")
        special = ("placement", "endpoint_mode", "rollback_config")
        if (mode is not None and mode.value not in (None, "replicated")) or any(
            (node := service.body.get("deploy", key)) is not None and node.value not in (None, {}) for key in special
        ):
            return True
    return False


def named_services(playbook: Playbook) -> Iterator[NamedService]:
    """Every service, by the name that nothing else can have."""
    for name, declared in playbook.services.items():
        yield NamedService("service", service_name(playbook, name), declared)


def port_mode(port: Published) -> str:
    """How a port is published: through the mesh (ingress), or on each task's host."""
    return port.mode


def check(playbook: Playbook, facts: Facts) -> Iterator[Verdict]:
    """What a Swarm can not do for this playbook. The engine at hand does not run the services alone."""
    values = tuple(given_values(playbook))
    yield from unfit(playbook, values, facts, swarm=True)
    yield from name_problems(playbook, ON_SWARM)
    yield from on_swarm_problems(values)
    for service in playbook.services.values():
        yield from swarm_limits.problems(service.name, service.body, facts.api_version)
        yield from swarm_limits.name_problem(service.name, service_name(playbook, service.name), service.body)
    used = {key for service in playbook.services.values() for key in _networks(service)}
    for key in sorted(used & playbook.networks.keys()):
        declared = playbook.networks[key]
        driver = declared.body.get("driver")
        if not declared.external and driver is not None and driver.value in _LOCAL_DRIVERS:
            text = f"a network with driver {driver.value} ends at its node, and no service of a Swarm can use it"
            yield refusal(text, driver.span, f"networks.{key}.driver", "leave the driver out, or say overlay")


# Drivers whose networks are one engine's own.
_LOCAL_DRIVERS = ("bridge", "host", "none", "null")


def _networks(service: Service) -> tuple[str, ...]:
    networks = service.body.get("networks")
    return tuple(networks.mapping) if networks is not None and networks.is_mapping else ()


def service_name(playbook: Playbook, key: str) -> str:
    """The name that a service has already, else `<project>_<service>`, as `docker stack` names services."""
    return playbook.services[key].own_name or f"{playbook.project}_{key}"


def _file(playbook: Playbook, kind: str, declared: Declared, inputs: InputVersions) -> Resource:
    address = Address(kind, declared.key)
    version = inputs.versions.get(address, "")
    body = plain_body(declared.body)
    if version.startswith(HELD):
        name = version.removeprefix(HELD)
    else:
        name = declared.name if declared.external else _versioned(playbook, address, version, body)
    return Resource(
        address=address,
        kind=kind,
        name=name,
        spec=swarm_file.parse(body, version),
        tier=inputs.origins.get(address, ""),
        external=declared.external or version.startswith(HELD),
        span=declared.body.span,
        spans=Positions(declared.body),
    )


def _versioned(playbook: Playbook, address: Address, version: str, body: ComposeBody) -> str:
    return swarm_file.object_name(playbook.project, address, version, body.get("template_driver"))


def _service(
    playbook: Playbook, service: Service, inputs: InputVersions, images: dict[str, Address], about: Whole
) -> Resource:
    body = with_profiles(plain_body(service.body), inputs.profiles)
    if service.job:
        body = {**body, "job": {"run": service.job}}
    spec = parse_service(body, parse_context(playbook, inputs, service, about))
    needs = [Need(images[service.image]), *attachments(playbook, spec, about)]
    needs += [
        Need(Address("service", d.service), d.condition, d.restart)
        for d in service.depends_on
        if d.service in playbook.services
    ]
    return Resource(
        address=Address("service", service.name),
        kind="service",
        name=service_name(playbook, service.name),
        spec=spec,
        needs=tuple(needs),
        job=service.job,
        may_finish=may_finish(service, about.hosts, restarts=spec["restart_policy"]["condition"] == "any"),
        update=service.update,
        span=service.body.span,
        spans=Positions(service.body),
    )
