"""Archives that are there: found by name, read part by part, looked through to the end."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.backup.manifest import FILE, read_manifest
from provisioner.backup.streams import ANOTHER, Damaged, checked, restored
from provisioner.backup.tar_check import TarCheck
from provisioner.errors import ProvisionError, Unreachable, UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provisioner.backup.place import Place
    from provisioner.model.backup import Manifest, Part

LATEST = "latest"
_MOMENT = re.compile(r"[0-9]{8}T[0-9]{6}Z")


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive in a place. Its manifest was whole when it was read.

    `passed_over` says what is wrong with newer ones, where this is the latest that can be read; `unseen` which places
    did not answer, and which copy of it is not taken.
    """

    place: Place
    manifest: Manifest
    passed_over: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def notes(self) -> tuple[str, ...]:
        """What who asked for the latest archive is to know of newer ones."""
        newer = tuple(f"a newer archive can not be used: {why}; this is {self.id}" for why in self.passed_over)
        return (*self.unseen, *newer)

    def flaw(self) -> str:
        """What the names and sizes of its files show to be wrong; empty where nothing is."""
        sizes = self.place.sizes(self.id)
        for part in self.manifest.parts:
            size = sizes.get(part.file)
            if size is None:
                return f"{self.id} is damaged: it has no {part.file}"
            if size not in (-1, part.size):
                return f"{self.id} is damaged: {part.file} has {size} bytes, and {part.size} were written"
        return ""

    def content(self, part: Part, identities: Sequence[str] | None) -> Iterator[bytes]:
        """What a part was made from: a tar archive, or a dump as its command wrote it.

        ProvisionError, at the latest at the end, where it is torn or not what was written.
        """
        kept = checked(self.place.read(self.id, part.file), part.size, part.sha256, f"{self.id}/{part.file}")
        keys = identities if self.manifest.encrypted else None
        plain = restored(kept, compressed=part.kind == "volume", identities=keys)
        try:
            yield from checked(plain, part.content_size, part.content_sha256, f"{self.id}/{part.file}")
        except Damaged as error:
            if error.hint:
                raise
            raise Damaged(f"{self.id}/{part.file} is damaged: {error.message}", hint=ANOTHER) from error

    def check(self, identities: Sequence[str] | None, on_item: Callable[[Part], None]) -> None:
        """Read every part to its end; nothing is written. Without keys an encrypted one is held to its checksum only.

        Damaged for the first that is damaged; for what is not there or has another size before anything is read.
        """
        if flaw := self.flaw():
            raise Damaged(f"{flaw}, in {self.place.url}", hint=ANOTHER)
        for part in self.manifest.parts:
            if self.manifest.encrypted and identities is None:
                stream = checked(self.place.read(self.id, part.file), part.size, part.sha256, f"{self.id}/{part.file}")
            else:
                stream = self.content(part, identities)
                if part.kind == "volume":
                    stream = TarCheck(f"{self.id}/{part.file}").watch(stream)
            for _ in stream:
                pass
            on_item(part)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a place has: archives with a whole manifest, oldest first, and what is wrong with damaged ones, by id."""

    archives: tuple[Archive, ...]
    damaged: dict[str, str]

    @property
    def whole(self) -> tuple[Archive, ...]:
        """The archives of which nothing is known to be damaged."""
        return tuple(archive for archive in self.archives if archive.id not in self.damaged)

    @property
    def unreadable(self) -> dict[str, str]:
        """What is wrong with those that can not be read at all, by id."""
        readable = {archive.id for archive in self.archives}
        return {identity: why for identity, why in self.damaged.items() if identity not in readable}


def list_archives(place: Place, project: str) -> Listed:
    """The archives of an environment in a place. Damaged is what can not be read, lacks a part, or has one of another
    size; no part is read."""
    archives: list[Archive] = []
    damaged: dict[str, str] = {}
    for name in place.archives():
        try:
            manifest = read_manifest(b"".join(place.read(name, FILE)), name)
        except ProvisionError as error:
            # Whose it is can only be told from its name.
            if _is_of(name, project):
                damaged[name] = error.message
            continue
        if manifest.project == project:
            archives.append(Archive(place, manifest))
            if flaw := archives[-1].flaw():
                damaged[name] = flaw
    return Listed(tuple(sorted(archives, key=_made)), damaged)


def _made(archive: Archive) -> tuple[str, str]:
    return archive.manifest.created_at, archive.id


def find_archive(places: Sequence[Place], project: str, name: str) -> Archive:
    """The archive of this id, or of all places the newest one whose manifest is whole (`latest`); in the first place
    that has it, but for one in which it is seen to be damaged.

    UsageError for an id that no place has, ProvisionError where there is no archive at all, or it is damaged,
    Unreachable where none has it that answers, and one does not.
    """
    best: Archive | None = None
    unreadable: dict[str, str] = {}
    silent: list[Unreachable] = []
    for place in places:
        try:
            if name != LATEST:
                best = best or _of_id(place, name)
            elif best is None or any(archive > best.id and _is_of(archive, project) for archive in place.archives()):
                listed = list_archives(place, project)
                unreadable |= listed.unreadable
                best = max((*((best,) if best else ()), *listed.archives), key=_made, default=None)
        except Unreachable as error:
            silent.append(error)
    if best is not None:
        newer = tuple(unreadable[identity] for identity in sorted(unreadable, reverse=True) if identity > best.id)
        unseen = tuple(f"{error.message}, and was not looked through" for error in silent)
        return _whole(replace(best, passed_over=newer, unseen=unseen), places)
    if silent:
        raise silent[0]
    where = ", ".join(place.url for place in places)
    if unreadable:
        why = "; ".join(unreadable[identity] for identity in sorted(unreadable, reverse=True))
        raise ProvisionError(f"there is no archive of {project} in {where} that can be used: {why}")
    if name == LATEST:
        raise ProvisionError(f"there is no archive of {project} in {where}", hint="provision backup makes one")
    raise UsageError(f"there is no archive {name} in {where}", hint="provision backup list shows what is there")


def _of_id(place: Place, name: str) -> Archive | None:
    if name not in place.archives():
        return None
    return Archive(place, read_manifest(b"".join(place.read(name, FILE)), name))


def _whole(archive: Archive, places: Sequence[Place]) -> Archive:
    """The archive, or where names and sizes of its files show a damage, a copy in another place that shows none."""
    if len(places) == 1 or not (flaw := archive.flaw()):
        return archive
    for place in places:
        with contextlib.suppress(ProvisionError):
            copy = _of_id(place, archive.id) if place is not archive.place else None
            if copy is not None and copy.manifest == archive.manifest and not copy.flaw():
                warning = f"{flaw}, in {archive.place.url}; the copy in {place.url} is taken"
                return replace(archive, place=place, unseen=(*archive.unseen, warning))
    return archive


def _is_of(name: str, project: str) -> bool:
    """Whether an archive whose manifest can not be read is of an environment."""
    before, _, moment = name.rpartition("-")
    return before == project if _MOMENT.fullmatch(moment) else name.startswith(f"{project}-")
