"""Containers: what one replica of a service is on a plain engine (POST /containers/create, API 1.41 and later)."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from provisioner.kinds import container_environment as environment
from provisioner.kinds import container_files, healthcheck, hooks, values
from provisioner.kinds import container_mounts as mounts
from provisioner.kinds import container_networks as networks
from provisioner.kinds import container_ports as ports
from provisioner.kinds import swarm_container as task
from provisioner.kinds.compare import DECLARED, declared_fields
from provisioner.kinds.container_fields import PLAIN
from provisioner.kinds.fields import Field, Ignored, OnSwarm, PartOf, Raw, Refused
from provisioner.kinds.image import same_platform
from provisioner.kinds.ownership import DECLARED_FIELDS, FILES, NAME, user_labels
from provisioner.kinds.swarm_scheduling import SPEC, TASK
from provisioner.model.change import FieldChange, Impact
from provisioner.model.state import ImageFacts, Runtime, Spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.kinds.fields import SwarmAnswer

KIND = "container"
UNLIMITED = -1
# The observed side's key for the name that the container was made with; a hand may have given it another since.
NAMED = "named"


@dataclass(frozen=True, slots=True)
class Names:
    """How the playbook's names and the engine's meet.

    `volumes` and `networks` map a declared key to the engine's name; `services` a container's id to its service;
    `versions` a config or secret (`configs/x`, `secrets/x`) to the digest of its content; `containers` a service to
    the names of its containers.
    """

    volumes: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    containers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wiring:
    """What only the engine knows when a container is created.

    `ids` gives a service's container id, `file_volumes` the volume and mountpoint of configs and secrets,
    `anonymous` the volumes that a replaced container leaves to this one, `revealed` the values of the secrets that
    stand in its environment, by their key.
    """

    labels: Mapping[str, str]
    networks: Mapping[str, str]
    ids: Mapping[str, str] = field(default_factory=dict)
    file_volumes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    anonymous: Mapping[str, str] = field(default_factory=dict)
    api_version: tuple[int, int] = (1, 44)
    revealed: Mapping[str, str] = field(default_factory=dict, repr=False)


def _unparsed(body: Raw) -> Any:
    raise NotImplementedError("parsed with the names of the playbook")


def _structured(
    key: str,
    api: str,
    summary: str,
    *,
    swarm: SwarmAnswer,
    default: Any = None,
    impact: Impact = Impact.REPLACE,
    keyed: bool = False,
    chosen: bool = False,
) -> Field:
    """A field that `parse`, `encode` and `decode` below handle themselves."""
    return Field(
        key=key, impact=impact, summary=summary, api=api, default=default, keyed=keyed, chosen=chosen, swarm=swarm,
        parse=_unparsed, encode=lambda raw, value: None, decode=_unparsed,
    )  # fmt: skip


def _by_service(api: str) -> OnSwarm:
    """What the service's kind writes and reads itself."""
    return OnSwarm(api, encode=lambda raw, value: None, decode=lambda raw: None)


PLAIN_ENGINE = Refused("run the service on a plain engine")
STRUCTURED: tuple[Field, ...] = (
    _structured("image", "Config.Image", "the image", swarm=_by_service(f"{SPEC}.Image")),
    _structured(
        hooks.POST_START, "Config.Labels", "commands that are run in it", default=[],
        swarm=Refused("run it from the image's entrypoint, or as a job"),
    ),
    _structured(
        hooks.PRE_STOP, "Config.Labels", "commands that are run in it", default=[],
        swarm=Refused("trap the stop signal in the image's entrypoint"),
    ),
    _structured(
        hooks.PRE_START, "Config.Labels", "containers that run before it", default=[],
        swarm=Refused("make it a service with `job`, and wait for it with service_completed_successfully"),
    ),
    _structured("platform", "platform", "the image's platform", chosen=True, swarm=PartOf("placement")),
    _structured("entrypoint", "Config.Entrypoint", "what is run", swarm=OnSwarm(f"{SPEC}.Command")),
    _structured("command", "Config.Cmd", "its arguments", swarm=OnSwarm(f"{SPEC}.Args")),
    _structured(
        "environment", "Config.Env", "environment variables", default={}, keyed=True,
        swarm=OnSwarm(f"{SPEC}.Env", into=environment.lines, out=lambda lines: environment.decode(lines, {})),
    ),
    _structured(
        "labels", "Config.Labels", "labels", default={}, keyed=True,
        swarm=OnSwarm(f"{SPEC}.Labels", into=dict, out=user_labels),
    ),
    _structured("user", "Config.User", "who runs it", swarm=OnSwarm(f"{SPEC}.User")),
    _structured("working_dir", "Config.WorkingDir", "where it runs", swarm=OnSwarm(f"{SPEC}.Dir")),
    _structured("stop_signal", "Config.StopSignal", "how it is asked to stop", swarm=OnSwarm(f"{SPEC}.StopSignal")),
    _structured(
        "healthcheck", "Config.Healthcheck", "how its health is told", keyed=True,
        swarm=OnSwarm(f"{SPEC}.Healthcheck", into=healthcheck.encode, out=healthcheck.decode),
    ),
    _structured(
        "expose", "Config.ExposedPorts", "ports it listens on", default=[],
        swarm=Ignored("every port is open on an overlay network"),
    ),
    _structured(
        "ports", "HostConfig.PortBindings", "published ports", default={}, keyed=True,
        swarm=OnSwarm(
            "EndpointSpec.Ports", default={}, parse=task.parse_ports, encode=task.encode_ports,
            decode=task.decode_ports,
        ),
    ),
    _structured(
        "volumes", "HostConfig.Mounts", "mounts", default={}, keyed=True,
        swarm=OnSwarm(f"{SPEC}.Mounts", encode=task.encode_mounts, decode=task.decode_mounts),
    ),
    _structured(
        "volumes_from", "HostConfig.VolumesFrom", "mounts of other containers", default=[],
        swarm=Refused("mount the same volume in both services"),
    ),
    *(
        _structured(
            kind, "HostConfig.Mounts", f"files of {kind}", default={}, keyed=True,
            swarm=_by_service(f"{SPEC}.{kind.capitalize()}"),
        )
        for kind in sorted(mounts.ROOTS)
    ),
    _structured("network_mode", "HostConfig.NetworkMode", "whose network it uses", swarm=PartOf("networks")),
    _structured(
        "networks", "NetworkingConfig", "networks", default={}, impact=Impact.IN_PLACE, keyed=True,
        swarm=_by_service(f"{TASK}.Networks"),
    ),
    _structured(
        "default_network", "HostConfig.NetworkMode", "the network that comes first", chosen=True,
        swarm=Ignored("leave it out"),
    ),
    _structured(
        "mac_address", "Config.MacAddress", "hardware address", chosen=True,
        swarm=Refused("leave it out: tasks get addresses of their own"),
    ),
    _structured("links", "HostConfig.Links", "links", default=[], swarm=Refused("use a shared network")),
    _structured("pid", "HostConfig.PidMode", "process namespace", swarm=PLAIN_ENGINE),
    _structured("ipc", "HostConfig.IpcMode", "IPC namespace", chosen=True, swarm=PLAIN_ENGINE),
)  # fmt: skip
FIELDS: tuple[Field, ...] = (*STRUCTURED, *PLAIN)


def parse(service: str, body: Raw, names: Names, image: str) -> Spec:
    """The spec of a service's containers from its canonical body. `image` is the reference they are made from."""
    versions = {
        kind: {key.partition("/")[2]: digest for key, digest in names.versions.items() if key.startswith(kind)}
        for kind in mounts.ROOTS
    }
    links = [link for entry in body.get("links") or [] for link in networks.link(entry, names.containers)]
    links += [link for entry in body.get("external_links") or [] for link in networks.link(entry, None)]
    spec: Spec = {
        "image": image,
        "platform": body.get("platform"),
        "entrypoint": _entrypoint(body.get("entrypoint")),
        "command": body.get("command"),
        "environment": environment.parse(body, versions["secrets"]),
        "labels": dict(values.pairs(body.get("labels"), "=")),
        "user": str(body["user"]) if body.get("user") not in (None, "") else None,
        "working_dir": posixpath.normpath(body["working_dir"]) if body.get("working_dir") else None,
        "stop_signal": body.get("stop_signal") or None,
        "healthcheck": healthcheck.parse(body.get("healthcheck")),
        "expose": sorted({port for entry in body.get("expose") or [] for port in ports.expand(entry)}),
        "ports": ports.parse_ports(body),
        "volumes": mounts.parse_volumes(body, names.volumes),
        "volumes_from": sorted(_volumes_from(entry) for entry in body.get("volumes_from") or []),
        "configs": container_files.parse_files(body, "configs", versions["configs"]),
        "secrets": container_files.parse_files(body, "secrets", versions["secrets"]),
        "network_mode": networks.parse_mode(body),
        "networks": networks.parse_networks(service, body, sorted(set(links))),
        "default_network": networks.parse_default(body),
        "mac_address": networks.mac_address(body.get("mac_address")) if body.get("network_mode") == "bridge" else None,
        "links": sorted(set(links)) if body.get("network_mode") else [],
        **{key: hooks.parse(body, key) for key in hooks.HOOKS},
        "pid": body.get("pid") or None,
        "ipc": body.get("ipc") or None,
    }
    return spec | {f.key: f.parse(body) for f in PLAIN}


def _entrypoint(words: Any) -> Any:
    """`[""]` is the engine's own way to clear the image's entrypoint; it is read back as empty."""
    return [] if words is not None and not any(words) else words


def _volumes_from(entry: str) -> str:
    return entry if entry.startswith("container:") else f"service:{entry}"


def encode(spec: Spec, wiring: Wiring) -> Raw:
    """The body of POST /containers/create. Every name in it is the engine's."""
    raw: Raw = {"Config": {}, "HostConfig": {}}
    config, host = raw["Config"], raw["HostConfig"]
    for entry in FIELDS:
        entry.encode(raw, spec[entry.key])
    for key, api in (
        ("image", "Image"), ("entrypoint", "Entrypoint"), ("command", "Cmd"), ("user", "User"),
        ("working_dir", "WorkingDir"), ("stop_signal", "StopSignal"),
    ):  # fmt: skip
        if spec[key] is not None:
            config[api] = spec[key]
    config["Env"] = environment.encode(spec, wiring.revealed)
    config["Labels"] = {**spec["labels"], **wiring.labels, **_record(spec)}
    if spec["healthcheck"]:
        config["Healthcheck"] = healthcheck.encode(spec["healthcheck"])
    config["ExposedPorts"] = {port: {} for port in sorted({*spec["expose"], *spec["ports"]})}
    if spec["ports"]:
        host["PortBindings"] = ports.encode_ports(spec["ports"])
    _encode_mounts(raw, spec, wiring)
    host["NetworkMode"] = _encode_mode(spec, wiring)
    networks.encode_first(raw, spec["networks"], wiring.networks, spec["mac_address"], wiring.api_version)
    for key, api in (("pid", "PidMode"), ("ipc", "IpcMode")):
        if spec[key]:
            host[api] = _namespace(spec[key], wiring)
    if spec["links"]:
        host["Links"] = spec["links"]
    return {**config, **{key: value for key, value in raw.items() if key != "Config"}}


def _record(spec: Spec) -> dict[str, str]:
    """What can not be read back from the engine: the chosen fields that were declared, and the files' versions."""
    declared = declared_fields(FIELDS, spec) + networks.declared(spec["networks"])
    declared += ["memswap_limit"] if spec["memswap_limit"] == UNLIMITED else []
    labels = {DECLARED_FIELDS: ",".join(declared)} if declared else {}
    files = {kind: spec[kind] for kind in mounts.ROOTS if spec[kind]}
    if variables := environment.secrets_of(spec):
        files["environment"] = variables
    return labels | hooks.record(spec) | ({FILES: json.dumps(files, sort_keys=True)} if files else {})


def _encode_mounts(raw: Raw, spec: Spec, wiring: Wiring) -> None:
    volumes = dict(spec["volumes"])
    for target, name in wiring.anonymous.items():
        if volumes.get(target, {"type": "volume"}) | {"source": ""} == {"type": "volume", "source": ""}:
            volumes[target] = {"type": "volume", "source": name}
    mounts.encode_volumes(raw, volumes)
    for kind, (volume, mountpoint) in sorted(wiring.file_volumes.items()):
        container_files.encode_files(raw, kind, spec[kind], volume, mountpoint)
    if spec["volumes_from"]:
        raw["HostConfig"]["VolumesFrom"] = [_encode_volumes_from(entry, wiring) for entry in spec["volumes_from"]]


def _encode_volumes_from(entry: str, wiring: Wiring) -> str:
    scheme, _, rest = entry.partition(":")
    name, _, mode = rest.partition(":")
    name = wiring.ids[name] if scheme == "service" else name
    return f"{name}:{mode}" if mode else name


def _namespace(mode: str, wiring: Wiring) -> str:
    return f"container:{wiring.ids[mode.partition(':')[2]]}" if mode.startswith("service:") else mode


def _encode_mode(spec: Spec, wiring: Wiring) -> str:
    if spec["networks"]:
        first = next(iter(spec["networks"]))
        return wiring.networks.get(first, first)
    return _namespace(spec["network_mode"] or "default", wiring)


def endpoint(spec: Spec, key: str) -> Raw:
    """The EndpointSettings with which a container joins one more network."""
    return networks.endpoint(spec["networks"][key])


def encode_update(spec: Spec, paths: tuple[str, ...]) -> Raw:
    """The body of POST /containers/{id}/update that mends these fields."""
    raw: Raw = {"HostConfig": {}}
    for entry in PLAIN:
        if entry.key in paths:
            entry.encode(raw, spec[entry.key])
    update: Raw = raw["HostConfig"]
    # The engine refuses memory above the memory-and-swap it has; without a declared value it is twice the memory.
    if "Memory" in update:
        update["MemorySwap"] = spec["memswap_limit"] or 2 * update["Memory"]
    return update


def decode(raw: Raw, names: Names) -> Spec:
    """The spec of a container from its inspection. `names` maps the engine's names back (networks: name → key)."""
    config, host = raw["Config"], raw["HostConfig"]
    labels = config.get("Labels") or {}
    files = json.loads(labels.get(FILES, "{}"))
    bindings = host.get("PortBindings") or {}
    spec: Spec = {
        "image": config.get("Image") or "",
        "platform": None,
        "entrypoint": list(config.get("Entrypoint") or []),
        "command": list(config.get("Cmd") or []),
        "environment": environment.decode(config.get("Env"), files.get("environment", {})),
        "labels": user_labels(labels),
        "user": config.get("User") or None,
        "working_dir": config.get("WorkingDir") or None,
        "stop_signal": config.get("StopSignal") or None,
        "healthcheck": healthcheck.decode(config.get("Healthcheck")),
        "expose": sorted(set(config.get("ExposedPorts") or {}) - set(bindings)),
        "ports": ports.decode_ports(bindings),
        "volumes": mounts.decode_volumes(raw, files),
        "volumes_from": sorted(_decode_volumes_from(entry, names) for entry in host.get("VolumesFrom") or []),
        "configs": files.get("configs", {}),
        "secrets": files.get("secrets", {}),
        "network_mode": networks.decode_mode(raw, names.services),
        "networks": networks.decode_networks(raw, names.networks),
        "default_network": networks.decode_default(raw, names.networks),
        "mac_address": networks.decode_mac(raw),
        "links": sorted(networks.decode_link(link) for link in host.get("Links") or []),
        "pid": _decode_namespace(host.get("PidMode"), names),
        "ipc": _decode_namespace(host.get("IpcMode"), names),
        DECLARED: [key for key in labels.get(DECLARED_FIELDS, "").split(",") if key],
        NAMED: labels.get(NAME, ""),
    }
    return spec | hooks.decode(labels) | {f.key: f.decode(raw) for f in PLAIN}


def _decode_volumes_from(entry: str, names: Names) -> str:
    name, _, mode = entry.partition(":")
    source = networks.shared(f"container:{name}", names.services)
    return f"{source}:{mode}" if mode else source


def _decode_namespace(mode: str | None, names: Names) -> str | None:
    if not mode:
        return None
    return networks.shared(mode, names.services) if mode.startswith("container:") else mode


def runtime(raw: Raw) -> Runtime:
    """What the container is doing (ContainerInspect.State)."""
    state = raw["State"]
    return Runtime(
        status=state.get("Status") or "",
        exit_code=int(state.get("ExitCode") or 0),
        health=(state.get("Health") or {}).get("Status") or "",
        started_at=state.get("StartedAt") or "",
        finished_at=state.get("FinishedAt") or "",
        restarts=int(raw.get("RestartCount") or 0),
        oom_killed=bool(state.get("OOMKilled")),
    )


def normalise(spec: Spec, image: ImageFacts) -> Spec:
    """The spec without what its image gives anyway, so that two containers of different images can be compared.

    Both sides go through this, each with its own image.
    """
    # The engine's own rule: without an entrypoint of its own, an empty command is the image's.
    entrypoint = list(image.entrypoint) if spec["entrypoint"] is None else list(spec["entrypoint"])
    command = list(image.command) if not spec["command"] and not spec["entrypoint"] else list(spec["command"] or [])
    working_dir, stop_signal = image.working_dir or "/", image.stop_signal or "SIGTERM"
    return {
        **spec,
        "entrypoint": None if entrypoint == list(image.entrypoint) else entrypoint,
        "command": None if command == list(image.command) else command,
        "platform": spec["platform"] if DECLARED not in spec else image.platform or None,
        "environment": environment.beyond_image(spec, image),
        "labels": _beyond(spec["labels"], user_labels(image.labels)),
        "user": None if spec["user"] == (image.user or None) else spec["user"],
        "working_dir": None if spec["working_dir"] == working_dir else spec["working_dir"],
        "stop_signal": None if spec["stop_signal"] == stop_signal else spec["stop_signal"],
        "healthcheck": healthcheck.beyond_image(spec["healthcheck"], healthcheck.decode(image.healthcheck)),
        "expose": sorted(set(spec["expose"]) - set(spec["ports"]) - set(image.ports)),
        "volumes": {
            target: entry
            for target, entry in spec["volumes"].items()
            if not (entry == {"type": "volume"} and target in image.volumes)
        },
    }


def _beyond(entries: dict[str, str], inherited: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in entries.items() if inherited.get(key) != value}


def meet(desired: Spec, observed: Spec) -> tuple[Spec, Spec]:
    """Both specs with what only one side can know taken out: addresses nobody declared, how a source was made."""
    attached = networks.without_chosen(observed["networks"], desired["networks"], observed.get(DECLARED) or ())
    volumes = {target: dict(entry) for target, entry in desired["volumes"].items()}
    live = {target: dict(entry) for target, entry in observed["volumes"].items()}
    for entry in (*volumes.values(), *live.values()):
        entry.pop("create_host_path", None)
        if entry.get("propagation") == "rprivate":
            del entry["propagation"]
    met = {
        **observed,
        "networks": attached,
        "volumes": live,
        "memswap_limit": _undeclared_swap(desired, observed),
        "platform": same_platform(desired["platform"], observed["platform"]),
    }
    return {**desired, "volumes": volumes}, met


def _undeclared_swap(desired: Spec, observed: Spec) -> Any:
    """Memory-and-swap as far as it was declared.

    The engine makes it twice the memory once, at creation, and leaves it when the memory moves; where the kernel does
    not count swap it says -1.
    """
    swap = observed["memswap_limit"]
    if desired["memswap_limit"] is not None:
        return swap
    uncounted = swap == UNLIMITED and "memswap_limit" not in (observed.get(DECLARED) or ())
    return None if uncounted or swap == 2 * (desired["mem_limit"] or 0) else swap


def settle(difference: FieldChange) -> FieldChange:
    """The impact of this particular change: a limit can be moved while the container runs, not taken away."""
    resource = any(f.key == difference.path and f.impact is Impact.IN_PLACE for f in PLAIN)
    if resource and difference.path != "restart" and difference.after is None:
        return replace(difference, impact=Impact.REPLACE)
    # What is recorded on the container as declared can only be so at its creation.
    address = difference.path.startswith("networks.") and difference.path.endswith(".mac_address")
    if address or (difference.path == "memswap_limit" and difference.after == UNLIMITED):
        return replace(difference, impact=Impact.REPLACE)
    return difference
