"""Archives in a repository of restic, through the program `restic`: each file of an archive is a snapshot with tags.

An archive is there once its manifest is, which comes last. The password, and a repository whose address has one, are in
the environment only (RESTIC_PASSWORD_FILE, RESTIC_REPOSITORY, …), never on a command line.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING

from provisioner.backup.manifest import FILE
from provisioner.backup.streams import ANOTHER, Damaged
from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioner.model.edges import EngineJson

_CHUNK = 1 << 18
_OURS = "provisioner"
_ARCHIVE, _FILE = "archive=", "file="
_PASSWORDS = ("RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND")
_REPOSITORIES = ("RESTIC_REPOSITORY", "RESTIC_REPOSITORY_FILE")
# Snapshots of an archive without a manifest are what a backup that was killed has left, when they are as old as this.
_STALE = timedelta(days=1)
_HINTS = {
    "Is there a repository at": "make it once: restic init, with the same repository and password",
    "wrong password": "is RESTIC_PASSWORD, or the file or command in its place, that of this repository?",
    "no space left on device": "free space there, or name another place (backup.to)",
    "read-only file system": "what it is on is mounted read-only: mount it for writing, or name another place",
    "permission denied": "run it as a user who may read and write the repository, or name another place",
    "already locked": "another restic works on it; `restic unlock` removes locks of those that are no more",
}


class ResticPlace:
    """Implements `Place` in a repository; without one in the address, the environment's RESTIC_REPOSITORY."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self.url = url
        self._environment = dict(environment)
        repository = url.removeprefix("restic:")
        if repository:
            self._environment["RESTIC_REPOSITORY"] = repository
            self._environment.pop("RESTIC_REPOSITORY_FILE", None)

    def archives(self) -> Sequence[str]:
        manifests = {archive: file for archive, file, _ in self._snapshots() if file == FILE}
        return sorted(manifests)

    def sizes(self, archive: str) -> Mapping[str, int]:
        return {file: -1 for of, file, _ in self._snapshots() if of == archive}

    def read(self, archive: str, name: str) -> Iterator[bytes]:
        identity = next(
            (snapshot_id for of, file, snapshot_id in self._snapshots() if (of, file) == (archive, name)), None
        )
        if identity is None:
            raise Damaged(f"{archive} is damaged: it has no {name}, in {self.url}", hint=ANOTHER)
        running = self.start("dump", identity, f"/{name}")
        try:
            assert running.process.stdout is not None
            while chunk := running.process.stdout.read(_CHUNK):
                yield chunk
            running.require_ended()
        finally:
            running.kill()

    def begin(self, archive: str) -> ResticDraft:
        self._forget_stale()
        return ResticDraft(self, archive)

    def remove(self, archive: str) -> None:
        self.forget(archive, prune=True)

    def forget(self, archive: str, *, prune: bool = False) -> None:
        """Let go of an archive, its manifest first."""
        files = [(file, snapshot_id) for of, file, snapshot_id in self._snapshots() if of == archive]
        manifests = [snapshot_id for file, snapshot_id in files if file == FILE]
        if manifests:
            self.run("forget", *manifests)
        others = [snapshot_id for file, snapshot_id in files if file != FILE]
        if others:
            self.run("forget", *others, *(["--prune"] if prune else []))

    def run(self, *arguments: str) -> bytes:
        """What restic writes. ProvisionError with its last words where it fails."""
        running = self.start(*arguments)
        try:
            assert running.process.stdout is not None
            output = running.process.stdout.read()
            running.require_ended()
            return output
        finally:
            running.kill()

    def start(self, *arguments: str, fed: bool = False) -> Running:
        """Let restic begin, with something to read where it is `fed`. ProvisionError where it can not."""
        if not any(self._environment.get(name) for name in _PASSWORDS):
            hint = "set RESTIC_PASSWORD_FILE to a file with it, or RESTIC_PASSWORD, or RESTIC_PASSWORD_COMMAND"
            raise ProvisionError(f"{self.url}: there is no password for the repository", hint=hint)
        if not any(self._environment.get(name) for name in _REPOSITORIES):
            raise ProvisionError(f"{self.url} names no repository", hint="set RESTIC_REPOSITORY, or write restic:PATH")
        errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            process = subprocess.Popen(
                ["restic", "--no-cache", *arguments], stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if fed else subprocess.PIPE, stderr=errors, env=self._environment,
                start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            errors.close()
            raise ProvisionError(
                f"{self.url}: the program restic is not installed here",
                hint="apt-get install restic, or name another place",
            ) from None
        return Running(self.url, process, errors)

    def _snapshots(self) -> list[tuple[str, str, str]]:
        return [snapshot for snapshot, _ in self._dated()]

    def _dated(self) -> list[tuple[tuple[str, str, str], datetime]]:
        """Archive, file and id of each snapshot of ours, with its time; oldest first."""
        snapshots = []
        for raw in json.loads(self.run("snapshots", "--json", "--tag", _OURS) or b"[]") or ():
            tags = [str(tag) for tag in raw.get("tags") or ()]
            archive = next((tag.removeprefix(_ARCHIVE) for tag in tags if tag.startswith(_ARCHIVE)), "")
            file = next((tag.removeprefix(_FILE) for tag in tags if tag.startswith(_FILE)), "")
            snapshots.append(((archive, file, str(raw["id"])), _time(raw)))
        return snapshots

    def _forget_stale(self) -> None:
        snapshots = self._dated()
        whole = {archive for (archive, file, _), _ in snapshots if file == FILE}
        newest: dict[str, datetime] = {}
        for (archive, _, _), moment in snapshots:
            newest[archive] = max(moment, newest.get(archive, moment))
        for archive, moment in newest.items():
            if archive not in whole and datetime.now(UTC) - moment > _STALE:
                self.forget(archive)


class Running:
    """restic at work."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._url = url
        self.process = process
        self._errors = errors

    def require_ended(self) -> None:
        """ProvisionError, with its last words, where it does not end well."""
        if self.process.wait() == 0:
            return
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        said = " ".join(line.strip() for line in lines[-3:]) or f"exit code {self.process.returncode}"
        hint = next((hint for words, hint in _HINTS.items() if words in said), None)
        raise ProvisionError(f"{self._url}: restic: {said}", hint=hint)

    def kill(self) -> None:
        """End it, whatever it is at; nothing of it is left."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class ResticDraft:
    """Implements `Draft`: one `restic backup --stdin` after the other; the manifest comes last."""

    def __init__(self, place: ResticPlace, archive: str) -> None:
        self._place = place
        self._archive = archive
        self._open: _Upload | None = None

    def open(self, name: str) -> _Upload:
        if self._open is not None:
            self._open.close()
        self._open = _Upload(self._place, self._archive, name)
        return self._open

    def finish(self, manifest: bytes) -> None:
        file = self.open(FILE)
        file.write(manifest)
        file.close()

    def abandon(self) -> None:
        if self._open is not None:
            self._open.abort()
        with contextlib.suppress(ProvisionError):
            self._place.forget(self._archive)


class _Upload:
    def __init__(self, place: ResticPlace, archive: str, name: str) -> None:
        tags = f"{_OURS},{_ARCHIVE}{archive},{_FILE}{name}"
        self._running = place.start("backup", "--quiet", "--stdin", "--stdin-filename", name, "--tag", tags, fed=True)
        self._closed = False

    def write(self, data: bytes) -> None:
        assert self._running.process.stdin is not None
        try:
            self._running.process.stdin.write(data)
        except BrokenPipeError:
            self._running.require_ended()
            raise

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        assert self._running.process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                self._running.process.stdin.close()
            self._running.require_ended()
        finally:
            self._running.kill()

    def abort(self) -> None:
        self._closed = True
        self._running.kill()


def _time(raw: EngineJson) -> datetime:
    """When a snapshot was made. restic writes nanoseconds, which no date here has."""
    return datetime.fromisoformat(re.sub(r"\.[0-9]+", "", str(raw["time"])))
