"""`backup`: one archive of an environment's dumps and volumes; and looking at, checking and pruning archives."""

from __future__ import annotations

import json
import time
from collections import deque
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from provisioner import __version__
from provisioner.app.adopted_names import names_of_adopted, with_names
from provisioner.app.backup_sources import find_sources
from provisioner.app.load import load_playbook
from provisioner.app.platform import choose_platform
from provisioner.app.wiring import SystemClock, open_engine
from provisioner.backup.archive import find_archive, list_archives
from provisioner.backup.place import open_place
from provisioner.backup.previous_data import require_settled
from provisioner.backup.retention import prunable, snapshots
from provisioner.backup.streams import read_identities
from provisioner.backup.volumes import held_volume, read_volume, recover
from provisioner.backup.writing import new_archive, now
from provisioner.errors import Interrupted, ProvisionError, Unreachable
from provisioner.ledger.adoptions import read_adoptions
from provisioner.ledger.lease import lease
from provisioner.ledger.revisions import last_revision, revisions
from provisioner.model.backup import Manifest, Part
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from provisioner.app.backup_sources import Sources
    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.backup.archive import Archive, Listed
    from provisioner.backup.place import Place
    from provisioner.backup.writing import ArchiveWriter
    from provisioner.ledger.lease import Lease
    from provisioner.model.address import Address
    from provisioner.model.playbook import Playbook
    from provisioner.ports import DataEngine, Interrupt

    OnPart = Callable[[Part], None]


@dataclass(frozen=True, slots=True)
class Saving:
    """An environment whose data are saved or restored, on its engine."""

    playbook: Playbook
    engine: DataEngine
    platform: Platform
    places: tuple[Place, ...]

    @property
    def project(self) -> str:
        return self.playbook.project


def open_saving(request: Request, *, places_needed: bool = True) -> Saving:
    """The playbook, variables without a value allowed, its engine and the places of its archives.

    What was adopted or moved has the name that it has on the engine. ProvisionError where the playbook names no place.
    """
    playbook = load_playbook(request, allow_unset=True)
    places = open_places(request, playbook) if places_needed or playbook.backup.to else ()
    engine = open_engine(request, playbook.engine)
    manager = engine.facts().swarm_manager
    _, adopted = read_adoptions(engine, playbook.project, manager=manager)
    playbook = with_names(playbook, names_of_adopted(adopted))
    return Saving(playbook, engine, choose_platform(playbook, engine), places)


def open_places(request: Request, playbook: Playbook) -> tuple[Place, ...]:
    """Where the playbook keeps its archives. ProvisionError where it does not say."""
    if not playbook.backup.to:
        raise ProvisionError(
            f"the playbook of {playbook.title} does not say where archives are kept",
            hint="backup: {to: ./backups}, or to: s3://BUCKET/PREFIX",
        )
    return tuple(open_place(url, request.shell) for url in playbook.backup.to)


def backup(
    request: Request,
    addresses: Sequence[Address],
    *,
    on_item: OnPart,
    interrupt: Interrupt,
    lock_timeout: float = 0.0,
    waiting: Callable[[str], None] | None = None,
) -> Manifest:
    """Save the environment's data, or those of some addresses, in one archive. No apply goes on meanwhile (LeaseHeld).

    `on_item` hears of each part when it is written. Where one part fails there is no archive.
    """
    saving = open_saving(request)
    clock = SystemClock()
    with lease(
        saving.engine, saving.project, saving.platform.mode, clock=clock, timeout=lock_timeout, waiting=waiting
    ) as held:
        try:
            return take_backup(saving, held, addresses, on_item=on_item, reason="backup", interrupt=interrupt)
        except KeyboardInterrupt:
            raise Interrupted("interrupted; there is no new archive") from None


def take_backup(
    saving: Saving, held: Lease, addresses: Sequence[Address], *, on_item: OnPart, reason: str, interrupt: Interrupt
) -> Manifest:
    """`backup` for who has the lease already. `reason` says in the archive why it was made."""
    recover(saving.engine, saving.project)
    require_settled(saving.engine, saving.project)
    sources = find_sources(saving.playbook, saving.engine, saving.platform, addresses)
    began, archive = now(), _free_name(saving)
    recipients = saving.playbook.backup.recipients
    with interrupt.deferred(), new_archive(saving.places, archive, recipients) as writer:
        parts = []
        for part in _write(saving, sources, writer, held, interrupt):
            on_item(part)
            parts.append(part)
        manifest = _manifest(saving, sources, archive, began, reason, parts)
        held.require_held()
        writer.finish(manifest)
    return manifest


def _write(
    saving: Saving, sources: Sources, writer: ArchiveWriter, held: Lease, interrupt: Interrupt
) -> Iterator[Part]:
    """Write the parts: the playbook, then dumps, while everything runs, then volumes one by one."""
    engine = saving.engine
    document = json.dumps(saving.playbook.root.plain(), indent=1, sort_keys=True, ensure_ascii=False)
    yield writer.playbook(document.encode())
    for dump in sources.dumps:
        held.require_held()
        words = deque[str]()
        output = engine.run_streamed(dump.container, dump.backup.command, words=words)
        address = f"service.{dump.service}"
        stream = _about(address, _until_asked(output, interrupt))
        yield writer.dump(address, stream, dump.image, dump.backup.replaces, words)
    for volume in sources.volumes:
        held.require_held()
        with (
            held_volume(engine, saving.project, volume.name, volume.writers, volume.consistency) as carrier,
            read_volume(engine, carrier) as files,
        ):
            part = writer.volume(f"volume.{volume.key}", volume.name, _until_asked(files, interrupt))
        yield part


def _until_asked(chunks: Iterator[bytes], interrupt: Interrupt) -> Iterator[bytes]:
    """The chunks, until the user wants an end: nothing of the archive is needed then."""
    for chunk in chunks:
        if interrupt.is_set():
            raise KeyboardInterrupt
        # An empty one only says that nothing came for a while.
        if chunk:
            yield chunk


def _about(address: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks; an error says which object it is of."""
    try:
        yield from chunks
    except ProvisionError as error:
        error.message = f"{address}: {error.message}"
        error.args = (error.message,)
        raise


def _free_name(saving: Saving) -> str:
    """A name that no archive has: the project and the time. The lease sees to it that nobody else takes it."""
    taken = {name for place in saving.places for name in place.archives()}
    while (name := f"{saving.project}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}") in taken:
        time.sleep(0.2)
    return name


def _manifest(
    saving: Saving, sources: Sources, archive: str, began: str, reason: str, parts: Sequence[Part]
) -> Manifest:
    facts = saving.engine.facts()
    last = last_revision(saving.engine, saving.project, manager=facts.swarm_manager)
    versions = (last.inputs.get("versions") or {}) if last else {}
    return Manifest(
        id=archive,
        project=saving.project,
        environment=saving.playbook.title,
        created_at=began,
        ended_at=now(),
        reason=reason,
        version=__version__,
        engine={"id": facts.engine_id, "name": facts.engine_name, "version": facts.engine_version},
        mode=saving.platform.mode,
        revision=last.number if last else 0,
        encrypted=bool(saving.playbook.backup.recipients),
        parts=tuple(parts),
        images=_images(saving, sources),
        secrets={key.partition("/")[2]: value for key, value in versions.items() if key.startswith("secrets/")},
    )


def _images(saving: Saving, sources: Sources) -> Mapping[str, Mapping[str, str]]:
    """Each service's image: its reference, its id, and the digest in a registry where it has one."""
    images: dict[str, Mapping[str, str]] = {}
    for container in sources.containers:
        if container.address.name in images:
            continue
        image = saving.engine.inspect("image", str(container.raw["Image"])) or {}
        images[container.address.name] = {
            "reference": str(container.raw["Config"].get("Image") or ""),
            "id": str(container.raw["Image"]),
            "digest": next(iter(image.get("RepoDigests") or ()), ""),
        }
    return images


@dataclass(frozen=True, slots=True)
class Inventory:
    """The archives of an environment, by place; `silent` are the errors of places that do not answer."""

    title: str
    places: tuple[tuple[str, Listed], ...]
    silent: tuple[tuple[str, Unreachable], ...] = ()


def list_backups(request: Request) -> Inventory:
    """Every archive of the environment, in the places that answer. No engine is asked."""
    playbook = load_playbook(request, allow_unset=True)
    places: list[tuple[str, Listed]] = []
    silent: list[tuple[str, Unreachable]] = []
    for place in open_places(request, playbook):
        try:
            places.append((place.url, list_archives(place, playbook.project)))
        except Unreachable as error:
            silent.append((place.url, error))
    return Inventory(playbook.title, tuple(places), tuple(silent))


def find_backup(request: Request, name: str) -> Archive:
    """An archive of the environment by its id, or `latest`."""
    playbook = load_playbook(request, allow_unset=True)
    return find_archive(open_places(request, playbook), playbook.project, name)


@dataclass(frozen=True, slots=True)
class Checked:
    """An archive that was read to its end in the places `whole`; those that do not have it are in `lacking`."""

    archive: Archive
    whole: tuple[str, ...]
    lacking: tuple[str, ...]


def check_backup(request: Request, name: str, identity: str | None, *, on_item: Callable[[str, Part], None]) -> Checked:
    """Read an archive to its end, in every place that has it; nothing is written. `on_item` hears of the place too.

    ProvisionError for what is damaged. Without the key of an encrypted archive only its checksums are looked at.
    """
    playbook = load_playbook(request, allow_unset=True)
    identities = read_identities(identity) if identity else None
    places = open_places(request, playbook)
    archive = find_archive(places, playbook.project, name)
    if archive.passed_over:
        raise ProvisionError(archive.passed_over[0], hint=f"the newest that can be read is {archive.id}")
    whole: list[str] = []
    lacking: list[str] = []
    for place in places:
        is_listed = archive.id in place.archives()
        (whole if is_listed else lacking).append(place.url)
        if is_listed:
            find_archive([place], playbook.project, archive.id).check(identities, partial(on_item, place.url))
    return Checked(archive, tuple(whole), tuple(lacking))


@dataclass(frozen=True, slots=True)
class Pruning:
    """What `keep` lets go, by place; `kept` counts the archives that stay. `damaged` says what is wrong with those that
    no rule counts and nothing removes."""

    title: str
    doomed: tuple[tuple[Place, Manifest], ...]
    kept: int
    damaged: tuple[str, ...] = ()


def plan_prune(request: Request) -> Pruning:
    """The archives that no rule of `keep` keeps. ProvisionError where the playbook has no rules."""
    playbook = load_playbook(request, allow_unset=True)
    if playbook.backup.keep.is_empty:
        raise ProvisionError(
            f"the playbook of {playbook.title} does not say which archives are kept, so that all of them stay",
            hint="backup: {keep: {last: 3, daily: 7, weekly: 4, monthly: 6}}",
        )
    listings = [(place, list_archives(place, playbook.project)) for place in open_places(request, playbook)]
    by_place = [(place, [archive.manifest for archive in listed.whole]) for place, listed in listings]
    taken = any(snapshots(manifests) for _, manifests in by_place)
    reachable = _kept_revisions(request, playbook) if taken else ()
    doomed = [
        (place, manifest)
        for place, manifests in by_place
        for manifest in prunable(manifests, playbook.backup.keep, reachable)
    ]
    kept = sum(len(manifests) for _, manifests in by_place) - len(doomed)
    damaged = tuple(f"{place.url}: {why}" for place, listed in listings for why in listed.damaged.values())
    return Pruning(playbook.title, tuple(doomed), kept, damaged)


def _kept_revisions(request: Request, playbook: Playbook) -> tuple[int, ...] | None:
    """The revisions that there is a way back to; None where the engine does not answer."""
    try:
        return tuple(revision.number for revision in revisions(open_engine(request, playbook.engine), playbook.project))
    except Unreachable:
        return None


def prune(pruning: Pruning, on_item: Callable[[Manifest], None]) -> None:
    """Remove them. One that is gone already is fine."""
    for place, manifest in pruning.doomed:
        if manifest.id in place.archives():
            place.remove(manifest.id)
            on_item(manifest)
