"""The fields of a container that are more than one value on either side, or that its image gives too."""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING, Any

from provisioner.kinds import container_environment as environment
from provisioner.kinds import container_files as files
from provisioner.kinds import container_mounts as mounts
from provisioner.kinds import container_networks as networks
from provisioner.kinds import container_ports as ports
from provisioner.kinds import healthcheck, hooks, swarm_container, swarm_task
from provisioner.kinds.fields import Field, Ignored, OnSwarm, PartOf, Refused, custom, on_swarm, plain, set_path
from provisioner.kinds.image import align_platform
from provisioner.kinds.labels import parse_labels
from provisioner.kinds.ownership import user_labels
from provisioner.kinds.swarm_scheduling import SPEC, TASK
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from provisioner.kinds.context import DecodeContext, EncodeContext
    from provisioner.model.edges import EngineBody
    from provisioner.model.state import ImageFacts, Spec

PLAIN_ENGINE = Refused("run the service on a plain engine")


def _entrypoint_beyond(spec: Spec, image: ImageFacts, observed: bool) -> Any:
    own = list(image.entrypoint) if spec["entrypoint"] is None else list(spec["entrypoint"])
    return None if own == list(image.entrypoint) else own


def _command_beyond(spec: Spec, image: ImageFacts, observed: bool) -> Any:
    """The engine's own rule: without an entrypoint of its own, an empty command is the image's."""
    inherits = not spec["command"] and not spec["entrypoint"]
    own = list(image.command) if inherits else list(spec["command"] or [])
    return None if own == list(image.command) else own


def _platform_beyond(spec: Spec, image: ImageFacts, observed: bool) -> Any:
    return image.platform or None if observed else spec["platform"]


def _labels_beyond(spec: Spec, image: ImageFacts, observed: bool) -> Any:
    inherited = user_labels(image.labels)
    return {key: value for key, value in spec["labels"].items() if inherited.get(key) != value}


def _healthcheck_beyond(spec: Spec, image: ImageFacts, observed: bool) -> Any:
    return healthcheck.beyond_image(spec["healthcheck"], healthcheck.decode(image.healthcheck))


def _beyond(key: str, default: str, spec: Spec, image: ImageFacts, observed: bool) -> Any:
    """One value that an image may set, or else has a default."""
    return None if spec[key] == (getattr(image, key) or default or None) else spec[key]


def _add_labels(raw: EngineBody, value: dict[str, str]) -> None:
    raw["Config"]["Labels"].update(value)


def _volumes_from(raw: EngineBody, value: list[str], context: EncodeContext) -> None:
    mounted = []
    for entry in value:
        scheme, _, rest = entry.partition(":")
        name, _, mode = rest.partition(":")
        name = context.ids[name] if scheme == "service" else name
        mounted.append(f"{name}:{mode}" if mode else name)
    set_path(raw, "HostConfig.VolumesFrom", mounted)


def _decode_volumes_from(raw: EngineBody, context: DecodeContext) -> Any:
    sources = []
    for entry in raw["HostConfig"].get("VolumesFrom") or []:
        name, _, mode = entry.partition(":")
        source = networks.shared(f"container:{name}", context.services)
        sources.append(f"{source}:{mode}" if mode else source)
    return sorted(sources)


def _namespace(key: str, api: str, summary: str, *, chosen: bool = False) -> Field:
    def encode(raw: EngineBody, value: str, context: EncodeContext) -> None:
        set_path(raw, api, networks.namespace(value, context.ids))

    def decode(raw: EngineBody, context: DecodeContext) -> Any:
        mode = raw["HostConfig"].get(api.partition(".")[2])
        return networks.shared(mode, context.services) if mode and mode.startswith("container:") else mode

    return Field(
        key=key, impact=Impact.REPLACE, summary=summary, api=api, chosen=chosen, swarm=PLAIN_ENGINE,
        parse=lambda body, _: body.get(key), encode=encode, decode=decode,
    )  # fmt: skip


def _hook(key: str, summary: str, instead: str) -> Field:
    return custom(
        key, "Config.Labels", summary, partial(hooks.parse, key=key), partial(hooks.encode, key),
        partial(hooks.decode, key=key), default=[], swarm=Refused(instead),
    )  # fmt: skip


def _files(kind: str) -> Field:
    return Field(
        key=kind, impact=Impact.REPLACE, summary=f"files of {kind}", api="HostConfig.Mounts", default={}, keyed=True,
        parse=partial(files.parse, kind), encode=partial(files.encode, kind), decode=partial(files.decode, kind),
        swarm=OnSwarm(
            f"{SPEC}.{kind.capitalize()}", parse=partial(swarm_task.parse_files, kind),
            encode=partial(swarm_task.encode_files, kind), decode=partial(swarm_task.decode_files, kind),
        ),
    )  # fmt: skip


STRUCTURED: tuple[Field, ...] = (
    Field(
        key="image", impact=Impact.REPLACE, summary="the image", api="Config.Image",
        parse=lambda body, context: context.image,
        encode=lambda raw, value, _: set_path(raw, "Config.Image", value),
        decode=lambda raw, _: raw["Config"].get("Image"),
        swarm=OnSwarm(f"{SPEC}.Image", encode=swarm_task.encode_image, decode=swarm_task.decode_image),
    ),
    _hook(hooks.POST_START, "commands that are run in it", "run it from the image's entrypoint, or as a job"),
    _hook(hooks.PRE_STOP, "commands that are run in it", "trap the stop signal in the image's entrypoint"),
    _hook(
        hooks.PRE_START, "containers that run before it",
        "make it a service with `job`, and wait for it with service_completed_successfully",
    ),
    custom(
        "platform", "platform", "the image's platform", lambda body: body.get("platform"), lambda raw, value: None,
        lambda raw: None, chosen=True, beyond_image=_platform_beyond, align=align_platform, swarm=PartOf("placement"),
    ),
    custom(
        "entrypoint", "Config.Entrypoint", "what is run", lambda body: swarm_task.entrypoint(body.get("entrypoint")),
        lambda raw, value: set_path(raw, "Config.Entrypoint", value),
        lambda raw: list(raw["Config"].get("Entrypoint") or []), explicit=True, beyond_image=_entrypoint_beyond,
        swarm=OnSwarm(f"{SPEC}.Command", parse=swarm_task.parse_entrypoint),
    ),
    plain(
        "command", "Config.Cmd", "its arguments", beyond_image=_command_beyond,
        swarm=OnSwarm(f"{SPEC}.Args", parse=swarm_task.parse_command),
    ),
    Field(
        key="environment", impact=Impact.REPLACE, summary="environment variables", api="Config.Env", default={},
        keyed=True, parse=environment.parse, encode=environment.encode, decode=environment.decode,
        beyond_image=environment.beyond_image,
        swarm=OnSwarm(f"{SPEC}.Env", into=environment.lines, out=environment.from_lines),
    ),
    custom(
        "labels", "Config.Labels", "labels", parse_labels, _add_labels,
        lambda raw: user_labels(raw["Config"].get("Labels")), default={}, keyed=True, beyond_image=_labels_beyond,
        swarm=on_swarm(f"{SPEC}.Labels", swarm_task.encode_labels, swarm_task.decode_labels),
    ),
    plain(
        "user", "Config.User", "who runs it", read=str, beyond_image=partial(_beyond, "user", ""),
        swarm=OnSwarm(f"{SPEC}.User"),
    ),
    plain(
        "working_dir", "Config.WorkingDir", "where it runs", read=lambda path: path and posixpath.normpath(path),
        beyond_image=partial(_beyond, "working_dir", "/"), swarm=OnSwarm(f"{SPEC}.Dir"),
    ),
    plain(
        "stop_signal", "Config.StopSignal", "how it is asked to stop",
        beyond_image=partial(_beyond, "stop_signal", "SIGTERM"), swarm=OnSwarm(f"{SPEC}.StopSignal"),
    ),
    plain(
        "healthcheck", "Config.Healthcheck", "how its health is told", keyed=True, read=healthcheck.parse,
        into=healthcheck.encode, out=healthcheck.decode, beyond_image=_healthcheck_beyond,
        swarm=OnSwarm(f"{SPEC}.Healthcheck", into=healthcheck.encode, out=healthcheck.decode),
    ),
    custom(
        "expose", "Config.ExposedPorts", "ports it listens on", ports.parse_exposed, ports.expose, ports.decode_exposed,
        default=[], beyond_image=ports.exposed_beyond_image, swarm=Ignored("every port is open on an overlay network"),
    ),
    custom(
        "ports", "HostConfig.PortBindings", "published ports", ports.parse_ports, ports.encode_ports,
        ports.decode_ports, default={}, keyed=True,
        swarm=on_swarm(
            "EndpointSpec.Ports", swarm_container.encode_ports, swarm_container.decode_ports,
            swarm_container.parse_ports,
        ),
    ),
    Field(
        key="volumes", impact=Impact.REPLACE, summary="mounts", api="HostConfig.Mounts", default={}, keyed=True,
        sources=("volumes", "use_api_socket"), parse=mounts.parse_volumes,
        encode=lambda raw, value, _: mounts.encode_volumes(raw, value),
        decode=lambda raw, _: mounts.decode_volumes(raw, files.recorded(raw)), beyond_image=mounts.beyond_image,
        align=mounts.align,
        swarm=OnSwarm(
            f"{SPEC}.Mounts", parse=swarm_task.parse_mounts, encode=swarm_task.encode_volumes,
            decode=swarm_task.decode_volumes,
        ),
    ),
    Field(
        key="volumes_from", impact=Impact.REPLACE, summary="mounts of other containers", api="HostConfig.VolumesFrom",
        default=[], encode=_volumes_from, decode=_decode_volumes_from,
        parse=lambda body, _: sorted(
            entry if entry.startswith("container:") else f"service:{entry}" for entry in body.get("volumes_from") or []
        ),
        swarm=Refused("mount the same volume in both services"),
    ),
    *(_files(kind) for kind in sorted(mounts.ROOTS)),
    Field(
        key="network_mode", impact=Impact.REPLACE, summary="whose network it uses", api="HostConfig.NetworkMode",
        parse=lambda body, _: networks.parse_mode(body), encode=networks.encode_mode, decode=networks.decode_mode,
        swarm=PartOf("networks"),
    ),
    Field(
        key="networks", impact=Impact.IN_PLACE, summary="networks", api="NetworkingConfig", default={}, keyed=True,
        parse=networks.parse_networks, encode=networks.encode_first, decode=networks.decode_networks,
        align=networks.align, impact_of=networks.impact_of, declares=networks.declared,
        swarm=OnSwarm(
            f"{TASK}.Networks", parse=swarm_task.parse_networks, encode=swarm_task.encode_networks,
            decode=swarm_task.decode_networks,
        ),
    ),
    Field(
        key="default_network", impact=Impact.REPLACE, summary="the network that comes first",
        api="HostConfig.NetworkMode", chosen=True, sources=("networks",),
        parse=lambda body, _: networks.parse_default(body), encode=lambda raw, value, _: None,
        decode=networks.decode_default, swarm=Ignored("leave it out"),
    ),
    Field(
        key="mac_address", impact=Impact.REPLACE, summary="hardware address", api="Config.MacAddress", chosen=True,
        parse=lambda body, _: networks.mac_address(body.get("mac_address")) if networks.on_bridge(body) else None,
        encode=networks.encode_mac, decode=lambda raw, _: networks.decode_mac(raw),
        swarm=Refused("leave it out: tasks get addresses of their own"),
    ),
    Field(
        key="links", impact=Impact.REPLACE, summary="links", api="HostConfig.Links", default=[],
        sources=("links", "external_links"),
        parse=lambda body, context: networks.links(body, context) if body.get("network_mode") else [],
        encode=lambda raw, value, _: set_path(raw, "HostConfig.Links", value),
        decode=lambda raw, _: networks.decode_links(raw["HostConfig"].get("Links"), raw["Config"].get("Labels") or {}),
        swarm=Refused("use a shared network"),
    ),
    _namespace("pid", "HostConfig.PidMode", "process namespace"),
    _namespace("ipc", "HostConfig.IpcMode", "IPC namespace", chosen=True),
)  # fmt: skip
