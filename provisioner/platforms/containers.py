"""A playbook as objects of a plain engine: networks, volumes, images, and a container for each replica. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds import container
from provisioner.kinds.hooks import PRE_START
from provisioner.kinds.seccomp import with_profiles
from provisioner.model.address import Address
from provisioner.model.positions import Positions
from provisioner.model.state import CARRIED_KIND, DesiredState, Need, Resource
from provisioner.platforms.capabilities import incapable
from provisioner.platforms.fitness import given_values, unfit, without_swarm
from provisioner.platforms.lowering import (
    InputVersions,
    NamedService,
    attachments,
    container_name,
    desired_state,
    further_images,
    image_addresses,
    may_finish,
    parse_context,
    plain_body,
    stored_resources,
    used_files,
    whole,
)
from provisioner.platforms.name_limits import ON_ENGINE, file_volume_problems, name_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.playbook import Declared, Playbook, Service
    from provisioner.model.span import Verdict
    from provisioner.model.state import Facts
    from provisioner.platforms.lowering import Whole
    from provisioner.playbook.ports import Published


FILE_KINDS: tuple[str, ...] = ()
NETWORK_DRIVER = "bridge"


def lower(playbook: Playbook, inputs: InputVersions) -> DesiredState:
    """Every object that the playbook declares, complete. Same playbook and inputs, same objects."""
    images = image_addresses(playbook)
    further = further_images(playbook, images)
    resources = [*stored_resources(playbook, inputs, images), *further.values()]
    images |= {reference: resource.address for reference, resource in further.items()}
    services, about = [service for _, service in sorted(playbook.services.items())], whole(playbook)
    replicas = [replica for service in services for replica in _replicas(playbook, service, images, inputs, about)]
    files = [_file_resource(kind, declared, inputs) for kind, declared in used_files(playbook, replicas)]
    return desired_state(playbook, (*resources, *replicas, *files))


def named_services(playbook: Playbook) -> Iterator[NamedService]:
    """Every container that services have, by the name that nothing else can have."""
    for service in playbook.services.values():
        given = service.body.get("container_name")
        for index in range(1, service.replicas + 1):
            yield NamedService("container", container_name(playbook, service, index), service, given)


def port_mode(port: Published) -> str:
    """How a port is published: by the container."""
    return "container"


def check(playbook: Playbook, facts: Facts) -> Iterator[Verdict]:
    """What a plain engine, and this one, can not do for this playbook."""
    values = tuple(given_values(playbook))
    yield from unfit(playbook, values, facts)
    yield from name_problems(playbook, ON_ENGINE)
    yield from file_volume_problems(playbook)
    yield from without_swarm(values)
    yield from incapable(playbook, facts)


def _file_resource(kind: str, declared: Declared, inputs: InputVersions) -> Resource:
    return Resource(
        address=Address(kind, declared.key),
        kind=CARRIED_KIND,
        name=declared.name,
        spec={"version": inputs.versions.get(Address(kind, declared.key), "")},
        tier=inputs.origins.get(Address(kind, declared.key), ""),
        span=declared.body.span,
        spans=Positions(declared.body),
    )


def _replicas(
    playbook: Playbook,
    service: Service,
    images: dict[str, Address],
    inputs: InputVersions,
    about: Whole,
) -> list[Resource]:
    body = with_profiles(plain_body(service.body), inputs.profiles)
    spec = container.parse(body, parse_context(playbook, inputs, service, about))
    used = [service.image, *(entry["source"] for entry in spec["volumes"].values() if entry["type"] == "image")]
    used += [entry["image"] for entry in spec[PRE_START] if entry.get("image")]
    image_needs = [Need(address) for address in dict.fromkeys(images[reference] for reference in used)]
    needs = (*image_needs, *attachments(playbook, spec, about), *_conditions(playbook, service))
    restarts = spec["restart"].partition(":")[0] not in ("no", "on-failure")
    finishes = may_finish(service, about.hosts, restarts=restarts)
    return [
        Resource(
            address=Address("service", service.name, index),
            kind="container",
            name=container_name(playbook, service, index),
            spec=spec,
            needs=needs,
            job=service.job,
            may_finish=finishes,
            update=service.update,
            span=service.body.span,
            spans=Positions(service.body),
        )
        for index in range(1, service.replicas + 1)
    ]


def _conditions(playbook: Playbook, service: Service) -> list[Need]:
    """One need for each replica of each service it depends on; optional ones that are not active are left out."""
    needs = []
    for dependency in service.depends_on:
        if dependency.service not in playbook.services:
            continue
        needs += [
            Need(Address("service", dependency.service, index), dependency.condition, dependency.restart)
            for index in range(1, playbook.services[dependency.service].replicas + 1)
        ]
    return needs
