"""Write one archive to every place at once, part by part; it is there everywhere, or nowhere."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.backup.dump_check import DumpCheck
from provisioner.backup.manifest import write_manifest
from provisioner.backup.streams import store
from provisioner.backup.tar_check import TarCheck
from provisioner.model.backup import Part
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provisioner.backup.place import Draft, Place, Writing
    from provisioner.model.backup import Manifest


@dataclass(frozen=True, slots=True)
class ArchiveWriter:
    """The drafts of one archive in all its places."""

    drafts: tuple[Draft, ...]
    recipients: tuple[str, ...]

    def volume(self, address: str, name: str, chunks: Iterable[bytes]) -> Part:
        """Archive a volume from its tar stream."""
        check = TarCheck(address)
        part = self._store("volume", address, f"{address}.tar.zst", check.watch(chunks), name=name)
        return replace(part, entries=check.entries, changed=check.changed)

    def dump(
        self, address: str, chunks: Iterable[bytes], image: str, replaces: Sequence[str], words: Sequence[str] = ()
    ) -> Part:
        """Keep a dump as it comes. StepFailed, with the last `words` of its command, where there is nothing in it."""
        part = self._store("dump", address, f"{address}.dump", DumpCheck(address, words).watch(chunks))
        return replace(part, image=image, replaces=tuple(replaces))

    def playbook(self, document: bytes) -> Part:
        """Keep the canonical playbook."""
        return self._store("playbook", "playbook", "playbook.json", [document])

    def finish(self, manifest: Manifest) -> None:
        """The archive is there from now on."""
        content = write_manifest(manifest)
        for draft in self.drafts:
            draft.finish(content)

    def _store(self, kind: str, address: str, file: str, chunks: Iterable[bytes], name: str = "") -> Part:
        began = now()
        file += ".age" if self.recipients else ""
        sinks = tuple(draft.open(file) for draft in self.drafts)
        stored = store(chunks, _Everywhere(sinks), compress=kind == "volume", recipients=self.recipients)
        for sink in sinks:
            sink.close()
        return Part(
            kind=kind, address=address, file=file, size=stored.size, sha256=stored.sha256,  # type: ignore[arg-type]
            content_size=stored.content_size, content_sha256=stored.content_sha256, started_at=began, ended_at=now(),
            name=name,
        )  # fmt: skip


@contextlib.contextmanager
def new_archive(places: Sequence[Place], archive: str, recipients: Sequence[str]) -> Iterator[ArchiveWriter]:
    """An archive to fill. Where the block ends with an error, nothing of it is left in any place."""
    drafts: list[Draft] = []
    try:
        for place in places:
            drafts.append(place.begin(archive))
        yield ArchiveWriter(tuple(drafts), tuple(recipients))
    except BaseException:
        for draft in drafts:
            draft.abandon()
        raise


def now() -> str:
    """This moment, RFC 3339 in UTC, in whole milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class _Everywhere:
    sinks: tuple[Writing, ...]

    def write(self, data: bytes) -> None:
        for sink in self.sinks:
            sink.write(data)
