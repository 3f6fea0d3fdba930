"""A playbook as objects of a plain engine: networks, volumes, images, and a container for each replica. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds import container, network, volume
from provisioner.kinds.container_mounts import ROOTS, file_address
from provisioner.kinds.hooks import PRE_START
from provisioner.kinds.seccomp import with_profiles
from provisioner.model.address import Address
from provisioner.model.positions import Positions
from provisioner.model.state import CARRIED_KIND, DesiredState, Need, Resource
from provisioner.platforms.capabilities import incapable
from provisioner.platforms.fitness import unfit, without_swarm
from provisioner.platforms.lowering import (
    InputVersions,
    container_name,
    further_images,
    grouping_of,
    image_addresses,
    image_resource,
    may_finish,
    parse_context,
    plain_body,
    stored_resource,
    whole,
)
from provisioner.platforms.name_limits import name_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.playbook import Declared, Playbook, Service
    from provisioner.model.span import Verdict
    from provisioner.model.state import Facts
    from provisioner.platforms.lowering import Whole


def lower(playbook: Playbook, inputs: InputVersions) -> DesiredState:
    """Every object that the playbook declares, complete. Same playbook and inputs, same objects."""
    resources: dict[Address, Resource] = {}
    for declared in playbook.networks.values():
        resource = stored_resource(declared, "network", network.parse(plain_body(declared.body)))
        resources[resource.address] = resource
    for declared in playbook.volumes.values():
        resource = stored_resource(declared, "volume", volume.parse(plain_body(declared.body)))
        resources[resource.address] = resource
    images = image_addresses(playbook)
    for name in sorted(playbook.services):
        service = playbook.services[name]
        if images[service.image] == Address("image", name):
            resources[images[service.image]] = image_resource(playbook, service, inputs, images)
    for reference, resource in further_images(playbook, images).items():
        resources[resource.address] = resource
        images[reference] = resource.address
    about = whole(playbook)
    for name in sorted(playbook.services):
        for resource in _replicas(playbook, playbook.services[name], images, inputs, about):
            resources[resource.address] = resource
    for kind, section in (("config", playbook.configs), ("secret", playbook.secrets)):
        for key in sorted(_used(resources, f"{kind}s") & section.keys()):
            resources[Address(kind, key)] = _file_resource(kind, section[key], inputs)
    return DesiredState(playbook.project, resources, grouping_of(playbook))


def check(playbook: Playbook, facts: Facts) -> Iterator[Verdict]:
    """What a plain engine, and this one, can not do for this playbook."""
    yield from unfit(playbook, facts)
    yield from name_problems(playbook, "containers")
    yield from without_swarm(playbook)
    yield from incapable(playbook, facts)


def _used(resources: Mapping[Address, Resource], kind: str) -> set[str]:
    """The configs or secrets that containers use."""
    used = (r.spec[kind].values() for r in resources.values() if r.kind == "container")
    return {entry["source"] for entries in used for entry in entries}


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
    image_needs = [Need(address) for address in dict.fromkeys(images[one] for one in used)]
    needs = (*image_needs, *_attachments(playbook, spec, about.volume_keys), *_conditions(playbook, service))
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


def _attachments(playbook: Playbook, spec: dict[str, Any], keys: Mapping[str, str]) -> list[Need]:
    volumes = {entry.get("source") for entry in spec["volumes"].values() if entry["type"] == "volume"}
    needs = [Need(Address("network", key)) for key in sorted(spec["networks"]) if key in playbook.networks]
    for kind in sorted(ROOTS):
        used = sorted({entry["source"] for entry in spec[kind].values()})
        needs += [Need(file_address(kind, key)) for key in used]
    needs += [Need(Address("volume", keys[name])) for name in sorted(volumes & keys.keys())]
    return needs


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
