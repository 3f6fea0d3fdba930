"""Archives that are there: found by name, read part by part, looked through to the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.backup.manifest import FILE, read_manifest
from provisioner.backup.streams import ANOTHER, Damaged, checked, restored
from provisioner.backup.tar_check import TarCheck
from provisioner.errors import ProvisionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provisioner.backup.place import Place
    from provisioner.model.backup import Manifest, Part

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive in a place. Its manifest was whole when it was read."""

    place: Place
    manifest: Manifest

    @property
    def id(self) -> str:
        return self.manifest.id

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

    def check(self, identities: Sequence[str] | None, told: Callable[[Part], None]) -> None:
        """Read every part to its end; nothing is written. Without keys an encrypted one is held to its checksum only.

        ProvisionError for the first that is damaged.
        """
        for part in self.manifest.parts:
            if self.manifest.encrypted and identities is None:
                stream = checked(self.place.read(self.id, part.file), part.size, part.sha256, f"{self.id}/{part.file}")
            else:
                stream = self.content(part, identities)
                if part.kind == "volume":
                    stream = TarCheck(f"{self.id}/{part.file}").watch(stream)
            for _ in stream:
                pass
            told(part)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a place has: whole archives, oldest first, and what is wrong with the others, by id."""

    archives: tuple[Archive, ...]
    damaged: dict[str, str]


def list_archives(place: Place, project: str) -> Listed:
    """The archives of an environment in a place. What can not be read is listed as damaged."""
    archives, damaged = [], {}
    for name in place.archives():
        try:
            manifest = read_manifest(b"".join(place.read(name, FILE)), name)
        except ProvisionError as error:
            # Whose it is can only be told from its name.
            if name.startswith(f"{project}-"):
                damaged[name] = error.message
            continue
        if manifest.project == project:
            archives.append(Archive(place, manifest))
    return Listed(tuple(sorted(archives, key=lambda one: (one.manifest.created_at, one.id))), damaged)


def find_archive(places: Sequence[Place], project: str, name: str) -> Archive:
    """The archive of this id, or the newest one (`latest`), in the first place that has it.

    UsageError for an id that no place has, ProvisionError where there is no archive at all, or it is damaged.
    """
    for place in places:
        if name == LATEST:
            listed = list_archives(place, project)
            if listed.archives:
                return listed.archives[-1]
        elif name in place.archives():
            return Archive(place, read_manifest(b"".join(place.read(name, FILE)), name))
    where = ", ".join(place.url for place in places)
    if name == LATEST:
        raise ProvisionError(f"there is no archive of {project} in {where}", hint="provision backup makes one")
    raise UsageError(f"there is no archive {name} in {where}", hint="provision backup list shows what is there")
