"""What a container may use: memory, CPU time, processes, block I/O (HostConfig's Resources)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, cast

from provisioner.kinds import values
from provisioner.kinds.fields import Field, OnSwarm, PartOf, Refused, custom, get_path, on_swarm, plain, set_path
from provisioner.kinds.swarm_scheduling import RESOURCES, SPEC
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import BlockIO
    from provisioner.model.state import Spec

UNLIMITED = -1
MEMORY = "deploy.resources.limits.memory"
NO_CPU_TIME = Refused("use deploy.resources.limits.cpus")


def _impact(path: str, after: Any) -> Impact:
    """A limit can be moved while the container runs, not taken away."""
    return Impact.REPLACE if after is None else Impact.IN_PLACE


def _swap_impact(path: str, after: Any) -> Impact:
    """What is recorded on the container as declared can only be so at its creation."""
    return Impact.REPLACE if after in (None, UNLIMITED) else Impact.IN_PLACE


class _Costs(TypedDict):
    impact: Impact
    impact_of: Callable[[str, Any], Impact]


IN_PLACE: _Costs = {"impact": Impact.IN_PLACE, "impact_of": _impact}


def _positive(value: Any) -> int | None:
    """A limit; zero and below mean that there is none."""
    number = values.whole_number(value)
    return number if number > 0 else None


def _cpus(count: int) -> float | None:
    return values.cpus(count) if count > 0 else None


def _swap(body: ComposeBody) -> Any:
    """Memory and swap together. What the engine would make of the memory limit by itself is as good as nothing."""
    swap = values.whole_number(body.get("memswap_limit") or 0)
    memory = values.whole_number(get_path(body, MEMORY) or body.get("mem_limit") or 0)
    return None if swap in (0, 2 * memory) or (swap == -1 and not memory) else swap


def _swap_out(raw: EngineBody) -> Any:
    host = raw["HostConfig"]
    swap, memory = host.get("MemorySwap") or 0, host.get("Memory") or 0
    # The engine answers twice the memory, or nothing at all, where nobody declared it.
    return None if swap in (0, 2 * memory) or (swap == -1 and not memory) else swap


def _align_swap(desired: Spec, observed: Spec, declared: frozenset[str]) -> tuple[Any, Any]:
    """Memory-and-swap as far as it was declared.

    The engine makes it twice the memory once, at creation, and leaves it when the memory moves; where the kernel does
    not count swap it says -1.
    """
    wanted, swap = desired["memswap_limit"], observed["memswap_limit"]
    uncounted = swap == UNLIMITED and "memswap_limit" not in declared
    if wanted is None and (uncounted or swap == 2 * (desired["mem_limit"] or 0)):
        return wanted, None
    return wanted, swap


def _ulimits(body: ComposeBody) -> dict[str, str]:
    result: dict[str, str] = {}
    for name, limit in (body.get("ulimits") or {}).items():
        soft, hard = (limit["soft"], limit["hard"]) if isinstance(limit, dict) else (limit, limit)
        result[name] = f"{soft}:{hard}"
    return result


def _encode_ulimits(raw: EngineBody, api: str, value: dict[str, str]) -> None:
    limits = [(name, *limit.split(":")) for name, limit in sorted(value.items())]
    set_path(raw, api, [{"Name": name, "Soft": int(soft), "Hard": int(hard)} for name, soft, hard in limits])


def _decode_ulimits(limits: Any) -> dict[str, str]:
    return {limit["Name"]: f"{limit['Soft']}:{limit['Hard']}" for limit in limits or []}


_BLKIO = {
    "weight_device": ("BlkioWeightDevice", "weight", "Weight"),
    "device_read_bps": ("BlkioDeviceReadBps", "rate", "Rate"),
    "device_read_iops": ("BlkioDeviceReadIOps", "rate", "Rate"),
    "device_write_bps": ("BlkioDeviceWriteBps", "rate", "Rate"),
    "device_write_iops": ("BlkioDeviceWriteIOps", "rate", "Rate"),
}


def _blkio(body: ComposeBody) -> BlockIO:
    config = body.get("blkio_config") or {}
    result = {"weight": config["weight"]} if config.get("weight") else {}
    for key, (_, part, _) in _BLKIO.items():
        if config.get(key):
            result[key] = {entry["path"]: values.whole_number(entry[part]) for entry in config[key]}
    return cast("BlockIO", result)


def _encode_blkio(raw: EngineBody, value: BlockIO) -> None:
    if "weight" in value:
        set_path(raw, "HostConfig.BlkioWeight", value["weight"])
    limits = cast("dict[str, dict[str, int]]", value)
    for key, (api, _, name) in _BLKIO.items():
        if key in limits:
            set_path(raw, f"HostConfig.{api}", [{"Path": p, name: n} for p, n in sorted(limits[key].items())])


def _decode_blkio(raw: EngineBody) -> BlockIO:
    host = raw["HostConfig"]
    result = {"weight": host["BlkioWeight"]} if host.get("BlkioWeight") else {}
    for key, (api, _, name) in _BLKIO.items():
        if host.get(api):
            result[key] = {entry["Path"]: entry[name] for entry in host[api]}
    return cast("BlockIO", result)


LIMITS: tuple[Field, ...] = (
    plain(
        "mem_limit", "HostConfig.Memory", "most memory", **IN_PLACE, unit="bytes",
        sources=(MEMORY, "mem_limit"), read=_positive, out=_positive, swarm=OnSwarm(f"{RESOURCES}.Limits.MemoryBytes"),
    ),
    plain(
        "mem_reservation", "HostConfig.MemoryReservation", "memory it should have", **IN_PLACE, unit="bytes",
        sources=("deploy.resources.reservations.memory", "mem_reservation"), read=_positive, out=_positive,
        swarm=OnSwarm(f"{RESOURCES}.Reservations.MemoryBytes"),
    ),
    plain(
        "cpus", "HostConfig.NanoCpus", "most CPU time", **IN_PLACE,
        sources=("deploy.resources.limits.cpus", "cpus"), read=float, into=values.nano_cpus, out=_cpus,
        swarm=OnSwarm(f"{RESOURCES}.Limits.NanoCPUs", into=values.nano_cpus, out=values.cpus),
    ),
    plain(
        "pids_limit", "HostConfig.PidsLimit", "most processes", **IN_PLACE,
        sources=("deploy.resources.limits.pids", "pids_limit"), read=_positive, out=_positive,
        swarm=OnSwarm(f"{RESOURCES}.Limits.Pids"),
    ),
    custom(
        "memswap_limit", "HostConfig.MemorySwap", "memory and swap together", _swap,
        lambda raw, value: set_path(raw, "HostConfig.MemorySwap", value), _swap_out, impact=Impact.IN_PLACE,
        unit="bytes", align=_align_swap, impact_of=_swap_impact, swarm=Refused("set it on the nodes"),
        declares=lambda value: ["memswap_limit"] if value == UNLIMITED else [],
    ),
    plain(
        "mem_swappiness", "HostConfig.MemorySwappiness", "how willingly memory is swapped", read=values.whole_number,
        out=lambda value: None if value == -1 else value, explicit=True, swarm=Refused("set it on the nodes"),
    ),
    plain(
        "oom_kill_disable", "HostConfig.OomKillDisable", "never killed for memory", default=False,
        swarm=Refused("leave it out"),
    ),
    plain(
        "oom_score_adj", "HostConfig.OomScoreAdj", "how soon it is killed for memory", default=0,
        swarm=OnSwarm(f"{SPEC}.OomScoreAdj", since=(1, 46)),
    ),
    plain(
        "cpu_shares", "HostConfig.CpuShares", "relative CPU weight", **IN_PLACE, read=values.whole_number,
        swarm=NO_CPU_TIME,
    ),
    plain(
        "cpu_quota", "HostConfig.CpuQuota", "CPU time per period", **IN_PLACE, read=_positive, out=_positive,
        swarm=NO_CPU_TIME,
    ),
    plain(
        "cpu_period", "HostConfig.CpuPeriod", "length of the CPU period", **IN_PLACE, read=values.whole_number,
        swarm=NO_CPU_TIME,
    ),
    plain(
        "cpu_rt_runtime", "HostConfig.CpuRealtimeRuntime", "real-time CPU time", read=values.whole_number,
        swarm=NO_CPU_TIME,
    ),
    plain(
        "cpu_rt_period", "HostConfig.CpuRealtimePeriod", "real-time CPU period", read=values.whole_number,
        swarm=NO_CPU_TIME,
    ),
    plain(
        "cpuset", "HostConfig.CpusetCpus", "processors it may use", **IN_PLACE,
        swarm=Refused("use placement constraints"),
    ),
    plain(
        "cpu_count", "HostConfig.CpuCount", "processors (Windows)", read=values.whole_number, swarm=NO_CPU_TIME,
    ),
    plain(
        "cpu_percent", "HostConfig.CpuPercent", "share of the processors (Windows)", read=values.whole_number,
        swarm=NO_CPU_TIME,
    ),
    custom(
        "blkio_config", "HostConfig.Blkio*", "block I/O weights and limits", _blkio, _encode_blkio, _decode_blkio,
        default={}, keyed=True, swarm=Refused("limit I/O on the nodes"),
    ),
    plain(
        "shm_size", "HostConfig.ShmSize", "size of /dev/shm", read=values.whole_number, unit="bytes", chosen=True,
        swarm=PartOf("tmpfs"),
    ),
    custom(
        "ulimits", "HostConfig.Ulimits", "limits of the process", _ulimits,
        lambda raw, value: _encode_ulimits(raw, "HostConfig.Ulimits", value),
        lambda raw: _decode_ulimits(get_path(raw, "HostConfig.Ulimits")), default={}, keyed=True, chosen=True,
        swarm=on_swarm(
            f"{SPEC}.Ulimits", lambda raw, value: _encode_ulimits(raw, f"{SPEC}.Ulimits", value),
            lambda raw: _decode_ulimits(get_path(raw, f"{SPEC}.Ulimits")),
        ),
    ),
)  # fmt: skip
