"""What a restore would do, before anything is touched: which data it replaces, which services stand still, what
forbids it."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Any

from provisioner.app.backup_sources import former_addresses, mounted_volumes, saved_addresses, start_order
from provisioner.app.moved import Moves
from provisioner.app.owned import tasks_elsewhere
from provisioner.backup.previous_data import KEPT, SUFFIX, first_entries, kept_data, read_record
from provisioner.backup.volumes import carrier_of, read_volume
from provisioner.kinds.ownership import PROJECT
from provisioner.kinds.tool_labels import TASK_OF
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from provisioner.app.backup import Saving
    from provisioner.app.platform import Platform
    from provisioner.backup.archive import Archive
    from provisioner.model.backup import Part
    from provisioner.model.edges import EngineJson, PlainDocument
    from provisioner.model.playbook import Playbook
    from provisioner.ports import DataEngine, EngineReader

_PLAIN_DRIVER = "local"


@dataclass(frozen=True, slots=True)
class Replaced:
    """A volume that a restore makes anew. `part` fills it; without one it is left empty for a dump.

    `size` (bytes, -1 for unknown) is what it holds now, `holds` whether that is anything. `supersedes`: what an earlier
    restore has kept of it is deleted for that.
    """

    key: str
    name: str
    part: Part | None
    holds: bool
    size: int = -1
    supersedes: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where data come from: an archive by its id, of an environment, made when (RFC 3339). `command` restores it.

    Of one that is still to be made `made_at` is empty.
    """

    name: str
    environment: str
    made_at: str
    command: str


def origin_of(archive: Archive) -> Origin:
    """An archive as what a restore is from."""
    manifest = archive.manifest
    command = f"provision restore {archive.id} --replace"
    return Origin(archive.id, manifest.environment, manifest.created_at, command)


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """`stopped` are the services that are taken away meanwhile, in this order; `dumps` the parts that are fed to their
    services, `masks` the services whose data are masked then. Where there are `refusals` nothing is done.

    `resumed`: a restore that was killed is gone on with. `unmasked` are the services whose mask is not run, though the
    data are those of another environment. `again` are the jobs that run again on the data that come, `once_again` those
    of them that say `run: once`: their containers have a volume that is made anew. `beyond_masks` are the volumes and
    dumps that no service with a mask has: where there are `masks` these come as they are.
    """

    title: str
    origin: Origin
    volumes: tuple[Replaced, ...]
    dumps: tuple[Part, ...]
    stopped: tuple[str, ...]
    refusals: tuple[Problem, ...]
    resumed: bool = False
    masks: tuple[str, ...] = ()
    unmasked: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    once_again: tuple[str, ...] = ()
    beyond_masks: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """What finishes it where it is killed."""
        return self.origin.command


def plan_restore(
    saving: Saving,
    origin: Origin,
    parts: Sequence[Part],
    addresses: Sequence[Address] = (),
    *,
    replace: bool,
    prune: bool = False,
    masks: tuple[str, ...] = (),
    applied: Iterable[PlainDocument] = (),
) -> RestorePlan:
    """Compare the parts of an archive with what is there now, by who has the lease. `replace` permits to replace data,
    `prune` to delete what an earlier restore has kept of them.

    Where there are `masks`, all services stand still. `applied` are documents whose moves are gone back from.
    """
    playbook, engine = saving.playbook, saving.engine
    refusals: list[Problem] = []
    former = _moves(playbook, parts, applied)
    parts = tuple(replaced(part, address=former.get(part.address, part.address)) for part in parts)
    chosen = _chosen(parts, [former.get(str(address), str(address)) for address in addresses], refusals)
    record = read_record(engine, saving.project)
    sizes = engine.volume_sizes()
    kept = record.kept if record else ()
    # What a killed restore was copying is nothing of an earlier one.
    copied = {copy.name for copy in kept_data(engine, saving.project) if record and record.made(copy)}
    dumps = tuple(part for part in chosen if part.kind == "dump" and _has_restore(playbook, part, parts, refusals))
    wanted: dict[str, Part | None] = {}
    for part in chosen:
        if part.kind == "volume" and _is_declared(playbook, part, parts, refusals):
            wanted[part.address.partition(".")[2]] = part
    for dump in dumps:
        service = playbook.services[dump.address.partition(".")[2]]
        wanted |= {key: None for key in (service.backup.replaces if service.backup else ()) if key not in wanted}
    volumes = []
    for key, wanted_part in wanted.items():
        name = playbook.volumes[key].name
        raw = engine.inspect("volume", name)
        # What a killed restore has put into an empty volume is nobody's data.
        new = record is not None and name in record.emptied
        holds = name in kept or (not new and raw is not None and holds_data(engine, saving.project, name))
        previous = engine.inspect("volume", name + SUFFIX) if holds else None
        earlier = previous is not None and name + SUFFIX not in copied
        volumes.append(Replaced(key, name, wanted_part, holds, sizes.get(name, -1), earlier))
        refusals += _volume_problems(engine, saving.project, volumes[-1], raw, replace=replace)
        if raw is None and (moving := former_addresses(playbook, engine, Address("volume", key))):
            text = f"volume.{key} is not there yet: its data are those of {moving[0]}, which the file moves"
            refusals.append(Problem(text, hint="`provision apply` makes the move; then restore"))
        refusals += _kept_problems(saving.project, volumes[-1], previous if earlier else None, prune=prune)
    if record is not None and (
        left := set(record.volumes if record.replacing else ()) - {volume.name for volume in volumes}
    ):
        text = f"a restore did not come to its end, and this one does not replace {', '.join(sorted(left))}"
        refusals.append(Problem(text, hint=record.problem().hint))
    order = tuple(reversed(start_order(playbook)))
    stopped = order if masks else _stopped(playbook, {volume.key for volume in volumes}, dumps)
    for name, tasks in tasks_elsewhere(engine, saving.project, stopped).items() if stopped else ():
        text = f"service.{name} runs on {tasks[0].host}, and this engine fills its own volumes only"
        refusals.append(Problem(text, None, "", "bind the service to this node (deploy.placement.constraints)"))
    resumed = record is not None
    own = bool(masks) or origin.environment == playbook.title
    unmasked = (
        ()
        if own
        else tuple(name for name, service in playbook.services.items() if service.backup and service.backup.mask)
    )
    again = _jobs_again(playbook, saving.platform, stopped, {volume.key for volume in volumes})
    return RestorePlan(
        playbook.title, origin, tuple(volumes), dumps, stopped, tuple(refusals), resumed, masks, unmasked, again,
        tuple(name for name in again if playbook.services[name].job == "once"),
        _beyond_masks(playbook, masks, [volume.key for volume in volumes], dumps) if masks else (),
    )  # fmt: skip


def _beyond_masks(
    playbook: Playbook, masks: Sequence[str], volumes: Sequence[str], dumps: Sequence[Part]
) -> tuple[str, ...]:
    """The volumes that no masked service mounts, and the dumps of others."""
    reached = {key for name in masks for key in mounted_volumes(playbook, name)}
    fed = [part.address for part in dumps if part.address.partition(".")[2] not in masks]
    return (*fed, *(f"volume.{key}" for key in volumes if key not in reached))


def holds_data(engine: DataEngine, project: str, volume: str) -> bool:
    """Whether there is anything in a volume."""
    with carrier_of(engine, project, volume) as carrier, read_volume(engine, carrier) as files:
        return first_entries(files)


def foreign_users(engine: EngineReader, project: str, volume: str) -> list[str]:
    """The names of the containers that have a volume and are not this environment's."""
    return [
        str((container.get("Names") or ["?"])[0]).lstrip("/")
        for container in engine.containers()
        if mounts_volume(container, volume) and not is_ours(container, project)
    ]


def mounts_volume(listed: Mapping[str, Any], volume: str) -> bool:
    """Whether a container, as the engine lists it, has a volume."""
    return any(mount.get("Type") == "volume" and mount.get("Name") == volume for mount in listed.get("Mounts") or ())


def is_ours(listed: Mapping[str, Any], project: str) -> bool:
    """Whether a container, as the engine lists it, is of this environment."""
    labels = listed.get("Labels") or {}
    return labels.get(PROJECT) == project or any(
        str(name).lstrip("/").startswith(f"{project}_") and TASK_OF in labels for name in listed.get("Names") or ()
    )


def _moves(playbook: Playbook, parts: Sequence[Part], applied: Iterable[PlainDocument]) -> dict[str, str]:
    """Where the parts of an archive belong by `moved`, by their addresses there; `applied` are documents to go back
    from."""
    moves = Moves(playbook, applied)
    addresses = {part.address for part in parts}
    parsed = (Address.parse(address) for address in addresses if not _declares(playbook, address))
    others = [address for address in parsed if address is not None]
    declared = [Address("service", name) for name in playbook.services]
    declared += [Address("volume", key) for key in playbook.volumes]
    origins = {}
    for address in declared:
        origin = moves.origin(address, others) if str(address) not in addresses else None
        if origin is not None:
            origins[str(origin)] = str(address)
    return origins


def _declares(playbook: Playbook, address: str) -> bool:
    kind, _, name = address.partition(".")
    return name in (playbook.services if kind == "service" else playbook.volumes)


def _renamed(playbook: Playbook, part: Part, parts: Sequence[Part]) -> str:
    """How a part comes to what it is called now, where it is not declared any more."""
    kind, addresses = part.address.partition(".")[0], {other.address for other in parts}
    new = [
        address for address in saved_addresses(playbook) if address.startswith(f"{kind}.") and address not in addresses
    ]
    move = f"`moved: [{{from: {part.address}, to: {new[0] if new else f'{kind}.NAME'}}}]`"
    return f"if it is called otherwise now, say so: {move}; or name the addresses that are to be restored"


def _chosen(saved: Sequence[Part], wanted: Collection[str], refusals: list[Problem]) -> tuple[Part, ...]:
    parts = [part for part in saved if part.kind != "playbook"]
    wanted = set(wanted)
    for address in sorted(wanted - {part.address for part in parts}):
        hint = f"there are: {', '.join(part.address for part in parts)}"
        refusals.append(Problem(f"{address} is not in the archive", None, "", hint))
    return tuple(part for part in parts if not wanted or part.address in wanted)


def _has_restore(playbook: Playbook, part: Part, parts: Sequence[Part], refusals: list[Problem]) -> bool:
    name = part.address.partition(".")[2]
    service = playbook.services.get(name)
    if service is None or service.backup is None or not service.backup.restore:
        what = "is no service of this playbook" if service is None else "has no `backup.restore`"
        hint = "say what reads the dump: backup: {restore: [pg_restore, …]}, or name the other addresses"
        if service is None:
            hint = _renamed(playbook, part, parts)
        span = service.backup.span if service is not None and service.backup is not None else None
        refusals.append(
            Problem(f"the dump of {part.address} can not be restored: {part.address} {what}", span, "", hint)
        )
        return False
    return True


def _is_declared(playbook: Playbook, part: Part, parts: Sequence[Part], refusals: list[Problem]) -> bool:
    if _declares(playbook, part.address):
        return True
    hint = f"declare it; {_renamed(playbook, part, parts)}"
    refusals.append(Problem(f"{part.address} is not declared in this playbook", None, "", hint))
    return False


def _volume_problems(
    engine: EngineReader, project: str, volume: Replaced, raw: EngineJson | None, *, replace: bool
) -> list[Problem]:
    address = f"volume.{volume.key}"
    problems = []
    if volume.holds and not replace:
        hint = f"--replace replaces them; they are kept in {volume.name}{SUFFIX}"
        problems.append(Problem(f"{address} holds data", None, "", hint))
    others = foreign_users(engine, project, volume.name)
    if others:
        hint = "stop and remove them, or restore the other addresses"
        text = f"{address} is used by containers that are not this environment's: {', '.join(others)}"
        problems.append(Problem(text, None, "", hint))
    if raw is not None and (raw.get("Driver") != _PLAIN_DRIVER or raw.get("Options")):
        text = f"{address} is not a plain volume of this engine, and can not be made anew without its data"
        problems.append(Problem(text, None, "", "restore into another environment, and copy the data by hand"))
    return problems


def _kept_problems(project: str, volume: Replaced, previous: Mapping[str, Any] | None, *, prune: bool) -> list[Problem]:
    """What forbids to keep a volume's data beside: what is `aside` already can be had from nowhere else."""
    if previous is None:
        return []
    name = volume.name + SUFFIX
    if (previous.get("Labels") or {}).get(KEPT) != project:
        return [
            Problem(
                f"the volume {name} stands in the way, and is not ours",
                hint=f"it is left as it is: find out whose it is, and copy what is in {volume.name} by hand",
            )
        ]
    if prune:
        return []
    text = f"{name} has what volume.{volume.key} held before an earlier restore, which would be lost"
    hint = (
        "look at it first: `provision restore --undo` puts it back in the place of what is there now; "
        "--prune of restore and clone gives it up"
    )
    return [Problem(text, None, "", hint)]


def _jobs_again(playbook: Playbook, platform: Platform, stopped: Sequence[str], volumes: set[str]) -> tuple[str, ...]:
    """The jobs that an apply runs after the restore. One that says `run: once` does where its container has to go: no
    volume is made anew while a container has it, and what ran is known from the container only. A Swarm's stays."""
    jobs = []
    for name in reversed(stopped):
        once = playbook.services[name].job == "once"
        if playbook.services[name].job and not (
            once and (platform.keeps_running or not mounted_volumes(playbook, name) & volumes)
        ):
            jobs.append(name)
    return tuple(jobs)


def _stopped(playbook: Playbook, volumes: set[str], dumps: Sequence[Part]) -> tuple[str, ...]:
    """The services that have one of these volumes or are fed a dump, and those that depend on them; dependents first.

    A job that ran is left as it is, unless it has one of the volumes.
    """
    order = start_order(playbook)
    down = {name for name in order if mounted_volumes(playbook, name) & volumes}
    down |= {part.address.partition(".")[2] for part in dumps}
    for name in order:
        service = playbook.services[name]
        if service.job != "once" and any(dependency.service in down for dependency in service.depends_on):
            down.add(name)
    return tuple(name for name in reversed(order) if name in down)
