"""An engine in memory whose volumes hold files that can be streamed, and whose user can die at any call."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

from provisioner.engines.memory import MemoryEngine
from provisioner.engines.memory_files import home_of, mountpoint, unpack
from provisioner.errors import EngineRefused, StepFailed, Unreachable

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence


class Killed(Unreachable):
    """Nobody hears of what the process does from now on, which is as good as its death for what the engine holds."""

    def __init__(self) -> None:
        super().__init__("the engine does not answer")


class DataInMemory(MemoryEngine):
    """Commands of containers: `dump FILE`, `load FILE`, `mask FILE`, `hang`, `broken`. They work on files below /data.

    `die_at` is the number of the changing call at which the process dies, before it or after it; it changes nothing
    from then on. `watch` is called after each changing call, `hung` while a command hangs. At the write of data number
    `full_at` the disk is full.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.die_at: int | None = None
        self.dies_after = False
        self.dead = False
        self.watch: Callable[[], None] = lambda: None
        self.hung: Callable[[], None] = lambda: None
        self.writes = 0
        self.full_at: int | None = None
        self.reading: set[str] = set()

    def revive(self, project: str) -> None:
        """Another process has the engine now; the lease of the dead one is nobody's any more."""
        self.dead, self.die_at, self.count = False, None, 0
        for raw in [one for one in self._containers.values() if one["Name"] == f"/{project}.lease"]:
            del self._containers[raw["Id"]]

    def files(self, volume: str) -> dict[str, bytes]:
        """What a volume holds."""
        return dict(self._files.get(mountpoint(volume), {}))

    def _changing(self) -> None:
        if self.dead:
            raise Killed
        self.count += 1
        if self.die_at == self.count and not self.dies_after:
            self.dead = True
            raise Killed

    def _changed(self) -> None:
        self.watch()
        if self.die_at == self.count and self.dies_after:
            self.dead = True
            raise Killed

    def list(self, kind: str, labels: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        self._reading()
        return super().list(kind, labels)

    def inspect(self, kind: str, name: str) -> Mapping[str, Any] | None:
        self._reading()
        return super().inspect(kind, name)

    def _reading(self) -> None:
        if self.dead:
            raise Killed

    def create(self, kind: str, name: str, body: Mapping[str, Any]) -> str:
        self._changing()
        made = super().create(kind, name, body)
        for mount in self._containers[made]["Mounts"] if kind == "container" else ():
            mount.setdefault("RW", True)
        self._changed()
        return made

    def remove(self, kind: str, object_id: str, *, volumes: bool = False) -> None:
        self._changing()
        assert object_id not in self.reading, "an engine removes no container while a stream of its data is open"
        super().remove(kind, object_id, volumes=volumes)
        self._changed()

    def start(self, container_id: str) -> None:
        self._changing()
        super().start(container_id)
        self._changed()

    def stop(self, container_id: str, *, grace: float | None = None) -> None:
        self._changing()
        super().stop(container_id, grace=grace)
        self._changed()

    def pause(self, container_id: str) -> None:
        self._changing()
        super().pause(container_id)
        self._changed()

    def unpause(self, container_id: str) -> None:
        self._changing()
        super().unpause(container_id)
        self._changed()

    def put_archive(self, container_id: str, path: str, tar: bytes) -> None:
        self._changing()
        super().put_archive(container_id, path, tar)
        self._changed()

    def volume_sizes(self) -> Mapping[str, int]:
        return {}

    def read_archive(self, container_id: str, path: str) -> Generator[bytes, None, None]:
        self._changing()
        home, _ = home_of(self._containers[container_id], path)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            folder = tarfile.TarInfo("data")
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
            for name, content in sorted(self._files.get(home, {}).items()):
                member = tarfile.TarInfo(f"data/{name.strip('/')}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        self.reading.add(container_id)
        try:
            yield buffer.getvalue()
        finally:
            self.reading.discard(container_id)
        self._changed()

    def write_archive(self, container_id: str, path: str, chunks: Iterable[bytes]) -> None:
        self._changing()
        stream = iter(chunks)
        content = next(stream, b"")
        self._require_room()
        content += b"".join(stream)
        if self.die_at == self.count:
            # It dies in the middle: some of the files are there.
            content = _first_half(content)
        unpack(self._files, self._containers[container_id], path, content)
        self._changed()

    def _require_room(self) -> None:
        self.writes += 1
        if self.writes == self.full_at:
            raise EngineRefused("no space left on device", status=500)

    def run_streamed(
        self,
        container_id: str,
        command: Sequence[str],
        stdin: Iterable[bytes] | None = None,
        words: deque[str] | None = None,
    ) -> Iterator[bytes]:
        if not self._containers[container_id]["State"]["Running"]:
            raise StepFailed("it does not run")
        home, name = home_of(self._containers[container_id], f"/data/{command[-1]}")
        held = self._files.setdefault(home, {})
        match command[0]:
            case "dump":
                yield held.get(name, b"")
            case "hang":
                while True:
                    self.hung()
                    yield b""
            case "load":
                self._changing()
                self._require_room()
                held[name] = b"".join(stdin or ())
                self._changed()
            case "mask":
                self._changing()
                held[name] = held[name].replace(b"secret", b"masked")
                self._changed()
            case _:
                raise StepFailed(f"{command[0]}: exit code 5")


def _first_half(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=buffer, mode="w") as new:
        members = old.getmembers()
        for member in members[: max(1, len(members) // 2)]:
            new.addfile(member, old.extractfile(member) if member.isreg() else None)
    return buffer.getvalue()
