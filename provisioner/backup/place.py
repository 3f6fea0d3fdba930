"""Where archives are kept: one small protocol, and which place an address means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Writing(Protocol):
    """One file of an archive that is being written."""

    def write(self, data: bytes) -> object: ...

    def close(self) -> None:
        """Everything is written; it is safe from a power cut when this returns."""


class Draft(Protocol):
    """An archive that is being written. Nobody sees it before `finish`."""

    def open(self, name: str) -> Writing:
        """Begin the next file; the one before is closed."""

    def finish(self, manifest: bytes) -> None:
        """Make it an archive that is there, with its manifest, at once."""

    def abandon(self) -> None:
        """Leave nothing of it behind."""


class Place(Protocol):
    """Keeps archives by their ids. Raises ProvisionError, Unreachable, saying where and why."""

    @property
    def url(self) -> str: ...

    def archives(self) -> Sequence[str]:
        """The ids of the archives that are there, oldest first."""

    def sizes(self, archive: str) -> Mapping[str, int]:
        """The files of an archive with their sizes in bytes, -1 where that can not be told without reading them."""

    def read(self, archive: str, name: str) -> Iterator[bytes]:
        """A file of an archive."""

    def begin(self, archive: str) -> Draft:
        """A new archive of this id."""

    def remove(self, archive: str) -> None:
        """Remove an archive: first it is none any more, then its files go."""


def open_place(url: str, environment: Mapping[str, str]) -> Place:
    """The place at an address: s3://BUCKET/PREFIX, restic:REPOSITORY, or a folder.

    `environment` chooses S3's endpoint and profile, and has the passwords of restic.
    """
    if url.startswith("s3://"):
        from provisioner.backup.s3 import S3Place

        return S3Place(url, environment)
    if url.startswith("restic:"):
        from provisioner.backup.restic import ResticPlace

        return ResticPlace(url, environment)
    from provisioner.backup.folder import FolderPlace

    return FolderPlace(url)
