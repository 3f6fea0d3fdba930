"""What of an environment is saved: which services are dumped, which volumes are archived, who writes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.owned import owned_containers, tasks_elsewhere
from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, UsageError
from provisioner.kinds.ownership import ADDRESS, PROJECT
from provisioner.model.address import Address
from provisioner.model.backup import VolumeBackup
from provisioner.model.dataclass import dataclass
from provisioner.reconcile.order import needs_first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from provisioner.app.owned import OwnedContainer
    from provisioner.app.platform import Platform
    from provisioner.model.backup import Consistency, ServiceBackup
    from provisioner.model.edges import EngineJson
    from provisioner.model.playbook import Playbook
    from provisioner.ports import EngineReader

_DEFAULT = VolumeBackup()


@dataclass(frozen=True, slots=True)
class Dump:
    """A service that is dumped; `container` runs its command, `image` is what that one was made from."""

    service: str
    backup: ServiceBackup
    container: str
    image: str


@dataclass(frozen=True, slots=True)
class SavedVolume:
    """A volume that is archived as files. `writers` are the running containers that may write to it, those that others
    depend on last."""

    key: str
    name: str
    consistency: Consistency
    writers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that one archive is made from. `containers` are the environment's, for their images."""

    dumps: tuple[Dump, ...]
    volumes: tuple[SavedVolume, ...]
    containers: tuple[OwnedContainer, ...]


def find_sources(playbook: Playbook, engine: EngineReader, platform: Platform, addresses: Sequence[Address]) -> Sources:
    """What is to be saved, of the whole environment or of these addresses.

    UsageError for an address that has nothing to save, ProvisionError for a service that does not run here, and for a
    volume that this engine can not read.
    """
    wanted = _chosen_addresses(playbook, addresses)
    containers = tuple(owned_containers(engine, playbook.project))
    away = {
        name: sorted({task.host for task in tasks}) for name, tasks in tasks_elsewhere(engine, playbook.project).items()
    }
    dumps = tuple(
        _dump(playbook, name, service.backup, containers, away)
        for name, service in playbook.services.items()
        if service.backup is not None and f"service.{name}" in wanted
    )
    chosen = [key for key in playbook.volumes if f"volume.{key}" in wanted]
    _require_there(playbook, engine, chosen)
    volumes = tuple(_volume(playbook, key, containers, away, platform) for key in chosen)
    if not dumps and not volumes:
        raise ProvisionError(
            f"{playbook.title} has no data to back up: no service has `backup`, and no volume is archived",
            hint="declare a volume, or say how to dump a service: backup: {command: [pg_dump, …]}",
        )
    return Sources(dumps, tuple(volume for volume in volumes if volume is not None), containers)


def saved_addresses(playbook: Playbook) -> tuple[str, ...]:
    """The addresses that a backup of the whole environment saves: dumps, then volumes, in the order of the file."""
    replaced = {key for service in playbook.services.values() if service.backup for key in service.backup.replaces}
    services = [
        f"service.{name}" for name, service in playbook.services.items() if service.backup and service.backup.command
    ]
    volumes = []
    for key, declared in playbook.volumes.items():
        # Somebody else's data is saved only where the file says so.
        said = declared.backup or (VolumeBackup(enabled=False) if declared.external else _DEFAULT)
        if said.enabled and key not in replaced:
            volumes.append(f"volume.{key}")
    return (*services, *volumes)


def users_of(volume: str, containers: Collection[OwnedContainer], *, writing: bool = False) -> list[OwnedContainer]:
    """The containers that mount a volume (its name on the engine), or only those that may write to it."""
    return [container for container in containers if _mounts(container.raw, volume, writing=writing)]


def _chosen_addresses(playbook: Playbook, addresses: Sequence[Address]) -> frozenset[str]:
    known = saved_addresses(playbook)
    if not addresses:
        return frozenset(known)
    for address in addresses:
        if str(address) not in known:
            hint = nearest(str(address), known) or f"there are: {', '.join(known) or 'none'}"
            raise UsageError(f"{address} has nothing that is backed up", hint=hint)
    return frozenset(str(address) for address in addresses)


def _require_there(playbook: Playbook, engine: EngineReader, keys: Sequence[str]) -> None:
    """ProvisionError for a volume that is not there: perhaps its data are in one that the file calls otherwise."""
    for key in keys:
        name = playbook.volumes[key].name
        if engine.inspect("volume", name) is None:
            existing = _volumes_there(playbook, engine)
            hint = _moved_hint(playbook, Address("volume", key), existing) or "provision apply makes it, empty"
            raise ProvisionError(f"volume.{key} is not there: the engine has no volume {name}", hint=hint)


def former_addresses(playbook: Playbook, engine: EngineReader, volume: Address) -> list[Address]:
    """The address at which a volume is there, where the playbook says that it is moved, and no apply has moved it."""
    existing = _volumes_there(playbook, engine)
    return [move.source for move in playbook.moved if move.target == volume and move.source in existing]


def _volumes_there(playbook: Playbook, engine: EngineReader) -> list[Address]:
    marks = [raw.get("Labels") or {} for raw in engine.list("volume", {PROJECT: playbook.project})]
    return [address for mark in marks if (address := Address.parse(mark.get(ADDRESS) or "")) is not None]


def _moved_hint(playbook: Playbook, wanted: Address, existing: Iterable[Address]) -> str:
    """What to do where an object is perhaps there under an address that the playbook does not declare any more."""
    moves = {move.source for move in playbook.moved if move.target == wanted}
    declared = playbook.services if wanted.kind == "service" else playbook.volumes
    former = sorted(
        {address.whole for address in existing if address.kind == wanted.kind and address.name not in declared}
    )
    if made := [address for address in former if address in moves]:
        return f"{made[0]} is there, and `provision apply` makes the move that the file declares"
    if not former:
        return ""
    move = f"moved: [{{from: {former[0]}, to: {wanted}}}]"
    return f"{', '.join(map(str, former))} is there and not declared: if it is that, `{move}` and `provision apply`"


def _dump(
    playbook: Playbook,
    name: str,
    backup: ServiceBackup,
    containers: Sequence[OwnedContainer],
    away: Mapping[str, Sequence[str]],
) -> Dump:
    for container in containers:
        if container.address.name == name and container.running:
            return Dump(name, backup, container.id, str(container.raw["Image"]))
    if name in away:
        raise ProvisionError(
            f"service.{name} runs on {', '.join(away[name])}, where this engine can not run its backup command",
            hint="run the backup with --host on that node, or bind the service to this one",
        )
    hint = (
        _moved_hint(playbook, Address("service", name), [container.address for container in containers])
        or "provision apply"
    )
    raise ProvisionError(f"service.{name} does not run, so that nothing can dump its data", hint=hint)


def _volume(
    playbook: Playbook,
    key: str,
    containers: Sequence[OwnedContainer],
    away: Mapping[str, Sequence[str]],
    platform: Platform,
) -> SavedVolume:
    declared = playbook.volumes[key]
    consistency = (declared.backup or _DEFAULT).consistency
    writers = [container for container in users_of(declared.name, containers, writing=True) if container.running]
    for name in sorted({name for name in away if key in mounted_volumes(playbook, name)}):
        raise ProvisionError(
            f"volume.{key} is used by service.{name} on {', '.join(away[name])}, and this engine reads its own volumes "
            "only",
            hint="bind the service to this node (deploy.placement.constraints), or dump its data with a command",
        )
    if consistency == "stop" and platform.keeps_running and writers:
        raise ProvisionError(
            f"volume.{key}: `consistency: stop` is for plain containers: a Swarm starts a task anew as soon as it is "
            "stopped",
            hint="consistency: pause, or a dump with a command",
        )
    order = start_order(playbook)
    writers.sort(key=lambda container: -order.index(container.address.name) if container.address.name in order else 0)
    return SavedVolume(key, declared.name, consistency, tuple(writer.id for writer in writers))


def mounted_volumes(playbook: Playbook, service: str) -> frozenset[str]:
    """The keys of the named volumes that a service mounts."""
    mounts = playbook.services[service].body.get("volumes") if service in playbook.services else None
    return frozenset(
        str(source.value)
        for mount in (mounts.items if mounts is not None else ())
        if (source := mount.get("source")) is not None and source.value in playbook.volumes
    )


def start_order(playbook: Playbook) -> list[str]:
    """The services in the order of the file, but for those that others depend on, which come before these."""
    services = playbook.services
    return needs_first(services, lambda name: [needed.service for needed in services[name].depends_on])


def _mounts(raw: EngineJson, volume: str, *, writing: bool) -> bool:
    return any(
        mount.get("Type") == "volume" and mount.get("Name") == volume and (mount.get("RW") or not writing)
        for mount in raw.get("Mounts") or ()
    )
