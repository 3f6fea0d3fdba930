"""What ran when it was adopted, written down as a playbook where the file says something else: a rollback of the apply
after it goes back to that. Reads only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.app.adopt_plan import AdoptedState
from provisioner.app.adopted_names import names_of_adopted, with_names
from provisioner.app.drift import differences
from provisioner.document.fragment import over_object
from provisioner.document.sources import Document
from provisioner.errors import PlaybookInvalid, UsageError
from provisioner.kinds import container, service
from provisioner.kinds.compare import looks_secret
from provisioner.kinds.container_environment import from_lines
from provisioner.kinds.container_networks import SEVERAL_ENDPOINTS, follows_from_address
from provisioner.kinds.fields import get_path, set_path
from provisioner.model.change import Action
from provisioner.model.node import Node, items_of, mapping_of
from provisioner.model.span import Problem, Span
from provisioner.playbook.bind import bind
from provisioner.playbook.select import scale
from provisioner.reconcile.diff import diff
from provisioner.reconcile.observe import observe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from provisioner.app.import_running import Taken
    from provisioner.app.prepared import Prepared
    from provisioner.model.adoption import Adopted
    from provisioner.model.change import Change, FieldChange
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import Resource
    from provisioner.ports import EngineReader
    from provisioner.reconcile.adoption import Candidate

_PLACE = Span("what ran")
_SECTIONS = ("network", "volume", "config", "secret")
# Whether a container runs is no part of what a file says of it.
_STATE = "state"
_MOST_NAMED = 5
_WRITING = "can not be written down"


def adopted_state(
    view: EngineReader,
    prepared: Prepared,
    candidates: Sequence[Candidate],
    missing: Sequence[Resource],
    records: Sequence[Adopted],
) -> AdoptedState | Problem | None:
    """The state that is adopted where it is not what is declared. A Problem says why it can not be written down, None
    that there is nothing to go back to: all that differs is that something does not run.

    `view` shows the `candidates`, those that were the environment's before among them, as adopted with their
    `records`, `prepared` is the plan of the apply after that; `missing` are the declared objects that are not there.
    """
    writer = _Writer(view, prepared, candidates, missing)
    try:
        playbook = writer.playbook()
    except (_Unwritable, PlaybookInvalid, UsageError) as error:
        return _problem(error.problems[0].message if isinstance(error, PlaybookInvalid) else str(error))
    if playbook is None:
        return None
    playbook = with_names(playbook, names_of_adopted((*prepared.ledger.adopted, *records)))
    inputs = prepared.materials.inputs
    built = {key: digest for key, digest in inputs.builds.items() if _is_built(playbook, key)}
    inputs = replace(inputs, builds=built)
    desired = prepared.platform.lower(playbook, inputs)
    observed = observe(view, desired, {}, prepared.ledger.guards)
    left = [text for change in differences(desired, observed) for text in _unlike(change)]
    if left:
        more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
        return _problem(f"{', '.join(sorted(left)[:_MOST_NAMED])}{more}", helps=all(_WRITING in text for text in left))
    still = [
        change.address
        for change in diff(desired, observed, desired)
        if any(d.path == _STATE for d in change.differences)
    ]
    return AdoptedState(playbook, inputs, observed, tuple(still))


def _is_built(playbook: Playbook, key: str) -> bool:
    return key in playbook.services and playbook.services[key].builds


def _unlike(change: Change) -> list[str]:
    """What is still another than what runs, and why that can not be written down."""
    if change.address.kind in ("config", "secret"):
        return [f"{change.address} had another content, which is not kept"]
    if not change.differences:
        return [f"{change.address} {_WRITING}"]
    return [_reason(change, difference) for difference in change.differences if difference.path != _STATE]


def _reason(change: Change, difference: FieldChange) -> str:
    if difference.path == "image":
        # Both are told with the id where the name is one and the same.
        name = str(difference.before).partition(" ")[0]
        return f"{change.address} runs an image that is not called {name} any more"
    if difference.path.startswith("environment.") and difference.path.endswith(".version"):
        variable = difference.path.removeprefix("environment.").removesuffix(".version")
        return f"{change.address} has another value of the secret variable {variable}, which {_WRITING}"
    if difference.path.endswith(".aliases"):
        lacking = sorted({*_texts(difference.after)} - {*_texts(difference.before)})
        if lacking and not {*_texts(difference.before)} - {*_texts(difference.after)}:
            network = difference.path.removeprefix("networks.").removesuffix(".aliases")
            return (
                f"{change.address} lacks the alias {', '.join(lacking)} on {network}, which a file gives every service"
            )
    return f"{change.address} {difference.path} {_WRITING}"


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list | tuple) else []


def _problem(why: str, *, helps: bool = True) -> Problem:
    """What is said where no revision is kept; `helps`: whether another file would."""
    return Problem(
        f"what runs is adopted, and no revision of it is kept, because {why}: `rollback` can not undo the next apply",
        hint="make the file say what runs, adopt, and change it then" if helps else None,
    )


class _Unwritable(Exception):
    """Something that must not, or can not, be written into a document."""


class _Writer:
    """Makes the document of what runs: the file's own, with what differs taken from the engine."""

    def __init__(
        self, view: EngineReader, prepared: Prepared, candidates: Sequence[Candidate], missing: Sequence[Resource]
    ) -> None:
        self._prepared = prepared
        self._declared = prepared.playbook
        self._missing = [resource.address for resource in missing]
        self._groups: dict[str, list[Candidate]] = {}
        self._others: list[Candidate] = []
        for candidate in sorted(candidates, key=lambda candidate: candidate.resource.address):
            if candidate.resource.kind in ("container", "service"):
                self._groups.setdefault(candidate.resource.address.name, []).append(candidate)
            elif candidate.resource.kind in ("network", "volume"):
                self._others.append(candidate)
        self._facts = view.facts()
        self._taken = self._taker(view)
        self._paths = {
            # Of an image that is to be built it is not said that it is another one.
            change.address: {difference.path for difference in change.differences} - {_STATE} or {"image"}
            for change in prepared.plan.details
            if change.action is not Action.UNCHANGED
            and {difference.path for difference in change.differences} != {_STATE}
        }

    def playbook(self) -> Playbook | None:
        """The playbook of what runs; None where it is the file's, and no revision of another file is the last."""
        root, project = self._declared.root, self._declared.project
        written = self._written()
        last = self._prepared.ledger.last
        if written == root.mapping and (last is None or last.document == root.plain()) and not self._differs():
            return None
        document = Document(
            replace(root, value=written), project, self._declared.name, self._declared.environment,
            self._declared.directory, (),
        )  # fmt: skip
        playbook = bind(document)
        counts = {key: len(group) for key, group in self._groups.items() if not self._prepared.platform.names_services}
        fewer = {k: n for k, n in counts.items() if k in playbook.services and n < playbook.services[k].replicas}
        return scale(playbook, fewer)

    def _differs(self) -> bool:
        """Whether anything that is adopted is not as the file says, though that can not be written down."""
        taken = [*self._others, *(candidate for group in self._groups.values() for candidate in group)]
        return any(candidate.resource.address in self._paths for candidate in taken)

    def _written(self) -> dict[str, Node]:
        root = self._declared.root
        written = {**root.mapping, "services": self._services(root.mapping["services"])}
        objects: dict[str, Any] = {}
        if differing := [candidate for candidate in self._others if self._paths.get(candidate.resource.address)]:
            # Of the networks and volumes it is known what they are once all services were looked at.
            for name, group in self._groups.items():
                self._taken.service(name, [candidate.raw for candidate in group])
            objects = self._taken.objects()
        for kind in _SECTIONS:
            section = f"{kind}s"
            gone = {address.name for address in self._missing if address.kind == kind}
            entries = {k: node for k, node in mapping_of(root.get(section)).items() if k not in gone}
            for candidate in (candidate for candidate in differing if candidate.resource.kind == kind):
                key = candidate.resource.address.name
                body = {"name": candidate.name} | objects[section].get(key, {})
                entries[key] = self._canonical(Node({}, _PLACE), body, section)
            if entries != mapping_of(root.get(section)):
                written[section] = replace(root.mapping.get(section, Node({}, _PLACE)), value=entries)
        return written

    def _services(self, section: Node) -> Node:
        gone = {address.name for address in self._missing if address.kind in ("container", "service")}
        gone -= self._groups.keys()
        bodies = {}
        for name, body in section.mapping.items():
            if name in gone:
                continue
            group = self._groups.get(name, [])
            paths = {path for candidate in group for path in self._paths.get(candidate.resource.address, ())}
            bodies[name] = _without_dependencies(self._service(name, group, body, paths) if paths else body, gone)
        return replace(section, value=bodies)

    def _service(self, name: str, group: Sequence[Candidate], body: Node, paths: Collection[str]) -> Node:
        """The body of one service with what runs in the place of what differs."""
        actual = self._taken.service(name, [candidate.raw for candidate in group])
        if mac := (group[0].raw.get("Config") or {}).get("MacAddress"):
            # That of its first network, as it was declared.
            actual["mac_address"] = mac
        if not {"networks", "network_mode"} & actual.keys():
            # A file need not say that; a body that was read does.
            actual["networks"] = ["default"]
        if "networks" in actual:
            actual["networks"] = self._with_hardware_addresses(group[0], actual["networks"])
        values: dict[str, Any] = {}
        for place in sorted(self._places(name, group[0], paths, actual)):
            body = _without(body, place.split("."))
            if (value := get_path(actual, place)) is not None:
                set_path(values, place, value)
        if variables := {path.partition(".")[2] for path in paths if path.startswith("environment.")}:
            body, values["environment"] = self._variables(name, group[0], body, variables, actual)
        if targets := {path.removeprefix("volumes.") for path in paths if path.startswith("volumes.")}:
            body, values["volumes"] = _mounts(body, targets, actual)
        return self._canonical(body, values, "services")

    def _with_hardware_addresses(self, candidate: Candidate, networks: Any) -> Any:
        """The networks of a body, with what `_hardware_addresses` tells; they are a list where nothing else is said."""
        given = {key: mac for key, mac in self._hardware_addresses(candidate).items() if key in networks}
        if not given:
            return networks
        attached = networks if isinstance(networks, dict) else dict.fromkeys(networks)
        return attached | {key: {**(attached[key] or {}), "mac_address": mac} for key, mac in given.items()}

    def _hardware_addresses(self, candidate: Candidate) -> dict[str, str]:
        """The hardware addresses that a container has on networks on which the file gives it one. An engine from API
        1.44 on does not tell whether somebody chose what it has; one that follows from its address nobody did."""
        if candidate.resource.kind != "container" or self._facts.api_version < SEVERAL_ENDPOINTS:
            return {}
        declared = candidate.resource.container_spec["networks"]
        keys = {network.name: key for key, network in self._declared.networks.items()}
        live = (candidate.raw.get("NetworkSettings") or {}).get("Networks") or {}
        return {
            key: str(endpoint["MacAddress"])
            for name, endpoint in live.items()
            if (key := keys.get(name, name)) in declared
            and declared[key].get("mac_address")
            and endpoint.get("MacAddress")
            and not follows_from_address(endpoint)
        }

    def _places(self, name: str, candidate: Candidate, paths: Collection[str], actual: Mapping[str, Any]) -> set[str]:
        """Where in a body that stands which differs, but for what is taken entry by entry."""
        fields = service.FIELDS if candidate.resource.kind == "service" else container.FIELDS
        differing = [f for f in fields if any(path == f.key or path.startswith(f"{f.key}.") for path in paths)]
        places = {place for f in differing for place in (f.key, *f.sources)}
        # A file has them once for all networks.
        of_networks = {path.rpartition(".")[2] for path in paths if path.startswith("networks.")}
        places |= {"links", "external_links"} if "links" in of_networks else set()
        # Where it is written with its network, it is not written with the service besides.
        places |= {"mac_address"} if "networks" in places and self._hardware_addresses(candidate) else set()
        places |= {"mac_address"} & of_networks
        places -= {"environment", "volumes", "image", "build"}
        return places | ({"image", "build"} if actual["image"] != self._declared.services[name].image else set())

    def _variables(
        self, name: str, candidate: Candidate, body: Node, differing: Iterable[str], actual: Mapping[str, Any]
    ) -> tuple[Node, dict[str, str]]:
        """The body without the variables that differ, and those of them that run with another value."""
        lines = candidate.raw["Config"].get("Env") if candidate.resource.kind == "container" else None
        live = from_lines(lines or [])
        values = {}
        for variable in sorted(differing):
            declared = body.get("environment", variable)
            written = (actual.get("environment") or {}).get(variable)
            value = written if isinstance(written, str) else live.get(variable)
            plain = declared is not None and not declared.is_mapping
            if declared is not None and declared.is_mapping:
                raise _Unwritable(f"services.{name} has another value of the secret variable {variable}")
            if written is not None and not plain and (type(written) is not str or looks_secret(variable, written)):
                raise _Unwritable(f"services.{name} has a variable {variable}, which looks like a secret")
            body = _without(body, ["environment", variable])
            if written is not None and value is not None:
                values[variable] = value
        return body, values

    def _taker(self, view: EngineReader) -> Taken:
        """What reads the services, and knows networks and volumes by the playbook's keys."""
        project, facts = self._declared.project, self._facts
        formers = [candidate.former for group in self._groups.values() for candidate in group]
        origin = next((former.name for former in formers if former.kind != "environment"), project)
        known = {
            (kind, declared.name): key
            for kind, objects in (("network", self._declared.networks), ("volume", self._declared.volumes))
            for key, declared in objects.items()
        }
        groups = {name: [candidate.raw for candidate in group] for name, group in self._groups.items()}
        return self._prepared.platform.services_reader(view, facts, project, origin, groups, known)

    def _canonical(self, body: Node, values: Mapping[str, Any], section: str) -> Node:
        return over_object(section, body, values, directory=self._declared.directory, home="")


def _mounts(body: Node, targets: Collection[str], actual: Mapping[str, Any]) -> tuple[Node, list[Any]]:
    """The body without the mounts at these targets, and what runs with something there."""
    declared = body.mapping.get("volumes")
    kept = [node for node in items_of(declared) if (at := node.get("target")) is None or at.value not in targets]
    body = _without(body, ["volumes"])
    if declared is not None and kept:
        body = replace(body, value={**body.mapping, "volumes": replace(declared, value=tuple(kept))})
    return body, [volume for volume in actual.get("volumes") or () if volume["target"] in targets]


def _without_dependencies(body: Node, gone: Iterable[str]) -> Node:
    for name in gone:
        if body.get("depends_on", name) is not None:
            body = _without(body, ["depends_on", name])
    return body


def _without(node: Node, path: Sequence[str]) -> Node:
    """The node without what is at a path."""
    first, *rest = path
    inner = node.mapping.get(first) if node.is_mapping else None
    if inner is None:
        return node
    entries = {key: item for key, item in node.mapping.items() if key != first}
    if rest:
        if not inner.is_mapping:
            return node
        entries = {**node.mapping, first: _without(inner, rest)}
    return replace(node, value=entries)
