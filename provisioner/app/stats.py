"""`stats`: what the containers of services use now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from provisioner.app.owned import owned_containers, tasks_elsewhere
from provisioner.app.service_work import load_with
from provisioner.app.wiring import open_engine
from provisioner.errors import EngineRefused
from provisioner.model.dataclass import dataclass
from provisioner.model.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.owned import OwnedContainer
    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.model.edges import EngineJson

_WORKERS = 16


@dataclass(frozen=True, slots=True)
class Usages:
    """`elsewhere` are the nodes on which tasks run whose figures only those nodes have, by service."""

    rows: tuple[Usage, ...]
    elsewhere: Mapping[str, tuple[str, ...]]


class Stats:
    """Looks again and again, with one connection."""

    def __init__(self, request: Request, services: Sequence[str], *, all_containers: bool) -> None:
        self._playbook = load_with(request, services)
        self._engine: DockerEngine = open_engine(request, self._playbook.engine)
        self._services = services
        self._all = all_containers

    def look(self) -> Usages:
        """The figures of now; takes a second or two, as a processor's share needs two samples."""
        containers = owned_containers(self._engine, self._playbook.project, self._services)
        shown = [container for container in containers if self._all or container.running]
        with ThreadPoolExecutor(_WORKERS) as pool:
            rows = tuple(pool.map(self._usage, shown))
        away = tasks_elsewhere(self._engine, self._playbook.project, self._services)
        return Usages(rows, {name: tuple(sorted({task.host for task in tasks})) for name, tasks in away.items()})

    def _usage(self, container: OwnedContainer) -> Usage:
        name = str(container.raw["Name"]).lstrip("/")
        try:
            raw = self._engine.figures(container.id) if container.running else {}
        except EngineRefused:
            # It went away while it was looked at.
            raw = {}
        return usage(Usage(container.address, container.id, name), raw)


def usage(of: Usage, raw: EngineJson) -> Usage:
    """The figures of an answer to GET /containers/{id}/stats (Engine API 1.41, ContainerStats)."""
    memory, cpu = raw.get("memory_stats") or {}, raw.get("cpu_stats") or {}
    counted = memory.get("stats") or {}
    # cgroup 1 says total_inactive_file, cgroup 2 inactive_file.
    cached = counted.get("total_inactive_file", counted.get("inactive_file", 0))
    used = memory.get("usage") or 0
    networks = (raw.get("networks") or {}).values()
    blocks = (raw.get("blkio_stats") or {}).get("io_service_bytes_recursive") or []
    return Usage(
        of.address, of.id, of.name,
        cpu=_share(cpu, raw.get("precpu_stats") or {}),
        memory=used - cached if cached < used else used,
        memory_limit=memory.get("limit") or 0,
        received=sum(network.get("rx_bytes") or 0 for network in networks),
        sent=sum(network.get("tx_bytes") or 0 for network in networks),
        read=sum(block["value"] for block in blocks if str(block["op"]).lower() == "read"),
        written=sum(block["value"] for block in blocks if str(block["op"]).lower() == "write"),
        processes=(raw.get("pids_stats") or {}).get("current") or 0,
    )  # fmt: skip


def _share(now: Mapping[str, Any], before: Mapping[str, Any]) -> float:
    """How many processors it had since the sample before."""
    used = now.get("cpu_usage") or {}
    spent = (used.get("total_usage") or 0) - ((before.get("cpu_usage") or {}).get("total_usage") or 0)
    passed = (now.get("system_cpu_usage") or 0) - (before.get("system_cpu_usage") or 0)
    count = now.get("online_cpus") or len(used.get("percpu_usage") or ()) or 1
    return spent / passed * count if spent > 0 and passed > 0 else 0.0
