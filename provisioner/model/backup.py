"""What a playbook says of its data's backups, and what an archive holds."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.span import Span

Consistency = Literal["pause", "stop", "none"]
Risk = Literal["major_image", "data_loss", "migration"]
RISKS: tuple[Risk, ...] = ("major_image", "data_loss", "migration")


@dataclass(frozen=True, slots=True)
class ServiceBackup:
    """How a service's data become one stream: `command` writes it, `restore` reads it, both in a running container.

    `mask` makes the data of a clone harmless, before anybody can reach them. One with a `mask` only is not dumped.

    `replaces` are the keys of the volumes that the dump stands for; they are not archived as files. `span` is where it
    stands in the file.
    """

    command: tuple[str, ...]
    restore: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    span: Span | None = None
    mask: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeBackup:
    """Whether a volume is archived, and what happens to the containers that write to it meanwhile."""

    enabled: bool = True
    consistency: Consistency = "pause"


@dataclass(frozen=True, slots=True)
class Keep:
    """How many archives are kept: the `last` ones, and the newest of each of so many days, ISO weeks and months."""

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said, so that nothing is ever deleted."""
        return not (self.last or self.daily or self.weekly or self.monthly)


@dataclass(frozen=True, slots=True)
class BackupPolicy:
    """The environment's `backup`. `to` are folders (absolute) and s3://BUCKET/PREFIX addresses.

    `recipients` are public age keys; without any an archive is not encrypted. `before` are the kinds of changes that a
    snapshot is taken before.
    """

    to: tuple[str, ...] = ()
    keep: Keep = field(default_factory=Keep)
    recipients: tuple[str, ...] = ()
    before: tuple[Risk, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One stream of an archive.

    `file` is its name there; `size` (bytes) and `sha256` are of the file as it is kept, `content_size` and
    `content_sha256` of what was read, before compression and encryption. `name` is the volume's on the engine.
    `entries` counts the files and folders of a volume without the volume's own, `changed` is the time of the last
    change in it (Unix seconds). `image` is what a dump's container was made from. Times are RFC 3339 in UTC.
    """

    kind: Literal["volume", "dump", "playbook"]
    address: str
    file: str
    size: int
    sha256: str
    content_size: int
    content_sha256: str
    started_at: str
    ended_at: str
    name: str = ""
    image: str = ""
    replaces: tuple[str, ...] = ()
    entries: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself: `id` is its name, `project` whose it is, `revision` what was applied (or 0).

    `images` are the services' images by reference and id, `secrets` the versions that were applied (keyed fingerprints,
    never values). `reason` says why it was made.
    """

    id: str
    project: str
    environment: str
    created_at: str
    ended_at: str
    reason: str
    version: str
    engine: Mapping[str, str]
    mode: str
    revision: int
    encrypted: bool
    parts: tuple[Part, ...]
    images: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of all parts as they are kept."""
        return sum(part.size for part in self.parts)
