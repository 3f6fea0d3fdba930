"""What every mode needs to turn a playbook into objects: names, labels, contents, positions. Knows no mode."""

from __future__ import annotations

import posixpath
import re
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.kinds import healthcheck, network, volume
from provisioner.kinds.builders import PLAYBOOK_FOLDER
from provisioner.kinds.container_mounts import file_entries
from provisioner.kinds.context import ParseContext
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.positions import Positions
from provisioner.model.state import DesiredState, Grouping, ImageWork, Need, Resource
from provisioner.playbook.select import SERVICE, built_upon

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from provisioner.model.edges import BuildRecipe, ComposeBody
    from provisioner.model.node import Node
    from provisioner.model.playbook import Declared, Playbook, Service
    from provisioner.model.state import MayFinish, Spec


# The version of a secret that the Swarm holds already, under the name that follows; it can be mounted, not compared.
HELD = "held:"


@dataclass(frozen=True, slots=True)
class InputVersions:
    """What was found out outside the playbook.

    `builds` gives the digest of each built service's context, `versions` the digest or keyed fingerprint of each
    config's and secret's content, `origins` the tier of each secret, `registry` the digest
    that the registry has now for a reference that is always to be pulled. `kept` gives the id of an image on the
    engine that was built earlier from what a service's context was then: it is tagged, not built. `profiles` are the
    seccomp profiles by their path.
    """

    builds: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[Address, str] = field(default_factory=dict)
    registry: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[Address, str] = field(default_factory=dict)
    profiles: Mapping[str, str] = field(default_factory=dict)


class NamedService(NamedTuple):
    """An object of a service by its name on the engine; `given` is where a file says that name."""

    kind: str
    name: str
    service: Service
    given: Node | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """What each service is read with of its whole playbook: made once, not for each service.

    `volumes` are the engine's names of volumes by key, `volume_keys` the other way; `hosts` is what services say of
    whose namespaces they live in.
    """

    volumes: Mapping[str, str]
    volume_keys: Mapping[str, str]
    hosts: AbstractSet[object]


def whole(playbook: Playbook) -> Whole:
    """What is asked of a playbook for each of its services."""
    modes = (service.body.get(key) for service in playbook.services.values() for key in _NAMESPACES)
    return Whole(
        volumes={key: declared.name for key, declared in playbook.volumes.items()},
        volume_keys={declared.name: key for key, declared in playbook.volumes.items()},
        hosts={mode.value for mode in modes if mode is not None and isinstance(mode.value, str)},
    )


def plain_body(body: Node) -> ComposeBody:
    """A canonical body as plain values."""
    value = body.plain()
    return value if isinstance(value, dict) else {}


def image_addresses(playbook: Playbook) -> dict[str, Address]:
    """One address for each image reference: that of the first service, by name, that builds or uses it."""
    addresses: dict[str, Address] = {}
    for name in sorted(playbook.services, key=lambda n: (not playbook.services[n].builds, n)):
        addresses.setdefault(playbook.services[name].image, Address("image", name))
    return addresses


def further_images(playbook: Playbook, known: Mapping[str, Address]) -> dict[str, Resource]:
    """The images that services mount (volumes of type image), or run before them (`pre_start`), and no service runs.

    By reference.
    """
    images: dict[str, Resource] = {}
    for name in sorted(playbook.services):
        body = plain_body(playbook.services[name].body)
        mounted = [mount.get("source") for mount in body.get("volumes") or [] if mount.get("type") == "image"]
        before = [entry.get("image") for entry in body.get("pre_start") or []]
        for prefix, reference in (
            *(("mounted", reference) for reference in mounted),
            *(("initial", reference) for reference in before),
        ):
            if not reference or reference in known or reference in images:
                continue
            address = Address("image", f"{prefix}-" + re.sub(r"[^A-Za-z0-9_.-]", "-", reference))
            spec = dict.fromkeys(("build", "digest", "platform"))
            images[reference] = Resource(address, "image", reference, spec, span=playbook.services[name].body.span)
    return images


_NAMESPACES = ("network_mode", "pid", "ipc")


def may_finish(service: Service, hosts: AbstractSet[object], *, restarts: bool) -> MayFinish:
    """What says that a service has done what it is for when it ends with exit code 0, as a migration does.

    `restarts`: the engine starts it again then; `hosts` are those of `Whole`. A service that declares a health check
    or publishes ports, or in whose namespaces others live, is there to go on running; a job has rules of its own.
    """
    body = plain_body(service.body)
    declared = body.get("restart") or (body.get("deploy") or {}).get("restart_policy")
    if service.job or restarts or serves(body) or f"service:{service.name}" in hosts:
        return ""
    return "declared" if declared else "implied"


def serves(body: ComposeBody) -> bool:
    """Whether a service publishes ports or has a health check: it is there to go on running."""
    check = healthcheck.parse(body.get("healthcheck"))
    return bool(body.get("ports")) or (check is not None and not healthcheck.is_off(check))


def _linked_containers(playbook: Playbook, service: Service) -> dict[str, tuple[str, ...]]:
    """The names of the containers of each service to which one may be linked; nothing where it has no links."""
    if service.body.get("links") is None:
        return {}
    return {
        name: tuple(container_name(playbook, other, index) for index in range(1, other.replicas + 1))
        for name, other in playbook.services.items()
    }


def parse_context(playbook: Playbook, inputs: InputVersions, service: Service, about: Whole) -> ParseContext:
    """What a service's body is read with."""
    return ParseContext(
        service=service.name,
        image=service.image,
        replicas=service.replicas,
        build=inputs.builds.get(service.name),
        digest=inputs.registry.get(service.image),
        volumes=about.volumes,
        versions=inputs.versions,
        containers=_linked_containers(playbook, service),
    )


def container_name(playbook: Playbook, service: Service, index: int) -> str:
    """`container_name`, or `<project>-<service>-<n>` as Compose names it."""
    own = service.body.get("container_name")
    return str(own.value) if own is not None and own.value else f"{playbook.project}-{service.name}-{index}"


def desired_state(playbook: Playbook, resources: Iterable[Resource]) -> DesiredState:
    """These objects, and by what other tools group them; by nothing where the playbook wants no labels of theirs."""
    grouping = None
    if playbook.engine.compose_labels:
        files = (posixpath.normpath(posixpath.join(playbook.directory, file)) for file in playbook.documents)
        grouping = Grouping(playbook.directory, tuple(files))
    return DesiredState(playbook.project, {resource.address: resource for resource in resources}, grouping)


def stored_resources(
    playbook: Playbook, inputs: InputVersions, images: Mapping[str, Address], *, driver: str = ""
) -> list[Resource]:
    """Networks, volumes and the images of services, of which `images` gives the addresses by reference.

    `driver` is that of networks that name none.
    """
    return [
        *(
            _stored(declared, "network", network.parse(_with_driver(declared, driver)))
            for declared in playbook.networks.values()
        ),
        *(
            _stored(declared, "volume", volume.parse(plain_body(declared.body)))
            for declared in playbook.volumes.values()
        ),
        *(
            _image(playbook, service, inputs, images)
            for name, service in sorted(playbook.services.items())
            if images[service.image] == Address("image", name)
        ),
    ]


def _with_driver(declared: Declared, driver: str) -> ComposeBody:
    body = plain_body(declared.body)
    return body if body.get("driver") or not driver else {**body, "driver": driver}


def used_files(playbook: Playbook, users: Sequence[Resource]) -> Iterator[tuple[str, Declared]]:
    """The declared configs and secrets that containers or services have as files, each with its kind."""
    for kind, section in (("config", playbook.configs), ("secret", playbook.secrets)):
        used = {entry["source"] for user in users for entry in user.spec[f"{kind}s"].values()}
        yield from ((kind, section[key]) for key in sorted(used & section.keys()))


def attachments(playbook: Playbook, spec: Spec, about: Whole) -> list[Need]:
    """The networks, volumes, configs and secrets that a container or service needs."""
    keys = about.volume_keys
    volumes = {entry.get("source") for entry in spec["volumes"].values() if entry["type"] == "volume"}
    needs = [Need(Address("network", key)) for key in sorted(spec["networks"]) if key in playbook.networks]
    needs += [Need(address) for address in sorted({address for address, _ in file_entries(spec)})]
    return [*needs, *(Need(Address("volume", keys[name])) for name in sorted(volumes & keys.keys()))]


def _stored(declared: Declared, kind: str, spec: Spec) -> Resource:
    return Resource(
        address=Address(kind, declared.key),
        kind=kind,
        name=declared.name,
        spec=spec,
        external=declared.external,
        protect=declared.protect,
        unprotect=declared.unprotect,
        span=declared.body.span,
        spans=Positions(declared.body),
    )


def _image(playbook: Playbook, service: Service, inputs: InputVersions, addresses: Mapping[str, Address]) -> Resource:
    """The image of a service: what it is built from, or what the registry has.

    `addresses` are those of all images, by reference. A build that starts from another service's image needs that.
    """
    body = plain_body(service.body)
    others = {name: playbook.services[name].image for name in built_upon(service.body) if name in playbook.services}
    return Resource(
        address=Address("image", service.name),
        kind="image",
        name=service.image,
        spec={
            "build": inputs.builds.get(service.name),
            "digest": inputs.registry.get(service.image),
            "platform": body.get("platform"),
        },
        image=ImageWork(
            recipe=build_recipe(body, playbook.directory, others),
            earlier=inputs.kept.get(service.name, ""),
            pull_policy=body.get("pull_policy") or "missing",
        ),
        needs=tuple(Need(addresses[image]) for image in dict.fromkeys(others.values())),
        span=service.body.span,
        spans=Positions(service.body),
    )


def build_recipe(body: ComposeBody, directory: str, images: Mapping[str, str]) -> BuildRecipe | None:
    """What the builder is told: `build` with other services as their images, for the platform that is to run.

    `directory` is the playbook's folder, whose secret files no build gets. None for a service that is not built.
    """
    build = body.get("build")
    if build is None:
        return None
    recipe = {**build, PLAYBOOK_FOLDER: directory}
    if body.get("platform") and not recipe.get("platforms"):
        recipe["platforms"] = [body["platform"]]
    if recipe.get("additional_contexts"):
        recipe["additional_contexts"] = {
            name: f"docker-image://{images[str(value).removeprefix(SERVICE)]}" if _is_service(value) else value
            for name, value in recipe["additional_contexts"].items()
        }
    return recipe


def _is_service(context: Any) -> bool:
    return str(context).startswith(SERVICE)
