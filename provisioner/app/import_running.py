"""`import --running`: a playbook from what runs on an engine. Reads the engine, and writes one file."""

from __future__ import annotations

import re
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from provisioner.app.output_file import write_output
from provisioner.app.wiring import open_engine
from provisioner.errors import EngineRefused, ProvisionError, UsageError
from provisioner.kinds import container, network, volume
from provisioner.kinds.compose_body import secret_variables, service_body
from provisioner.kinds.container_mounts import ROOTS
from provisioner.kinds.context import DecodeContext
from provisioner.kinds.image import image_facts
from provisioner.kinds.tool_labels import COMPOSE_PROJECT, STACK
from provisioner.ledger.labels import LEASE, LEDGER
from provisioner.model.dataclass import dataclass
from provisioner.platforms.lowering import serves
from provisioner.reconcile.adoption import compose_containers, former_owner, key_of, labels_of, name_of
from provisioner.reconcile.finished import has_finished
from provisioner.render.config_yaml import config_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.model.edges import ComposeBody, EngineJson
    from provisioner.model.state import Facts, MayFinish, Spec
    from provisioner.ports import EngineReader
_DEPENDS_ON = "com.docker.compose.depends_on"
_BUILT_IN = ("bridge", "host", "none")
_FIRST = ("image", "container_name", "command", "entrypoint")


@dataclass(frozen=True, slots=True)
class ImportedRunning:
    """`secrets` gives, by the secret that was made of it, the container and variable whose value it is."""

    file: str
    project: str
    services: tuple[str, ...]
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def import_running(
    request: Request, names: Sequence[str], *, output: str | None, name: str | None, force: bool
) -> ImportedRunning:
    """Write a playbook of the containers of one Compose project, of a stack of a Swarm, or of containers by name.

    Without names it is the only Compose project that runs. Values of variables that look like secrets are not written:
    references stand in their place. UsageError where it is not clear what is meant, or a file is there already.
    """
    file = output or "compose.yaml"
    if Path(request.directory, file).exists() and not force:
        raise UsageError(f"{file} is there already", hint="name another with -o, or give --force to replace it")
    engine = open_engine(request, None)
    facts = engine.facts()
    stacks = _stacks(engine) if facts.swarm_manager else {}
    taken: Taken
    if len(names) == 1 and names[0] in stacks:
        from provisioner.app.import_stack import TakenStack

        project, groups = name or names[0], stacks[names[0]]
        taken = TakenStack(engine, facts, project, names[0])
    else:
        project, origin, groups = _chosen(engine, names, name, stacks)
        taken = Taken(engine, facts, project, origin, groups)
        for raws in groups.values():
            taken.see_what_was_copied(raws[0])
    document: ComposeBody = {"name": project, **taken.head(), "services": {}}
    for service, raws in sorted(groups.items()):
        document["services"][service] = taken.service(service, raws)
    document |= {key: value for key, value in taken.objects().items() if value}
    text = f"# Written by `provision import --running` from what ran.\n{config_yaml(_escaped(document))}"
    write_output(request.directory, file, text)
    return ImportedRunning(file, project, tuple(sorted(groups)), taken.secrets, tuple(taken.notes))


def _stacks(engine: EngineReader) -> dict[str, dict[str, list[EngineJson]]]:
    """The services of each stack of a Swarm, by their key."""
    stacks: dict[str, dict[str, list[EngineJson]]] = {}
    for raw in engine.list("service", {STACK: ""}):
        stack = labels_of(raw)[STACK]
        stacks.setdefault(stack, {})[key_of(name_of(raw).removeprefix(f"{stack}_"))] = [raw]
    return stacks


def _chosen(
    engine: EngineReader, names: Sequence[str], name: str | None, stacks: Collection[str]
) -> tuple[str, str, dict[str, list[EngineJson]]]:
    """The project's name, the Compose project that it is made of (empty for containers by name), and the containers of
    each service."""
    everything = [raw for raw in engine.list("container", {}) if not {LEASE, LEDGER} & labels_of(raw).keys()]
    projects = sorted({labels_of(raw).get(COMPOSE_PROJECT, "") for raw in everything} - {""})
    if not names and (stacks or len(projects) != 1):
        known = ", ".join([*projects, *(f"{stack} (a stack)" for stack in sorted(stacks))]) or "none"
        raise UsageError("which of the Compose projects is meant? NAME one", hint=f"there are: {known}")
    wanted = names or projects
    if len(wanted) == 1 and wanted[0] in projects:
        of_it = [raw for raw in everything if labels_of(raw).get(COMPOSE_PROJECT) == wanted[0]]
        return name or wanted[0], wanted[0], compose_containers(of_it)
    by_name = {name_of(raw): raw for raw in everything}
    if missing := [wanted_name for wanted_name in wanted if wanted_name not in by_name]:
        raise ProvisionError(
            f"no Compose project, stack or container is named {missing[0]}", hint="docker ps --all shows what is there"
        )
    if not name:
        raise UsageError("containers by name need a name for what they become", hint="--name shop")
    groups: dict[str, list[EngineJson]] = {}
    for wanted_name in dict.fromkeys(wanted):
        groups[key_of(wanted_name, groups)] = [by_name[wanted_name]]
    return name, "", groups


class Taken:
    """Collects what services use while they are written.

    `origin` is the Compose project or stack that they are of, empty for containers by name: what that did not make,
    others use. `groups` are the containers that become services, `known` the keys of networks and volumes by kind and
    name, where a file has them already.
    """

    def __init__(
        self,
        engine: EngineReader,
        facts: Facts,
        project: str,
        origin: str,
        groups: Mapping[str, Sequence[EngineJson]] = MappingProxyType({}),
        known: Mapping[tuple[str, str], str] = MappingProxyType({}),
    ) -> None:
        self._engine = engine
        self._facts = facts
        self._project = project
        self._origin = origin
        services = [(raw, service) for service, raws in groups.items() for raw in raws]
        self._services = {str(raw["Id"]): service for raw, service in services}
        self._called = {name_of(raw): service for raw, service in services}
        self._keys = dict(known)
        # The keys of the file by the names on the engine.
        self._networks: dict[str, str] = {}
        self._volumes: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._addressed: set[str] = set()
        self.secrets: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []

    def head(self) -> ComposeBody:
        """What the file says of the engine."""
        return {}

    def service(self, name: str, raws: Sequence[EngineJson]) -> ComposeBody:
        """The body of one service from its containers; the first one speaks for all."""
        raw = raws[0]
        self._see(raw)
        image = self._engine.inspect("image", str(raw["Image"])) or {"Id": raw["Image"]}
        spec = container.decode(dict(raw), DecodeContext(networks=self._networks, services=self._services))
        body = service_body(spec, image_facts(dict(image)), self._facts, service=name, volumes=self._volumes)
        for key, attached in spec["networks"].items():
            if attached.get("ipv4_address") or attached.get("ipv6_address"):
                self._addressed.add(key)
        if name_of(raw) not in (f"{self._project}-{name}-1", f"{self._project}_{name}_1") and len(raws) == 1:
            body["container_name"] = name_of(raw)
        if len(raws) > 1:
            body["scale"] = len(raws)
        if self._has_hostname_of_another(body):
            body.pop("hostname", None)
        if (mac := raw["Config"].get("MacAddress")) and len(spec["networks"]) > 1:
            self.notes.append(f"{name_of(raw)} is on several networks: on which of them it has {mac} is not written")
        elif mac:
            body["mac_address"] = mac
        body |= self._links(body, spec)
        depends = _depends_on(labels_of(raw).get(_DEPENDS_ON, ""))
        if depends:
            body["depends_on"] = depends
        self._hide_secrets(name, raw, body)
        self._see_whether_it_runs(raw, spec, body)
        return in_order(body)

    def _see_whether_it_runs(self, raw: EngineJson, spec: Spec, body: ComposeBody) -> None:
        """Note what does not run, unless it has done what it is for."""
        if raw["State"].get("Running"):
            return
        restarts = spec["restart"].partition(":")[0] not in ("no", "on-failure")
        may_finish: MayFinish = "" if restarts or serves(body) else "declared" if body.get("restart") else "implied"
        if not has_finished(container.runtime(dict(raw)), may_finish, exposes=bool(spec.get("expose"))):
            self.notes.append(f"{name_of(raw)} does not run now; an apply will start it")

    def see_what_was_copied(self, raw: EngineJson) -> None:
        """Note files of secrets that Compose has copied into a container, which no inspection tells of."""
        if not former_owner(labels_of(raw)).name:
            return
        folder = ROOTS["secrets"]
        try:
            files = self._engine.read_files(str(raw["Id"]), folder)
        except EngineRefused:
            # Engines refuse a look into some containers, such as one with a mount behind a link.
            return
        mounted = {str(mount["Destination"]).rpartition("/")[2] for mount in raw.get("Mounts") or ()}
        if copied := sorted(files.keys() - mounted):
            self.notes.append(
                f"{name_of(raw)} has files in {folder} that no mount gives, {', '.join(copied)}: declare them under "
                "`secrets`, or what replaces it does not have them"
            )

    def objects(self) -> ComposeBody:
        """The networks, volumes and secrets that the services use, as far as a file has to say anything of them."""
        networks = {key: self._network(key, name) for name, key in self._networks.items()}
        volumes = {key: self._volume(key, name) for name, key in self._volumes.items()}
        secrets = {key: {"allow_env": True} for key in self.secrets}
        if networks.get("default") in ({}, None):
            networks.pop("default", None)
        return {"networks": networks, "volumes": volumes, "secrets": secrets}

    def _has_hostname_of_another(self, body: Mapping[str, Any]) -> bool:
        """Whether it is that of the machine, or of whom it shares the network with."""
        mode = str(body.get("network_mode", ""))
        of_machine = mode == "host" and body.get("hostname") == self._facts.engine_name
        return of_machine or body.get("uts") == "host" or mode.startswith(("service:", "container:"))

    def _links(self, body: ComposeBody, spec: Mapping[str, Any]) -> dict[str, list[str]]:
        """The links of a service, which a file has once for all networks, in place of those of its container."""
        body.pop("links", None)
        links = {
            *spec["links"],
            *(text for network in spec["networks"].values() for text in network.get("links") or ()),
        }
        pairs = [text.partition(":")[::2] for text in sorted(links)]
        own = {f"{self._called[name]}:{alias}" for name, alias in pairs if name in self._called}
        others = {f"{name}:{alias}" for name, alias in pairs if name not in self._called}
        by_key = {"links": sorted(own), "external_links": sorted(others)}
        return {key: texts for key, texts in by_key.items() if texts}

    def _see(self, raw: EngineJson) -> None:
        for name in (raw.get("NetworkSettings") or {}).get("Networks") or {}:
            if name not in _BUILT_IN:
                self._networks.setdefault(name, self._key_of("network", name))
        for mount in raw.get("Mounts") or ():
            if mount.get("Type") == "volume" and not re.fullmatch(r"[0-9a-f]{64}", mount.get("Name") or ""):
                self._volumes.setdefault(mount["Name"], self._key_of("volume", mount["Name"]))

    def _key_of(self, kind: str, name: str) -> str:
        """The file's key of an object, which no other of its kind has."""
        if (kind, name) not in self._keys:
            taken = {key for (other, _), key in self._keys.items() if other == kind}
            key = self._key(kind, name)
            self._keys[kind, name] = key_of(key, taken) if key in taken else key
        return self._keys[kind, name]

    def _key(self, kind: str, name: str) -> str:
        labels = labels_of(self._engine.inspect(kind, name) or {})
        own = labels.get(COMPOSE_PROJECT) == self._origin
        return (labels.get(f"com.docker.compose.{kind}") if own else None) or key_of(name)

    def _network(self, key: str, name: str) -> ComposeBody:
        raw = self._engine.inspect("network", name)
        if raw is None or self._is_others(raw):
            return {"name": name, "external": True}
        spec = network.decode(dict(raw))
        body = {
            f.key: spec[f.key] for f in network.FIELDS if spec[f.key] not in (f.default, None, {}) and "." not in f.key
        }
        if key in self._addressed:
            body["ipam"] = {"config": spec["ipam.config"]}
        return self._named(key, name) | body

    def _volume(self, key: str, name: str) -> ComposeBody:
        raw = self._engine.inspect("volume", name)
        if raw is None or self._is_others(raw):
            return {"name": name, "external": True}
        spec = volume.decode(dict(raw))
        return self._named(key, name) | {
            f.key: spec[f.key] for f in volume.FIELDS if spec[f.key] not in (f.default, None)
        }

    def _named(self, key: str, name: str) -> ComposeBody:
        return {} if name == f"{self._project}_{key}" else {"name": name}

    def _is_others(self, raw: EngineJson) -> bool:
        return former_owner(labels_of(raw)).name != self._origin

    def _hide_secrets(self, service: str, raw: EngineJson, body: ComposeBody) -> None:
        """Put a reference in the place of each value that looks like a secret."""
        for variable, value in secret_variables(body).items():
            key = variable.lower()
            if self._values.get(key, value) != value:
                key = f"{service}_{key}".replace("-", "_")
            self._values[key] = value
            self.secrets.setdefault(key, (name_of(raw), variable))
            body["environment"][variable] = {"secret": key}


def in_order(body: Mapping[str, Any]) -> ComposeBody:
    """A service's body with what it runs first, as people write it."""
    first = [key for key in _FIRST if key in body]
    return {key: body[key] for key in (*first, *sorted(body.keys() - {*first}))}


def _depends_on(label: str) -> ComposeBody:
    """`db:service_healthy:false,…`, as Compose writes it, as a file says it."""
    dependencies = {}
    for entry in filter(None, label.split(",")):
        name, _, rest = entry.partition(":")
        condition, _, restart = rest.partition(":")
        dependencies[name] = {"condition": condition or "service_started"} | (
            {"restart": True} if restart == "true" else {}
        )
    return dependencies


class Variable(str):
    """A text that stands for the value of the variable of this name."""


def _escaped(value: Any) -> Any:
    """The document, in which no text is taken for a variable but those that are meant."""
    if isinstance(value, Variable):
        return f"${{{value}}}"
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value
