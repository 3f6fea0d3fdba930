"""Records on a plain engine: containers without an image that never start. A unique name is the test-and-set."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

from provisioner.errors import LeaseHeld
from provisioner.ledger.labels import HOLDER, LEASE, LEDGER, REVISION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.ports import EngineReader, EngineWriter

_HEARTBEAT = "heartbeat"
_FOLDER = "/revisions"


class ContainerRecords:
    """What can be looked at."""

    def __init__(self, engine: EngineReader, project: str) -> None:
        self._reader = engine
        self._project = project

    def holder(self) -> tuple[str, str] | None:
        name = f"{self._project}.lease"
        raw = self._reader.inspect("container", name)
        if raw is None:
            return None
        labels = raw["Config"].get("Labels") or {}
        if labels.get(LEASE) != self._project:
            raise LeaseHeld(
                f"the container {name} stands where the lease should, and is not ours", hint="remove or rename it"
            )
        return str(raw["Id"]), str(labels.get(HOLDER, ""))

    def pulse(self, identity: str) -> str:
        return self._reader.read_files(identity, f"/{_HEARTBEAT}").get(_HEARTBEAT, b"").decode(errors="replace")

    def entries(self) -> Iterator[tuple[str, bytes]]:
        raw = self._ledger()
        if raw is None:
            return
        for name, content in self._reader.read_files(str(raw["Id"]), _FOLDER).items():
            yield name.rpartition("-")[0] or REVISION, content

    def _ledger(self) -> Mapping[str, Any] | None:
        raw = self._reader.inspect("container", f"{self._project}.ledger")
        ours = raw is not None and (raw["Config"].get("Labels") or {}).get(LEDGER) == self._project
        return raw if ours else None


class ContainerStore(ContainerRecords):
    """What is kept, for one environment."""

    def __init__(self, engine: EngineWriter, project: str) -> None:
        super().__init__(engine, project)
        self._engine = engine

    def take(self, holder: str) -> str:
        return self._make("lease", {LEASE: self._project, HOLDER: holder})

    def beat(self, identity: str, text: str) -> None:
        self._engine.put_archive(identity, "/", _one_file(_HEARTBEAT, text.encode()))

    def release(self, identity: str) -> None:
        self._engine.remove("container", identity)

    def keep(self, number: int, content: bytes, kept: int, series: str = REVISION) -> None:
        raw = self._ledger()
        identity = str(raw["Id"]) if raw is not None else self._make("ledger", {LEDGER: self._project})
        # The oldest slot is written over, so that the ledger does not grow for ever.
        prefix = "" if series == REVISION else f"{series}-"
        path = f"{_FOLDER.strip('/')}/{prefix}{number % kept:03d}.json"
        self._engine.put_archive(identity, "/", _one_file(path, content))

    def forget(self) -> None:
        raw = self._ledger()
        if raw is not None:
            self._engine.remove("container", str(raw["Id"]))

    def _make(self, what: str, labels: Mapping[str, str]) -> str:
        body = {"Image": "", "Cmd": [what], "Labels": dict(labels), "HostConfig": {"NetworkMode": "none"}}
        return self._engine.create("container", f"{self._project}.{what}", body)


def _one_file(name: str, content: bytes) -> bytes:
    """A tar archive with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
