"""One look at the engine: what this environment owns, and what stands where it wants to stand. Reads only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from provisioner.kinds import container, container_mounts, file_volume, image, network, volume
from provisioner.kinds.container_pre_start import PRE_START_KIND
from provisioner.kinds.context import DecodeContext
from provisioner.kinds.file_volume import FILES_KIND
from provisioner.kinds.ownership import (
    NAME,
    NEXT,
    ONE_OFF,
    OPERATION,
    PROJECT,
    PROTECTED,
    declared_paths,
    owned_address,
)
from provisioner.kinds.tool_labels import COMPOSE_PROJECT
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.state import CARRIED_KIND, ImageFacts, Observed, ObservedState
from provisioner.reconcile.adoption import compose_containers, compose_number, labels_of, name_of
from provisioner.reconcile.foreign_objects import foreign_object
from provisioner.reconcile.namespaces import left_behind, named_containers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from provisioner.model.edges import EngineJson
    from provisioner.model.state import DesiredState, ForeignObject, Resource, Spec
    from provisioner.ports import EngineReader
_WORKERS = 8
# The kinds of which one of ours can give its name to another of ours; see `handover`.
_HANDED_OVER = ("container", "network")
_STORED = ("network", "volume")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_GUARDS: Mapping[str, bool] = MappingProxyType({})
_NO_VOLUMES: Mapping[str, Address] = MappingProxyType({})


def observe(
    engine: EngineReader,
    desired: DesiredState,
    known: Mapping[str, str] = _NOTHING,
    guards: Mapping[str, bool] = _NO_GUARDS,
    volumes: Mapping[str, Address] = _NO_VOLUMES,
) -> ObservedState:
    """A snapshot of everything that the project owns or names.

    `known` are the addresses of the containers that were there after the last apply, by id: one of them that a hand
    gave another name is still ours, while a copy of its labels is not. `guards` tells by a volume's name whether it
    is protected, where that is known better than from its label. `volumes` are the addresses that a file gives to
    volumes, by their names, where none of them is desired.
    Raises Unreachable or EngineRefused when the engine can not be asked; a partial look is never returned.
    """
    state, specs_of_images, listed = _ask(engine, desired)
    images = state.facts.images
    while True:
        owned = _own(desired, listed, known, volumes)
        owned = [replace(o, protected=guards.get(o.name, o.protected)) if o.kind == "volume" else o for o in owned]
        for resource in desired.resources.values():
            if resource.kind == "image" and resource.name in images:
                facts_of = images[resource.name]
                spec = specs_of_images[resource.name]
                owned.append(Observed(resource.address, "image", facts_of.id, resource.name, spec))
        superseded: list[Observed] = []
        if state.facts.swarm_manager:
            from provisioner.reconcile.observe_swarm import observe_swarm

            keys = {seen.id: seen.address.name for seen in owned if seen.kind == "network"}
            services, superseded = observe_swarm(engine, desired, keys, state.facts.read_at)
            owned += services
        resources, leftovers = _choose_current(owned)
        resources |= left_behind(resources, leftovers, {raw["Id"]: raw["HostConfig"] for raw in listed.containers})
        resources |= _files_in_containers(desired, resources)
        named, foreign, late = _named(engine, desired, resources, {seen.id for seen in owned})
        if not late:
            break
        listed.add(engine, late)
    return replace(
        state,
        resources=resources | named,
        leftovers=tuple(leftovers),
        foreign=tuple(foreign),
        superseded=tuple(superseded),
        files=tuple(sorted((seen for seen in owned if seen.kind == FILES_KIND), key=lambda seen: seen.name)),
    )


def _ask(engine: EngineReader, desired: DesiredState) -> tuple[ObservedState, dict[str, Spec], _Listed]:
    """What the engine says: facts, images and containers outside; the specs of images; and what it lists as ours."""
    labels = {PROJECT: desired.project}
    with ThreadPoolExecutor(_WORKERS) as pool:
        facts = pool.submit(engine.facts)
        lists = {kind: pool.submit(engine.list, kind, labels) for kind in ("container", "network", "volume")}
        references = {r.name for r in desired.resources.values() if r.kind == "image"}
        looked = {name: pool.submit(engine.inspect, "image", name) for name in sorted(references)}
        listings = {kind: result.result() for kind, result in lists.items()}
        containers = [raw for raw in listings["container"] if ONE_OFF not in (raw["Config"].get("Labels") or {})]
        identities = sorted({raw["Image"] for raw in containers})
        made_from = dict(zip(identities, pool.map(lambda i: engine.inspect("image", i), identities), strict=True))
        networks = [raw for raw in pool.map(lambda n: engine.inspect("network", n["Id"]), listings["network"]) if raw]
        outer = named_containers(desired)
        outside = {
            name: Observed(
                Address("container", name), "container", raw["Id"], name, {}, raw.get("Created") or "",
                runtime=container.runtime(dict(raw)),
            )
            for name, raw in zip(outer, pool.map(lambda n: engine.inspect("container", n), outer), strict=True)
            if raw
        }  # fmt: skip
        images = {
            name: image.image_facts(dict(existing)) for name, future in looked.items() if (existing := future.result())
        }
        image_specs = {
            name: image.decode(dict(existing)) for name, future in looked.items() if (existing := future.result())
        }
        state = ObservedState(replace(facts.result(), images=images), {}, outside=outside)
    return state, image_specs, _Listed(networks, list(listings["volume"]), containers, made_from)


def _files_in_containers(desired: DesiredState, resources: Mapping[Address, Observed]) -> dict[Address, Observed]:
    """Configs and secrets as containers carry them: a plain engine has no objects for them.

    While containers disagree, as after an interrupted apply, it counts as there what is wanted.
    """
    files: dict[Address, Observed] = {}
    for seen in resources.values():
        for address, entry in container_mounts.file_entries(seen.spec) if seen.kind == "container" else ():
            wanted, version = desired.resources.get(address), entry["version"]
            if wanted is None or wanted.kind != CARRIED_KIND:
                continue
            if address not in files or version == wanted.file_spec["version"]:
                files[address] = Observed(
                    address, CARRIED_KIND, seen.id, address.name, {"version": version}, seen.created
                )
    return files


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the engine lists as the project's, inspected; `made_from` are the images of the containers, by id."""

    networks: list[EngineJson]
    volumes: list[EngineJson]
    containers: list[EngineJson]
    made_from: dict[str, EngineJson | None]

    def add(self, engine: EngineReader, late: Iterable[tuple[str, EngineJson]]) -> None:
        """Add what was made after the lists were asked for, by an apply that was killed before its answers came."""
        for kind, raw in late:
            {"network": self.networks, "volume": self.volumes, "container": self.containers}[kind].append(raw)
            if kind == "container":
                self.made_from[raw["Image"]] = engine.inspect("image", raw["Image"])


def _own(
    desired: DesiredState, listed: _Listed, known: Mapping[str, str], volumes: Mapping[str, Address]
) -> list[Observed]:
    """Everything whose label names this project and the very object it sits on."""
    own: list[Observed] = []
    keys = {r.name: r.address.name for r in desired.resources.values() if r.kind == "network"}
    mounted: dict[str, list[str]] = {}
    services: dict[str, str] = {}
    mine: list[tuple[Address, EngineJson]] = []
    for raw in listed.containers:
        labels = raw["Config"].get("Labels") or {}
        address = owned_address(labels, raw["Name"].lstrip("/"), desired.project)
        if address is None and labels.get(PROJECT) == desired.project:
            address = Address.parse(known.get(raw["Id"], ""))
        for mount in raw.get("Mounts") or []:
            if mount.get("Type") == "volume":
                mounted.setdefault(mount.get("Name") or "", []).append(raw["Id"])
        if address:
            mine.append((address, raw))
            services[raw["Id"]] = address.name
    placed = _Places(desired, volumes)
    for raw in sorted(listed.networks, key=lambda raw: str(raw["Name"])):
        if address := placed.address("network", raw):
            keys[raw["Name"]] = address.name
            own.append(decode_network(address, raw))
    for raw in sorted(listed.volumes, key=lambda raw: str(raw["Name"])):
        if address := placed.address("volume", raw):
            own.append(decode_volume(address, raw, tuple(mounted.get(raw["Name"], ()))))
    context = DecodeContext(networks=keys, services=services)
    for address, raw in mine:
        made = listed.made_from.get(raw["Image"])
        own.append(_decode_container(address, raw, context, image.image_facts(dict(made)) if made else None))
    return own


class _Places:
    """Gives each network and volume of ours an address of its own.

    The declared one of that name, whatever key it was made under; else the one that its label speaks of, unless the
    file means another object by it now.
    """

    def __init__(self, desired: DesiredState, volumes: Mapping[str, Address]) -> None:
        self._project = desired.project
        self._by_name = {("volume", name): address for name, address in volumes.items()}
        self._by_name |= {(r.kind, r.name): r.address for r in desired.resources.values() if r.kind in _STORED}
        self._taken = set(self._by_name.values())

    def address(self, kind: str, raw: EngineJson) -> Address | None:
        name = str(raw["Name"])
        labelled = owned_address(raw.get("Labels"), name, self._project)
        if labelled is None or labelled.kind != kind:
            return labelled
        if (kind, name) in self._by_name:
            return self._by_name[kind, name]
        address = labelled
        while address in self._taken:
            address = Address(kind, name if address is labelled else f"{address.name}_")
        self._taken.add(address)
        return address


def decode_network(address: Address, raw: EngineJson) -> Observed:
    """A network from its inspection, with the containers on it."""
    on_it = raw.get("Containers") or {}
    names = {identity: str(endpoint["Name"]) for identity, endpoint in on_it.items() if endpoint.get("Name")}
    return Observed(
        address, "network", raw["Id"], raw["Name"], network.decode(dict(raw)), raw.get("Created") or "",
        users=tuple(sorted(on_it)), user_names=names, declared=declared_paths(raw.get("Labels")),
    )  # fmt: skip


def decode_volume(address: Address, raw: EngineJson, users: tuple[str, ...] = ()) -> Observed:
    """A volume from its inspection; `users` are the containers that mount it."""
    labels = raw.get("Labels") or {}
    kind = file_volume if address.kind == FILES_KIND else volume
    return Observed(
        address,
        FILES_KIND if kind is file_volume else "volume",
        raw["Name"],
        raw["Name"],
        kind.decode(dict(raw)),
        raw.get("CreatedAt") or "",
        users=users,
        protected=labels.get(PROTECTED) == "true",
        declared=declared_paths(labels),
        operation=labels.get(OPERATION, ""),
    )


def _decode_container(
    address: Address, raw: EngineJson, context: DecodeContext, made_from: ImageFacts | None
) -> Observed:
    labels = raw["Config"].get("Labels")
    return Observed(
        address=address,
        kind="container",
        id=raw["Id"],
        name=raw["Name"].lstrip("/"),
        spec=container.decode(dict(raw), context),
        created=raw.get("Created") or "",
        runtime=container.runtime(dict(raw)),
        image=made_from or ImageFacts(id=raw["Image"]),
        anonymous=container_mounts.anonymous_volumes(dict(raw)),
        declared=declared_paths(labels),
        made_as=(labels or {}).get(NAME, ""),
    )


def _choose_current(owned: Sequence[Observed]) -> tuple[dict[Address, Observed], list[Observed]]:
    """The one object of each address: the one with its own name, if there are several.

    A replacement that never took its place is a leftover beside the old one, one that was set aside a leftover beside
    the new one, and so are a container that was to carry files into their volume and one that runs before another.
    """
    resources: dict[Address, Observed] = {}
    leftovers: list[Observed] = []
    for seen in sorted(owned, key=_place):
        if seen.kind == FILES_KIND:
            continue
        if seen.address.kind in (FILES_KIND, PRE_START_KIND) or seen.address in resources:
            leftovers.append(seen)
        else:
            resources[seen.address] = seen
    return resources, leftovers


def _place(seen: Observed) -> tuple[bool, bool, str]:
    """What has its own name first, what has not taken it yet last."""
    return seen.name != (seen.made_as or seen.name), seen.name.endswith(NEXT), seen.name


def _named(
    engine: EngineReader, desired: DesiredState, resources: Mapping[Address, Observed], own: Collection[str]
) -> tuple[dict[Address, Observed], list[ForeignObject], list[tuple[str, EngineJson]]]:
    """Objects that carry a declared name without being ours: external ones that are meant, and foreign. And those,
    with their kinds, that are ours and were on no list, as they were made after it.

    `own` are the ids of what is ours: a container or network of ours that has another's name may yet give it up.
    """
    unnamed = ("image", CARRIED_KIND)
    wanted = [r for r in desired.resources.values() if r.kind not in unnamed and r.address not in resources]
    external: dict[Address, Observed] = {}
    foreign: list[ForeignObject] = []
    late: list[tuple[str, EngineJson]] = []
    if not wanted:
        return external, foreign, late
    with ThreadPoolExecutor(min(_WORKERS, len(wanted))) as pool:
        answers = list(pool.map(lambda r: engine.inspect(r.kind, r.name), wanted))
    for resource, raw in zip(wanted, answers, strict=True):
        if raw is None:
            continue
        if resource.external:
            external[resource.address] = _external(resource, raw)
        elif resource.kind not in _HANDED_OVER or raw["Id"] not in own:
            inner = raw.get("Config") or raw.get("Spec") or {}
            labels = raw.get("Labels") or inner.get("Labels") or {}
            identity = str(raw.get("Id") or raw.get("ID") or raw.get("Name") or "")
            listed = resource.kind == "container" or resource.kind in _STORED
            if listed and identity not in own and owned_address(labels, resource.name, desired.project):
                late.append((resource.kind, raw))
                continue
            foreign.append(foreign_object(resource, labels, desired.project, identity))
    nowhere = [r for r, raw in zip(wanted, answers, strict=True) if raw is None and r.kind == "container"]
    known = {*own, *(str(raw.get("Id")) for raw in answers if raw is not None)}
    return external, [*foreign, *_otherwise_called(engine, desired.project, nowhere, known)], late


def _otherwise_called(
    engine: EngineReader, project: str, wanted: Sequence[Resource], known: Collection[str]
) -> list[ForeignObject]:
    """The containers that Compose made for services of this very project, and that have not the declared name."""
    # Whoever makes something lists all containers anyway: only few projects have any of Compose's.
    listed = engine.containers() if wanted else ()
    any_of_compose = any((raw.get("Labels") or {}).get(COMPOSE_PROJECT) == project for raw in listed)
    raws = engine.list("container", {COMPOSE_PROJECT: project}) if any_of_compose else ()
    by_service = compose_containers(raw for raw in raws if raw["Id"] not in known and PROJECT not in labels_of(raw))
    foreign_objects = []
    for name, others in by_service.items():
        # What has another number, or none, is none of the replicas that are missing.
        numbers = {resource.address.index: resource for resource in wanted if resource.address.name == name}
        for raw in others:
            if (resource := numbers.pop(compose_number(raw), None)) is not None:
                foreign = foreign_object(resource, labels_of(raw), project, str(raw["Id"]))
                foreign_objects.append(replace(foreign, name=name_of(raw)))
    return foreign_objects


def _external(resource: Resource, raw: EngineJson) -> Observed:
    if resource.kind == "network":
        return decode_network(resource.address, raw)
    if resource.kind == "volume":
        return decode_volume(resource.address, raw)
    return Observed(resource.address, resource.kind, str(raw["ID"]), resource.name, resource.spec)
