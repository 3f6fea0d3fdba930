"""What the engine in memory holds, and how it is looked at. In the shapes of the Engine API."""

from __future__ import annotations

import copy
import hashlib
import threading
from typing import TYPE_CHECKING

from provisioner.engines.memory_exclusive import listed
from provisioner.engines.memory_files import home_of, named_below
from provisioner.kinds.refusals import refused
from provisioner.model.builder import Builders
from provisioner.model.state import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioner.errors import EngineRefused
    from provisioner.model.builder import Choice
    from provisioner.model.edges import BuildRecipe, EngineBody, EngineJson

_VERSIONS = {(1, 41): "20.10.24", (1, 51): "28.5.2"}


class MemoryReader:
    """Implements `EngineReader`; `add_image` is how images come to be there."""

    def __init__(self, api_version: tuple[int, int] = (1, 41)) -> None:
        self._api_version = api_version
        self.calls: list[tuple[str, str]] = []
        self._lock = threading.RLock()
        self._clock = 0
        self._containers: dict[str, EngineBody] = {}
        self._networks: dict[str, EngineBody] = {}
        self._volumes: dict[str, EngineBody] = {}
        self._images: dict[str, EngineBody] = {}
        self._tags: dict[str, str] = {}
        self._files: dict[str, dict[str, bytes]] = {}

    def add_image(self, reference: str, config: EngineJson | None = None) -> str:
        """Let an image be there, as if pulled or built; its id follows from what is in it."""
        with self._lock:
            identity = (
                "sha256:" + hashlib.sha256(repr((reference, sorted((config or {}).items()))).encode()).hexdigest()
            )
            self._tags[reference] = identity
            self._images[identity] = {
                "Id": identity, "RepoTags": [reference], "RepoDigests": [], "Config": dict(config or {}),
                "Os": "linux", "Architecture": "amd64",
            }  # fmt: skip
            return identity

    def state(self) -> EngineBody:
        """Everything that is there, for comparisons."""
        with self._lock:
            return copy.deepcopy({"containers": self._containers, "networks": self._networks, "volumes": self._volumes})

    # Reading ---------------------------------------------------------------------------------------------------

    def facts(self) -> Facts:
        version = _VERSIONS[self._api_version]
        return Facts(engine_id="memory", engine_name="memory", engine_version=version, api_version=self._api_version)

    def list(self, kind: str, labels: Mapping[str, str]) -> Sequence[EngineJson]:
        with self._lock:
            return [raw for raw in map(self._shown, self._of(kind).values()) if _labels(raw).items() >= labels.items()]

    def containers(self) -> Sequence[EngineJson]:
        with self._lock:
            return [listed(raw) for raw in self._containers.values()]

    def bound_ports(self) -> None: ...

    def inspect(self, kind: str, name: str) -> EngineJson | None:
        with self._lock:
            if kind == "image":
                existing = self._images.get(self._tags.get(name, name))
            else:
                existing = next(
                    (o for o in self._of(kind).values() if name in (o.get("Id"), o["Name"].lstrip("/"))), None
                )
            return None if existing is None else self._shown(existing)

    def logs(
        self,
        container_id: str,
        *,
        tail: int | None,
        since: str | None = None,
        until: str | None = None,
        follow: bool = False,
        timestamps: bool = False,
        kind: str = "container",
    ) -> Iterator[bytes]:
        return iter(())

    def tasks(self, service_id: str, *, current: bool = False) -> Sequence[EngineJson]:
        raise self._no_swarm()

    def read_files(self, container_id: str, path: str) -> Mapping[str, bytes]:
        with self._lock:
            if container_id not in self._containers:
                return {}
            home, wanted = home_of(self._containers[container_id], f"/{path.strip('/')}")
            return named_below(self._files.get(home, {}), wanted)

    def is_folder(self, container_id: str, path: str) -> bool:
        return path == "/"

    def distribution(self, reference: str) -> str | None:
        return None

    def _of(self, kind: str) -> dict[str, EngineBody]:
        kinds = {
            "container": self._containers, "network": self._networks, "volume": self._volumes, "image": self._images,
        }  # fmt: skip
        if kind not in kinds:
            raise self._no_swarm()
        return kinds[kind]

    def _shown(self, raw: EngineBody) -> EngineBody:
        shown = copy.deepcopy(raw)
        if "Containers" in shown:
            users = self._users(raw["Name"], running=True)
            shown["Containers"] = {user: {"Name": self._containers[user]["Name"][1:]} for user in users}
        return shown

    def _users(self, network: str, *, running: bool) -> Sequence[str]:
        return [
            identity
            for identity, raw in self._containers.items()
            if network in raw["NetworkSettings"]["Networks"] and (raw["State"]["Running"] or not running)
        ]

    @staticmethod
    def _no_swarm() -> EngineRefused:
        return refused(503, "This node is not a swarm manager.")

    def builders(self) -> Builders:
        return Builders()

    def builder_for(self, build: BuildRecipe) -> Choice | None:
        return None

    # Parts -----------------------------------------------------------------------------------------------------

    def _container(self, identity: str) -> EngineBody:
        if identity not in self._containers:
            raise refused(404, f"No such container: {identity}")
        return self._containers[identity]

    def _network(self, identity: str) -> EngineBody:
        network = next((n for n in self._networks.values() if identity in (n["Id"], n["Name"])), None)
        if network is None:
            raise refused(404, f"network {identity} not found")
        return network

    def _identity(self) -> str:
        self._clock += 1
        return hashlib.sha256(str(self._clock).encode()).hexdigest()

    def _now(self) -> str:
        self._clock += 1
        hours, rest = divmod(self._clock, 3600)
        return f"2024-01-01T{hours:02d}:{rest // 60:02d}:{rest % 60:02d}Z"

    def _by_id(self, mode: str) -> str:
        """`container:NAME` as an engine keeps it, with the container's id."""
        scheme, _, name = mode.partition(":")
        if scheme != "container":
            return mode
        container = self.inspect("container", name)
        if container is None:
            raise refused(404, f"No such container: {name}")
        return f"container:{container['Id']}"


def _labels(raw: EngineBody) -> dict[str, str]:
    return (raw.get("Config") or raw).get("Labels") or {}
