"""Records on a Swarm: its configs, which every manager sees alike. A unique name is the test-and-set, and a change of
labels at a version index the compare-and-swap.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.errors import EngineConflict, EngineRefused, LeaseHeld
from provisioner.ledger.labels import BEAT, HOLDER, LEASE, LEDGER, NUMBER, REVISION, SERIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.edges import EngineJson
    from provisioner.ports import EngineReader, EngineWriter

# What a config may hold is less than 1000 KiB; above this it is compressed.
_PLAIN_BYTES = 500 * 1024
_LONGEST_NAME = 64


class SwarmRecords:
    """What can be looked at."""

    def __init__(self, engine: EngineReader, project: str) -> None:
        self._reader = engine
        self._project = project

    def holder(self) -> tuple[str, str] | None:
        name = self._name("lease")
        raw = self._reader.inspect("config", name)
        if raw is None:
            return None
        labels = raw["Spec"].get("Labels") or {}
        if labels.get(LEASE) != self._project:
            raise LeaseHeld(f"the config {name} stands where the lease should, and is not ours", hint="remove it")
        return str(raw["ID"]), str(labels.get(HOLDER, ""))

    def pulse(self, identity: str) -> str:
        raw = self._reader.inspect("config", identity)
        return str((raw["Spec"].get("Labels") or {}).get(BEAT, "")) if raw is not None else ""

    def entries(self) -> Iterator[tuple[str, bytes]]:
        for raw in self._records():
            data = base64.b64decode(raw["Spec"].get("Data") or "")
            with suppress(OSError, EOFError):
                yield _series(raw), gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data

    def _records(self) -> list[EngineJson]:
        """The configs of the records, oldest first."""
        listed = self._reader.list("config", {LEDGER: self._project})
        return sorted(listed, key=lambda raw: int(raw["Spec"]["Labels"].get(NUMBER) or 0))

    def _name(self, what: str) -> str:
        """`<project>.<what>`, in 64 characters."""
        name = f"{self._project}.{what}"
        if len(name) <= _LONGEST_NAME:
            return name
        digest = hashlib.sha256(self._project.encode()).hexdigest()[:8]
        return f"{self._project[: _LONGEST_NAME - len(what) - len(digest) - 2].rstrip('._-')}-{digest}.{what}"


class ConfigStore(SwarmRecords):
    """What is kept, for one environment."""

    def __init__(self, engine: EngineWriter, project: str) -> None:
        super().__init__(engine, project)
        self._engine = engine

    def take(self, holder: str) -> str:
        return self._make("lease", {LEASE: self._project, HOLDER: holder}, b"lease")

    def beat(self, identity: str, text: str) -> None:
        raw = self._engine.inspect("config", identity)
        if raw is None:
            raise EngineRefused("the lease is gone", status=404)
        spec = {**raw["Spec"], "Labels": {**(raw["Spec"].get("Labels") or {}), BEAT: text}}
        self._engine.update_spec("config", identity, int(raw["Version"]["Index"]), spec)

    def release(self, identity: str) -> None:
        self._engine.remove("config", identity)

    def keep(self, number: int, content: bytes, kept: int, series: str = REVISION) -> None:
        data = content if len(content) < _PLAIN_BYTES else gzip.compress(content)
        labels = {LEDGER: self._project, NUMBER: str(number)} | ({} if series == REVISION else {SERIES: series})
        for raw in self._records() if series != REVISION else ():
            if _series(raw) == series and raw["Spec"]["Labels"].get(NUMBER) == str(number):
                self._engine.remove("config", str(raw["ID"]))
        # A revision of this number that stands already was written by an apply whose answer was lost.
        with suppress(EngineConflict):
            self._make(f"{series}.{number}", labels, data)
        for raw in [raw for raw in self._records() if _series(raw) == series][:-kept]:
            self._engine.remove("config", str(raw["ID"]))

    def forget(self) -> None:
        for raw in self._records():
            self._engine.remove("config", str(raw["ID"]))

    def _make(self, what: str, labels: Mapping[str, str], data: bytes) -> str:
        body = {"Labels": dict(labels), "Data": base64.b64encode(data).decode()}
        return self._engine.create("config", self._name(what), body)


def _series(raw: EngineJson) -> str:
    return str(raw["Spec"]["Labels"].get(SERIES) or REVISION)
