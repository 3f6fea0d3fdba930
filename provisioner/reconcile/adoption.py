"""What an environment can take over of what other tools made: which object stands for which address. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from provisioner.kinds import container, network, service, volume
from provisioner.kinds.compare import paths_that_run
from provisioner.kinds.container_environment import secrets_in
from provisioner.kinds.container_mounts import ROOTS
from provisioner.kinds.context import DecodeContext
from provisioner.kinds.ownership import (
    DECLARED_FIELDS,
    FORMER_NAME,
    PROJECT,
    PROTECTED,
    declared_paths,
    ownership_labels,
)
from provisioner.kinds.swarm_file import GENERATION, VERSION
from provisioner.kinds.swarm_task import IMAGE_LABEL, PIN_LABEL
from provisioner.kinds.tool_labels import (
    COMPOSE_NUMBER,
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    COMPOSE_VOLUME,
    STACK,
    is_one_off,
    is_tool_label,
    names_by_compose,
)
from provisioner.model.adoption import Adopted
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.change import FieldChange
    from provisioner.model.edges import EngineJson
    from provisioner.model.node import JSON
    from provisioner.model.state import Facts, Resource, Spec
_POLICIES = ("update_config", "rollback_config")
# The kinds of the engine that can be adopted; images come with their containers.
KINDS = ("container", "network", "volume", "service", "config", "secret")
# Of those the ones whose labels can be changed: Swarm's, but for networks.
RELABELLED = ("service", "config", "secret")


@dataclass(frozen=True, slots=True)
class Former:
    """Whose an object is by its labels. `kind` is environment, Compose project, stack, or empty for nobody's."""

    kind: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"the {self.kind} {self.name}" if self.kind else "nobody by its labels"


NOBODY = Former()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An object of the engine that stands for a declared one. `mapped`: the user named it. `called` is the name that a
    container had before an adoption gave it its new one. `record` is that of an earlier adoption, with another file."""

    resource: Resource
    raw: EngineJson
    mapped: bool = False
    called: str = ""
    record: Adopted | None = None

    @property
    def id(self) -> str:
        return identity(self.resource.kind, self.raw)

    @property
    def name(self) -> str:
        return name_of(self.raw)

    @property
    def former(self) -> Former:
        return former_owner(labels_of(self.raw))


def identity(kind: str, raw: EngineJson) -> str:
    """The engine's full id of an inspected object; of a volume its name."""
    return str(raw.get("Name") if kind == "volume" else raw.get("Id") or raw.get("ID") or "")


def name_of(raw: EngineJson) -> str:
    """The name of an inspected object."""
    return str(raw.get("Name") or (raw.get("Spec") or {}).get("Name") or "").lstrip("/")


def labels_of(raw: EngineJson) -> Mapping[str, str]:
    """The labels of an inspected object, wherever its kind has them."""
    inner = raw.get("Config") or raw.get("Spec") or {}
    labels: Mapping[str, str] = raw.get("Labels") or inner.get("Labels") or {}
    return labels


def former_owner(labels: Mapping[str, str]) -> Former:
    """Whose labels these are."""
    for label, kind in ((PROJECT, "environment"), (COMPOSE_PROJECT, "Compose project"), (STACK, "stack")):
        if labels.get(label):
            return Former(kind, labels[label])
    return NOBODY


def compose_containers(raws: Iterable[EngineJson]) -> dict[str, list[EngineJson]]:
    """The containers of a Compose project by service, in the order of their numbers; none of `docker compose run`."""
    by_service: dict[str, list[EngineJson]] = {}
    for raw in raws:
        labels = labels_of(raw)
        if not is_one_off(labels) and labels.get(COMPOSE_SERVICE):
            by_service.setdefault(labels[COMPOSE_SERVICE], []).append(raw)
    for same_service in by_service.values():
        same_service.sort(key=_number)
    return by_service


def compose_number(raw: EngineJson) -> int:
    """Which replica Compose made a container as, counted from 1; 0 where it does not say so."""
    text = labels_of(raw).get(COMPOSE_NUMBER, "")
    return int(text) if text.isdecimal() else 0


def _number(raw: EngineJson) -> tuple[int, str]:
    return compose_number(raw), name_of(raw)


def match_replicas(wanted: Sequence[Resource], containers: Sequence[EngineJson]) -> dict[Address, EngineJson]:
    """A container for each replica of one service: the one that has its name, else that of its number, else the next
    one that is left.

    Names say more than numbers: a container that was renamed keeps its number, and a `docker compose up` that was cut
    off leaves another one of the same.
    """
    by_name = {name_of(raw): raw for raw in containers}
    matches = {resource.address: by_name[resource.name] for resource in wanted if resource.name in by_name}
    left = [raw for raw in containers if name_of(raw) not in {resource.name for resource in wanted}]
    by_number = {_number(raw)[0]: raw for raw in reversed(left)}
    others = [resource for resource in wanted if resource.address not in matches]
    matches |= {
        resource.address: by_number[resource.address.index]
        for resource in others
        if resource.address.index in by_number
    }
    left = [raw for raw in left if raw not in matches.values()]
    others = [resource for resource in others if resource.address not in matches]
    return matches | {resource.address: raw for resource, raw in zip(others, left, strict=False)}


def is_left_by_compose(resource: Resource, labels: Mapping[str, str], project: str) -> bool:
    """Whether a volume is what Compose made for this very project and key."""
    return (
        resource.kind == "volume"
        and labels.get(COMPOSE_PROJECT) == project
        and labels.get(COMPOSE_VOLUME) == resource.address.name
        and PROJECT not in labels
    )


def key_of(name: str, taken: Collection[str] = ()) -> str:
    """A name of the engine as a key of a playbook, with a number where another name has `taken` that."""
    key = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-_.") or "unnamed"
    numbered = (f"{key}-{number}" for number in count(2))
    return key if key not in taken else next(candidate for candidate in numbered if candidate not in taken)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a look at a candidate's contents told. `versions` gives the version of each file of a container by its
    target, and of each variable that takes a secret's value by its name: the declared one where the content is the
    declared one, else empty; what is not there is left out. `form` says how the files came there. `version` is that of
    a Swarm's config or secret, `declared` the parts of a service's update policies that the file declares.
    """

    versions: Mapping[str, str] | None = None
    form: tuple[str, ...] = ()
    version: str = ""
    declared: frozenset[str] = frozenset()


def adoption(candidate: Candidate, project: str, evidence: Evidence, facts: Facts) -> Adopted:
    """The record of one object: the labels that it would have if an apply had made it, as far as they are true."""
    resource, raw = candidate.resource, candidate.raw
    name = resource.name if resource.kind == "container" else candidate.name
    labels = ownership_labels(project, resource.address, name)
    form = list(evidence.form)
    if resource.kind == "container":
        labels |= container.record_labels(_as_found(resource, evidence.versions or {}))
        form = [*_container_form(candidate), *form]
        if (before := candidate.called or candidate.name) != name:
            labels[FORMER_NAME] = before
    elif resource.kind == "network":
        labels |= network.record_labels(resource.spec)
    elif resource.kind == "volume" and resource.protect:
        labels[PROTECTED] = "true"
    elif resource.kind == "service":
        values = _service_form(resource, raw, evidence.declared)
        labels |= _image_labels(resource, raw) | (
            {service.FORM_LABEL: json.dumps(values, sort_keys=True)} if values else {}
        )
        form += [
            f"{key} as {candidate.former} has it" for key in dict.fromkeys(path.partition(".")[0] for path in values)
        ]
    elif resource.kind in ("config", "secret"):
        labels |= {VERSION: evidence.version, GENERATION: "1"}
    if any(is_tool_label(key) for key in labels_of(raw)):
        form.insert(0, f"labels of {candidate.former}")
    is_volume = resource.kind == "volume"
    created = created_at(raw) if not is_volume or volume.is_dated(facts.api_version) else ""
    former = candidate.record.former if candidate.record else str(candidate.former)
    return Adopted(
        resource.kind, candidate.id, name, created, str(resource.address), labels, former, tuple(form),
        volume.mark(raw) if is_volume else "",
    )  # fmt: skip


def with_what_runs(record: Adopted, differences: Sequence[FieldChange]) -> Adopted:
    """The record of an object, with only those paths as declared that are as declared: what the file says and never ran
    is no difference, once the file says it no longer."""
    fields = {"container": container.FIELDS, "network": network.FIELDS}.get(record.kind, ())
    kept = paths_that_run(fields, declared_paths(record.labels), differences)
    labels = {key: value for key, value in record.labels.items() if key != DECLARED_FIELDS}
    return replace(record, labels=labels | ({DECLARED_FIELDS: ",".join(kept)} if kept else {}))


def is_same_volume(adopted: Adopted, raw: EngineJson) -> bool:
    """Whether an inspected volume is the one of a record, and no later one of its name."""
    if adopted.created and adopted.created != created_at(raw):
        return False
    owner, own = labels_of(raw).get(PROJECT), adopted.labels.get(PROJECT)
    if adopted.mark:
        return owner in (None, own) and adopted.mark == volume.mark(raw)
    return bool(adopted.created) or owner == own


def created_at(raw: EngineJson) -> str:
    """When an inspected object was made, as the engine says it."""
    return str(raw.get("Created") or raw.get("CreatedAt") or "")


def _as_found(resource: Resource, versions: Mapping[str, str]) -> Spec:
    """The desired spec with those files and secret variables only that the container has, in the versions it has."""
    spec = dict(resource.spec)
    for kind in ROOTS:
        spec[kind] = {
            target: {**entry, "version": versions[target]} for target, entry in spec[kind].items() if target in versions
        }
    taken = secrets_in(resource.container_spec["environment"])
    spec["environment"] = {
        key: {**value, "version": versions[key]} if key in taken else value
        for key, value in spec["environment"].items()
        if key not in taken or key in versions
    }
    return spec


def _container_form(candidate: Candidate) -> list[str]:
    """What Compose makes in another form, and what is no difference therefore."""
    names, labels = {candidate.name, candidate.called or candidate.name}, labels_of(candidate.raw)
    attached = (candidate.raw.get("NetworkSettings") or {}).get("Networks") or {}
    aliases = {key: network.get("Aliases") or () for key, network in attached.items()}
    on = [
        key for key, own_aliases in aliases.items() if (names | names_by_compose(labels, own_aliases)) & {*own_aliases}
    ]
    return [f"its name as an alias on {', '.join(sorted(on))}"] if on else []


def _service_form(resource: Resource, raw: EngineJson, declared: frozenset[str]) -> dict[str, JSON]:
    """The values, by path, that `docker stack` gives where nothing is declared: how updates go, and the platforms that
    the image was found to have."""
    live = service.decode(dict(raw), DecodeContext())
    return {
        difference.path: difference.before
        for difference in service.differences(resource.spec, live)
        if (difference.path.partition(".")[0] in _POLICIES and difference.path not in declared)
        or (difference.path == "placement.platforms" and not difference.after)
    }


def _image_labels(resource: Resource, raw: EngineJson) -> dict[str, str]:
    """What an apply notes of the image that it gave a service, where the service runs the declared one."""
    running = str(((raw["Spec"].get("TaskTemplate") or {}).get("ContainerSpec") or {}).get("Image") or "")
    reference = str(resource.workload_spec["image"])
    if running.partition("@")[0] not in (reference, _with_tag(reference)):
        return {}
    return {IMAGE_LABEL: reference, PIN_LABEL: running}


def _with_tag(reference: str) -> str:
    """A reference as `docker stack` writes it out: without a tag it means latest."""
    return reference if ":" in reference.rpartition("/")[2] or "@" in reference else f"{reference}:latest"


def users_of(kind: str, name: str, containers: Iterable[EngineJson]) -> list[EngineJson]:
    """The containers, as the engine lists them in one answer, that are on a network or mount a volume."""
    if kind == "volume":
        return [raw for raw in containers if any(m.get("Name") == name for m in raw.get("Mounts") or ())]
    on = ((raw, (raw.get("NetworkSettings") or {}).get("Networks") or {}) for raw in containers)
    return [raw for raw, networks in on if name in networks]
