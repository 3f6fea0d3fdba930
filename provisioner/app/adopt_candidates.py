"""Which objects of an engine stand for what a playbook declares, and why some must not be taken. Reads only."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, UsageError
from provisioner.kinds.network import OF_THE_ENGINE
from provisioner.kinds.ownership import ADDRESS, FORMER_NAME, PROJECT, owner
from provisioner.kinds.tool_labels import COMPOSE_PROJECT, COMPOSE_SERVICE, STACK, TASK_OF, is_one_off
from provisioner.ledger.labels import LEASE, LEDGER
from provisioner.model.address import Address
from provisioner.model.adoption import RENAMING
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem
from provisioner.reconcile.adoption import (
    KINDS,
    Candidate,
    compose_containers,
    former_owner,
    identity,
    labels_of,
    match_replicas,
    name_of,
    users_of,
)
from provisioner.reconcile.foreign_objects import LET_GO

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from provisioner.model.adoption import Adopted
    from provisioner.model.edges import EngineJson
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import DesiredState, Resource
    from provisioner.ports import EngineReader
    from provisioner.reconcile.adoption import Former
_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Search:
    """What was found. `wanted` are the declared objects that are not the environment's yet, `owned` those that are, as
    they stand."""

    wanted: tuple[Resource, ...]
    owned: tuple[Candidate, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    refusals: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = field(default=())


def search(
    engine: EngineReader,
    playbook: Playbook,
    desired: DesiredState,
    maps: Mapping[Address, str],
    forced: frozenset[str],
    known: Sequence[Adopted] = (),
    *,
    narrowed: bool = False,
) -> Search:
    """Look for each declared object: what `maps` names, what Compose's labels say, what has its name. `known` are the
    records of the ledger. `narrowed`: the playbook declares more than it shows here."""
    resources = {a: r for a, r in desired.resources.items() if r.kind in KINDS and not r.external}
    maps = _checked(maps, resources)
    raws = _by_labels(engine, playbook.project, resources)
    raws |= _by_name(engine, playbook, {a: r for a, r in resources.items() if a not in raws and a not in maps})
    called = {adopted.id: adopted.name for adopted in known if adopted.kind == RENAMING}
    renamed = {adopted.labels[FORMER_NAME]: adopted.id for adopted in known if FORMER_NAME in adopted.labels}
    mapped = _mapped(engine, resources, maps, renamed, {name: container_id for container_id, name in called.items()})
    _require_free_addresses(engine, playbook.project, maps, resources, mapped, renamed)
    raws |= mapped
    ours = [r for a, r in sorted(resources.items()) if a in raws and _is_ours(playbook.project, r, raws[a])]
    owned = tuple(Candidate(r, raws[r.address]) for r in ours)
    wanted = tuple(r for a, r in sorted(resources.items()) if r not in ours)
    matches = [
        Candidate(r, raws[r.address], r.address in maps, called.get(identity(r.kind, raws[r.address]), ""))
        for r in wanted
        if r.address in raws
    ]
    _require_distinct(matches, maps)
    listed = engine.containers() if matches else ()
    project = playbook.project
    refusals = refusals_of(engine, matches, listed, project, forced)
    refused = {problem.path for problem in refusals}
    candidates = tuple(candidate for candidate in matches if str(candidate.resource.address) not in refused)
    own = {identity(resources[address].kind, raw) for address, raw in raws.items()}
    notes = [*_foreign_users(candidates, own, listed, project), *_left_alone(playbook, candidates, listed, narrowed)]
    return Search(wanted, owned, candidates, tuple(refusals), tuple(notes))


def _checked(maps: Mapping[Address, str], resources: Mapping[Address, Resource]) -> dict[Address, str]:
    """The maps by full addresses: `service.web` is its only replica. UsageError for what is not declared."""
    names: dict[Address, str] = {}
    for address, name in maps.items():
        full = address if address in resources else Address(address.kind, address.name, 1)
        if full not in resources:
            known = sorted(str(resource) for resource in resources)
            hint = nearest(str(address), known) or f"there are: {', '.join(known)}"
            raise UsageError(f"--map {address}={name}: the playbook declares no {address}", hint=hint)
        if full in names:
            raise UsageError(f"--map names {address} twice: {names[full]} and {name}")
        names[full] = name
    for (kind, name), count in Counter((a.kind, n) for a, n in names.items()).items():
        if count > 1:
            both = [str(address) for address, mapped in names.items() if (address.kind, mapped) == (kind, name)]
            raise UsageError(f"--map gives {name} to {' and '.join(both)}", hint="an object has one address")
    return names


def _by_labels(engine: EngineReader, project: str, resources: Mapping[Address, Resource]) -> dict[Address, EngineJson]:
    """The containers that Compose's labels give to the project's services, whatever they are called."""
    services: dict[str, list[Resource]] = {}
    for address, resource in sorted(resources.items()):
        if resource.kind == "container":
            services.setdefault(address.name, []).append(resource)
    running = compose_containers(engine.list("container", {COMPOSE_PROJECT: project})) if services else {}
    raws: dict[Address, EngineJson] = {}
    for name, wanted in services.items():
        raws |= match_replicas(wanted, running.get(name, ()))
    return raws


def _by_name(
    engine: EngineReader, playbook: Playbook, resources: Mapping[Address, Resource]
) -> dict[Address, EngineJson]:
    if not resources:
        return {}
    files = {"config": playbook.configs, "secret": playbook.secrets}
    names = [files[r.kind][r.address.name].name if r.kind in files else r.name for r in resources.values()]
    with ThreadPoolExecutor(min(_WORKERS, len(resources))) as pool:
        kinds = [resource.kind for resource in resources.values()]
        answers = list(pool.map(engine.inspect, kinds, names))
        # A version of ours has a name of its own.
        own = list(pool.map(engine.inspect, kinds, [resource.name for resource in resources.values()]))
    pairs = zip(resources, answers, own, strict=True)
    return {address: raw for address, first, second in pairs if (raw := second or first) is not None}


def _mapped(
    engine: EngineReader,
    resources: Mapping[Address, Resource],
    maps: Mapping[Address, str],
    renamed: Mapping[str, str],
    called: Mapping[str, str],
) -> dict[Address, EngineJson]:
    """The objects that the maps name. `renamed` are the ids of containers by the names that they had before this,
    `called` those by the names that they had before an adoption that was cut off, which may be another one's by now."""
    mapped = {}
    for address, name in maps.items():
        kind = resources[address].kind
        names = [called.get(name), name, renamed.get(name)] if kind == "container" else [name]
        raw = next(
            (
                raw
                for possible_name in names
                if possible_name and (raw := engine.inspect(kind, possible_name)) is not None
            ),
            None,
        )
        if raw is None:
            raise ProvisionError(
                f"--map {address}={name}: there is no {kind} named {name}", hint=f"docker {kind} ls shows what is there"
            )
        mapped[address] = raw
    return mapped


def _require_free_addresses(
    engine: EngineReader,
    project: str,
    maps: Mapping[Address, str],
    resources: Mapping[Address, Resource],
    mapped: Mapping[Address, EngineJson],
    renamed: Mapping[str, str],
) -> None:
    """UsageError for a map to an address at which the environment has another object already, unless that is the one
    that was meant: `renamed` are the ids of containers by the names that they had before an adoption."""
    for address, raw in mapped.items():
        kind = resources[address].kind
        listed = engine.list(kind, {PROJECT: project, ADDRESS: str(address)})
        meant = {identity(kind, raw), renamed.get(maps[address])}
        others = sorted(name_of(other) for other in listed if identity(kind, other) not in meant)
        if others:
            raise UsageError(
                f"--map {address}={maps[address]}: {address} is {others[0]} already",
                hint=f"leave out the map; `provision adopt --release {address}` lets go of what was adopted",
            )


def _is_ours(project: str, resource: Resource, raw: EngineJson) -> bool:
    belongs = owner(labels_of(raw), name_of(raw))
    return belongs is not None and belongs[0] == project and belongs[1] == resource.address


def _require_distinct(candidates: Sequence[Candidate], maps: Mapping[Address, str]) -> None:
    """UsageError where one object would get two addresses: one by its name, another by a map."""
    by_id: dict[tuple[str, str], Candidate] = {}
    for candidate in candidates:
        other = by_id.setdefault((candidate.resource.kind, candidate.id), candidate)
        if other is not candidate:
            mapped = candidate if candidate.resource.address in maps else other
            raise UsageError(
                f"{candidate.name} would be {other.resource.address} and {candidate.resource.address}",
                hint=f"leave out --map {mapped.resource.address}={candidate.name}, or map the other one too",
            )


def refusals_of(
    engine: EngineReader,
    candidates: Sequence[Candidate],
    listed: Sequence[EngineJson],
    project: str,
    forced: frozenset[str],
) -> list[Problem]:
    """Why some of the candidates must not be taken, with the containers that `listed` shows."""
    return [
        problem
        for candidate in candidates
        for problem in _refusals(engine, candidate, candidates, listed, project, forced)
    ]


def _refusals(
    engine: EngineReader,
    candidate: Candidate,
    candidates: Sequence[Candidate],
    listed: Sequence[EngineJson],
    project: str,
    forced: frozenset[str],
) -> Iterator[Problem]:
    """Why a candidate must not be taken."""
    former, path, kind = candidate.former, str(candidate.resource.address), candidate.resource.kind
    if candidate.record is not None:
        return
    if kind == "network" and candidate.name in OF_THE_ENGINE:
        hint = "use it with `external: true`, which nothing removes"
        yield Problem(f"the network {candidate.name} is the engine's own", path=path, hint=hint)
        return
    if records_of := {labels_of(candidate.raw)[key] for key in (LEDGER, LEASE) if key in labels_of(candidate.raw)}:
        yield Problem(f"the {kind} {candidate.name} is what the environment {min(records_of)} remembers by", path=path)
        return
    if former.kind == "environment":
        hint = f"give this one another name; {LET_GO}" if former.name != project else "look at `provision plan`"
        yield Problem(f"the {kind} {candidate.name} belongs to {former}", path=path, hint=hint)
        return
    if former.name and former.name != project and former.name not in forced:
        ids = {other.id for other in candidates}
        using = (
            [raw for raw in users_of(kind, candidate.name, listed) if raw["Id"] not in ids]
            if kind != "container"
            else []
        )
        of_them = [raw for raw in using if former_owner(labels_of(raw)) == former]
        if (kind == "container" and not candidate.mapped) or of_them or kind in ("service", "config", "secret"):
            users = f", whose {_names(of_them)} uses it" if of_them else ""
            yield Problem(
                f"the {kind} {candidate.name} belongs to {former}{users}",
                path=path,
                hint=f"--force {former.name} takes it from there all the same",
            )
            return
    if kind == "container" and candidate.name != candidate.resource.name:
        other = engine.inspect("container", candidate.resource.name)
        if other is not None and identity("container", other) not in {c.id for c in candidates}:
            yield Problem(
                f"the container {candidate.name} would be renamed to {candidate.resource.name}, and another one has "
                "that name",
                path=path,
                hint=f"--map {path}={candidate.resource.name} adopts that one, or rename it",
            )


def _foreign_users(
    candidates: Sequence[Candidate], own: Collection[str], listed: Sequence[EngineJson], project: str
) -> Iterator[Problem]:
    """Containers of third parties that go on using what is adopted; `own` are the ids of those that are none."""
    for candidate in candidates:
        if candidate.resource.kind not in ("network", "volume"):
            continue
        others = [
            raw
            for raw in users_of(candidate.resource.kind, candidate.name, listed)
            if not {raw["Id"], labels_of(raw).get(TASK_OF)} & {*own} and former_owner(labels_of(raw)).name != project
        ]
        if others:
            owners = dict.fromkeys(str(former_owner(labels_of(raw))) for raw in others)
            yield Problem(
                f"{_names(others)} ({', '.join(owners)}) uses it too, and goes on using it",
                path=str(candidate.resource.address),
            )


def _left_alone(
    playbook: Playbook, candidates: Sequence[Candidate], listed: Sequence[EngineJson], narrowed: bool
) -> Iterator[Problem]:
    """Containers of the same Compose project that no declared service stands for: they stay as they are. Of a
    `narrowed` playbook those of the services that it shows."""
    ids = {candidate.id for candidate in candidates}
    for raw in listed:
        labels = labels_of(raw)
        former: Former = former_owner(labels)
        if former.kind != "Compose project" or former.name != playbook.project or raw["Id"] in ids:
            continue
        service = labels.get(COMPOSE_SERVICE, "")
        if narrowed and service not in playbook.services:
            continue
        if is_one_off(labels):
            why = "it is one of `docker compose run`"
        elif service in playbook.inactive:
            why = f"no profile of {service} is active (--profile, COMPOSE_PROFILES)"
        elif service not in playbook.services:
            why = f"the playbook declares no service {service} here"
        else:
            why = f"{service} has {playbook.services[service].replicas} replicas in the playbook"
        yield Problem(f"the container {_name(raw)} stays as it is: {why}", path=f"service.{service}")


def _name(raw: EngineJson) -> str:
    return str((raw.get("Names") or ["?"])[0]).lstrip("/")


def unknown_projects(forced: frozenset[str], listed: Iterable[EngineJson]) -> Iterator[Problem]:
    """What is forced, and is no Compose project or stack of the objects that the engine lists."""
    labels = [labels_of(raw) for raw in listed]
    known = sorted({project for label in labels for key in (COMPOSE_PROJECT, STACK) if (project := label.get(key))})
    for name in sorted(forced - {*known}):
        near = nearest(name, known) or (f"there are: {', '.join(known)}" if known else "there is none")
        yield Problem(f"--force {name}: nothing here is of a Compose project or stack of that name", hint=near)


def _names(raws: Sequence[EngineJson], most: int = 5) -> str:
    names = sorted(_name(raw) for raw in raws)
    return ", ".join(names[:most] + ([f"{len(names) - most} more"] if len(names) > most else []))
