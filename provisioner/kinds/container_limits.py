"""What a container may use: memory, CPU time, processes, block I/O (HostConfig's Resources)."""

from __future__ import annotations

from typing import Any

from provisioner.kinds import values
from provisioner.kinds.fields import Field, Raw, plain, set_path
from provisioner.model.change import Impact

IN_PLACE = Impact.IN_PLACE


def _limit(*path: str) -> Any:
    """A reader of `deploy.resources.limits.x` that falls back to the service's own key."""

    def read(body: Raw, own: str, convert: Any) -> Any:
        value: Any = body.get("deploy") or {}
        for part in ("resources", *path):
            value = (value or {}).get(part)
        value = body.get(own) if value is None else value
        return None if value is None else convert(value)

    return read


def _resource(
    key: str, own: str, api: str, summary: str, path: tuple[str, ...], convert: Any, out: Any = None, **more: Any
) -> Field:
    read = _limit(*path)
    return Field(
        key=key,
        summary=summary,
        api=api,
        impact=IN_PLACE,
        parse=lambda body: read(body, own, convert) or None,
        encode=lambda raw, value: (
            set_path(raw, api, more["into"](value) if "into" in more else value) if value else None
        ),
        decode=lambda raw: (lambda value: (out(value) if out else value) if value and value > 0 else None)(
            (raw.get("HostConfig") or {}).get(api.partition(".")[2])
        ),
        unit=more.get("unit", ""),
    )


def _positive(value: Any) -> int | None:
    """A limit; zero and below mean that there is none."""
    number = values.whole_number(value)
    return number if number > 0 else None


def _swap(body: Raw) -> Any:
    """Memory and swap together. What the engine would make of the memory limit by itself is as good as nothing."""
    swap = values.whole_number(body.get("memswap_limit") or 0)
    memory = _limit("limits", "memory")(body, "mem_limit", values.whole_number) or 0
    return None if swap in (0, 2 * memory) or (swap == -1 and not memory) else swap


def _swap_out(raw: Raw) -> Any:
    host = raw["HostConfig"]
    swap, memory = host.get("MemorySwap") or 0, host.get("Memory") or 0
    # The engine answers twice the memory, or nothing at all, where nobody declared it.
    return None if swap in (0, 2 * memory) or (swap == -1 and not memory) else swap


def _ulimits(body: Raw) -> Any:
    result: dict[str, Any] = {}
    for name, limit in (body.get("ulimits") or {}).items():
        soft, hard = (limit["soft"], limit["hard"]) if isinstance(limit, dict) else (limit, limit)
        result[name] = f"{soft}:{hard}"
    return result


def _encode_ulimits(raw: Raw, value: dict[str, str]) -> None:
    limits = [(name, *limit.split(":")) for name, limit in sorted(value.items())]
    if limits:
        set_path(raw, "HostConfig.Ulimits", [{"Name": n, "Soft": int(s), "Hard": int(h)} for n, s, h in limits])


_BLKIO = {
    "weight_device": ("BlkioWeightDevice", "weight", "Weight"),
    "device_read_bps": ("BlkioDeviceReadBps", "rate", "Rate"),
    "device_read_iops": ("BlkioDeviceReadIOps", "rate", "Rate"),
    "device_write_bps": ("BlkioDeviceWriteBps", "rate", "Rate"),
    "device_write_iops": ("BlkioDeviceWriteIOps", "rate", "Rate"),
}


def _blkio(body: Raw) -> Any:
    config = body.get("blkio_config") or {}
    result: dict[str, Any] = {"weight": config["weight"]} if config.get("weight") else {}
    for key, (_, part, _) in _BLKIO.items():
        if config.get(key):
            result[key] = {entry["path"]: values.whole_number(entry[part]) for entry in config[key]}
    return result


def _encode_blkio(raw: Raw, value: dict[str, Any]) -> None:
    if "weight" in value:
        set_path(raw, "HostConfig.BlkioWeight", value["weight"])
    for key, (api, _, name) in _BLKIO.items():
        if key in value:
            set_path(raw, f"HostConfig.{api}", [{"Path": p, name: n} for p, n in sorted(value[key].items())])


def _decode_blkio(raw: Raw) -> Any:
    host = raw["HostConfig"]
    result: dict[str, Any] = {"weight": host["BlkioWeight"]} if host.get("BlkioWeight") else {}
    for key, (api, _, name) in _BLKIO.items():
        if host.get(api):
            result[key] = {entry["Path"]: entry[name] for entry in host[api]}
    return result


LIMITS: tuple[Field, ...] = (
    _resource(
        "mem_limit",
        "mem_limit",
        "HostConfig.Memory",
        "most memory",
        ("limits", "memory"),
        values.whole_number,
        unit="bytes",
    ),
    _resource(
        "mem_reservation",
        "mem_reservation",
        "HostConfig.MemoryReservation",
        "memory it should have",
        ("reservations", "memory"),
        values.whole_number,
        unit="bytes",
    ),
    _resource(
        "cpus",
        "cpus",
        "HostConfig.NanoCpus",
        "most CPU time",
        ("limits", "cpus"),
        float,
        values.cpus,
        into=values.nano_cpus,
    ),
    _resource("pids_limit", "pids_limit", "HostConfig.PidsLimit", "most processes", ("limits", "pids"), _positive),
    Field(
        key="memswap_limit",
        impact=IN_PLACE,
        summary="memory and swap together",
        api="HostConfig.MemorySwap",
        unit="bytes",
        parse=_swap,
        encode=lambda raw, value: set_path(raw, "HostConfig.MemorySwap", value) if value else None,
        decode=_swap_out,
    ),
    plain(
        "mem_swappiness",
        "HostConfig.MemorySwappiness",
        "how willingly memory is swapped",
        read=values.whole_number,
        out=lambda value: None if value == -1 else value,
        explicit=True,
    ),
    plain("oom_kill_disable", "HostConfig.OomKillDisable", "never killed for memory", default=False),
    plain("oom_score_adj", "HostConfig.OomScoreAdj", "how soon it is killed for memory", default=0),
    plain("cpu_shares", "HostConfig.CpuShares", "relative CPU weight", impact=IN_PLACE, read=values.whole_number),
    plain("cpu_quota", "HostConfig.CpuQuota", "CPU time per period", impact=IN_PLACE, read=_positive, out=_positive),
    plain("cpu_period", "HostConfig.CpuPeriod", "length of the CPU period", impact=IN_PLACE, read=values.whole_number),
    plain("cpu_rt_runtime", "HostConfig.CpuRealtimeRuntime", "real-time CPU time", read=values.whole_number),
    plain("cpu_rt_period", "HostConfig.CpuRealtimePeriod", "real-time CPU period", read=values.whole_number),
    plain("cpuset", "HostConfig.CpusetCpus", "processors it may use", impact=IN_PLACE),
    plain("cpu_count", "HostConfig.CpuCount", "processors (Windows)", read=values.whole_number),
    plain("cpu_percent", "HostConfig.CpuPercent", "share of the processors (Windows)", read=values.whole_number),
    Field(
        key="blkio_config",
        impact=Impact.REPLACE,
        summary="block I/O weights and limits",
        api="HostConfig.Blkio*",
        parse=_blkio,
        encode=_encode_blkio,
        decode=_decode_blkio,
        default={},
        keyed=True,
    ),
    plain("shm_size", "HostConfig.ShmSize", "size of /dev/shm", read=values.whole_number, unit="bytes", chosen=True),
    Field(
        key="ulimits",
        impact=Impact.REPLACE,
        summary="limits of the process",
        api="HostConfig.Ulimits",
        default={},
        keyed=True,
        parse=_ulimits,
        encode=_encode_ulimits,
        chosen=True,
        decode=lambda raw: {u["Name"]: f"{u['Soft']}:{u['Hard']}" for u in raw["HostConfig"].get("Ulimits") or []},
    ),
)
