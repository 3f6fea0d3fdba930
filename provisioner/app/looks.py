"""`top`, `port`, `images`, `volumes`: what is asked of the containers and volumes of an environment. Reads only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from provisioner.app.owned import owned_containers, owned_services, require_services, running_replica
from provisioner.app.service_work import load_with
from provisioner.app.wiring import open_engine
from provisioner.errors import ProvisionError
from provisioner.kinds.ownership import PROJECT
from provisioner.model.looks import Processes, UsedImage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.request import Request
    from provisioner.model.edges import EngineJson

_WORKERS = 8


def top(request: Request, services: Sequence[str], arguments: str = "") -> list[Processes]:
    """The processes of every running container of the named services, or of all."""
    playbook = load_with(request, services)
    engine = open_engine(request, playbook.engine)
    running = [container for container in owned_containers(engine, playbook.project, services) if container.running]
    with ThreadPoolExecutor(_WORKERS) as pool:
        answers = pool.map(lambda container: engine.top(container.id, arguments), running)
        return [
            Processes(
                container.address,
                str(container.raw["Name"]).lstrip("/"),
                tuple(titles),
                tuple(tuple(row) for row in rows),
            )
            for container, (titles, rows) in zip(running, answers, strict=True)
        ]


def port(request: Request, service: str, target: int, protocol: str, index: int) -> str:
    """Where a port of a service is published: `0.0.0.0:8080`. ProvisionError where it is not."""
    playbook = load_with(request, [service])
    engine = open_engine(request, playbook.engine)
    for raw, _ in owned_services(engine, playbook.project, [service]):
        for published in (raw.get("Endpoint") or {}).get("Ports") or ():
            if (
                published["TargetPort"] == target
                and published.get("Protocol", "tcp") == protocol
                and published.get("PublishedPort")
            ):
                return f"0.0.0.0:{published['PublishedPort']}"
    if owned_services(engine, playbook.project, [service]):
        bound: Sequence[EngineJson] = ()
    else:
        replica = running_replica(engine, playbook, service, index)
        bound = (replica.raw["NetworkSettings"].get("Ports") or {}).get(f"{target}/{protocol}") or ()
    for published in bound:
        host = str(published["HostIp"])
        return f"[{host}]:{published['HostPort']}" if ":" in host else f"{host}:{published['HostPort']}"
    raise ProvisionError(
        f"service.{service}[{index}] publishes no port {target}/{protocol}", hint="provision config shows its `ports`"
    )


def images(request: Request, services: Sequence[str]) -> list[UsedImage]:
    """The image of every container of the named services, or of all, by the name of the container."""
    playbook = load_with(request, services)
    engine = open_engine(request, playbook.engine)
    containers = owned_containers(engine, playbook.project, services)
    raws = {
        identity: engine.inspect("image", identity) or {}
        for identity in {str(container.raw["Image"]) for container in containers}
    }
    used_images = []
    for container in containers:
        raw = raws[str(container.raw["Image"])]
        named = str(container.raw["Config"].get("Image") or "").partition("@")[0]
        tags = [str(tag) for tag in raw.get("RepoTags") or ()]
        reference = named if any(tag in (named, f"{named}:latest") for tag in tags) else next(iter(tags), named)
        repository, _, tag = reference.rpartition(":") if ":" in reference.rpartition("/")[2] else (reference, "", "")
        platform = "/".join(str(raw[key]) for key in ("Os", "Architecture", "Variant") if raw.get(key))
        used_images.append(
            UsedImage(
                container.address, str(container.raw["Name"]).lstrip("/"), repository, tag or "latest",
                str(container.raw["Image"]), platform, int(raw.get("Size") or 0), str(raw.get("Created") or ""),
            )
        )  # fmt: skip
    return sorted(used_images, key=lambda image: image.container)


def volumes(request: Request, services: Sequence[str]) -> list[EngineJson]:
    """The volumes of the environment as the engine describes them, or those that the named services mount."""
    playbook = load_with(request, services)
    require_services(playbook, services)
    engine = open_engine(request, playbook.engine)
    owned = engine.list("volume", {PROJECT: playbook.project})
    declared = {volume.name for volume in playbook.volumes.values() if not volume.external}
    by_name = {str(raw["Name"]): raw for raw in owned if str(raw["Name"]) in declared or not _carries_files(raw)}
    if services:
        mounts = [
            m
            for container in owned_containers(engine, playbook.project, services)
            for m in container.raw.get("Mounts") or ()
        ]
        used = {str(mount.get("Name")) for mount in mounts if mount.get("Type") == "volume"}
        by_name = {name: raw for name, raw in by_name.items() if name in used}
    return [by_name[name] for name in sorted(by_name)]


def _carries_files(raw: EngineJson) -> bool:
    """Whether a volume is one of those that carry configs and secrets, which nobody declares."""
    return str((raw.get("Labels") or {}).get("provisioner.address", "")).startswith("files.")
