"""The fields of a container that are one value in Compose and one in the Engine API (ContainerCreate, HostConfig).

Sources: Compose Specification, services; Engine API 1.41 and later. The structured ones stand in files of their own.
"""

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
        key=key, summary=summary, api=api, impact=IN_PLACE,
        parse=lambda body: read(body, own, convert) or None,
        encode=lambda raw, value: set_path(raw, api, more["into"](value) if "into" in more else value) if value else None,
        decode=lambda raw: (lambda value: (out(value) if out else value) if value and value > 0 else None)(
            (raw.get("HostConfig") or {}).get(api.partition(".")[2])
        ),
        unit=more.get("unit", ""),
    )  # fmt: skip


def _restart(body: Raw) -> Any:
    """`restart`, or `deploy.restart_policy` in its words."""
    policy = (body.get("deploy") or {}).get("restart_policy")
    if policy:
        condition = {"any": "always", "none": "no"}.get(policy.get("condition") or "any", policy.get("condition"))
        attempts = policy.get("max_attempts")
        return f"{condition}:{attempts}" if condition == "on-failure" and attempts else condition
    restart = body.get("restart") or "no"
    return "on-failure" if restart == "on-failure:0" else restart


def _encode_restart(raw: Raw, value: str) -> None:
    name, _, attempts = value.partition(":")
    set_path(raw, "HostConfig.RestartPolicy", {"Name": name, "MaximumRetryCount": int(attempts or 0)})


def _decode_restart(raw: Raw) -> Any:
    policy = raw["HostConfig"].get("RestartPolicy") or {}
    name = policy.get("Name") or "no"
    attempts = policy.get("MaximumRetryCount") or 0
    return f"{name}:{attempts}" if name == "on-failure" and attempts else name


def _capabilities(names: Any) -> list[str]:
    return sorted({str(name).upper().removeprefix("CAP_") for name in names or []})


def _positive(value: Any) -> int | None:
    """A limit; zero and below mean that there is none."""
    number = values.whole_number(value)
    return number if number > 0 else None


def _isolation(value: str) -> str | None:
    return None if value == "default" else value


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


def _logging(body: Raw) -> Any:
    logging = body.get("logging")
    if not logging:
        return None
    driver = {"driver": logging["driver"]} if logging.get("driver") else {}
    return {**driver, "options": values.pairs(logging.get("options"), "=")}


def _encode_logging(raw: Raw, value: Any) -> None:
    if value:
        set_path(raw, "HostConfig.LogConfig", {"Type": value.get("driver", ""), "Config": value["options"]})


def _decode_logging(raw: Raw) -> Any:
    config = raw["HostConfig"].get("LogConfig") or {}
    return {"driver": config.get("Type") or "", "options": config.get("Config") or {}}


def _hostname_out(raw: Raw) -> Any:
    name = raw["Config"].get("Hostname") or ""
    return None if not name or raw.get("Id", "").startswith(name) else name


def _hosts(entries: Any) -> list[str]:
    """`name:address` lines, from Compose's `name=address` list or a mapping."""
    if isinstance(entries, dict):
        return sorted(f"{name}:{address}" for name, one in entries.items() for address in _listed(one))
    return sorted(str(entry).replace("=", ":", 1) for entry in entries or [])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_cdi(device: Raw) -> bool:
    """Whether a device is named the Container Device Interface's way: vendor.com/class=name."""
    source = str(device["source"])
    return not source.startswith("/") and "/" in source and "=" in source


def _devices(body: Raw) -> Any:
    result = {}
    for device in body.get("devices") or []:
        if _is_cdi(device):
            continue
        target = device.get("target") or device["source"]
        result[target] = {"source": device["source"], "permissions": device.get("permissions") or "rwm"}
    return result


def _encode_devices(raw: Raw, value: dict[str, Any]) -> None:
    devices = [
        {"PathOnHost": d["source"], "PathInContainer": target, "CgroupPermissions": d["permissions"]}
        for target, d in sorted(value.items())
    ]
    if devices:
        set_path(raw, "HostConfig.Devices", devices)


def _decode_devices(raw: Raw) -> Any:
    return {
        d["PathInContainer"]: {"source": d["PathOnHost"], "permissions": d["CgroupPermissions"]}
        for d in raw["HostConfig"].get("Devices") or []
    }


def _device_requests(body: Raw) -> Any:
    wanted = [*(((body.get("deploy") or {}).get("resources") or {}).get("reservations") or {}).get("devices", [])]
    wanted += [{**gpu, "capabilities": ["gpu", *gpu.get("capabilities", [])]} for gpu in body.get("gpus") or []]
    requests = [
        {
            "driver": request.get("driver") or "",
            "count": int(request.get("count") or (0 if request.get("device_ids") else -1)),
            "device_ids": values.sorted_texts(request.get("device_ids")),
            "capabilities": values.sorted_texts(request.get("capabilities")),
            "options": values.pairs(request.get("options"), "="),
        }
        for request in wanted
    ]
    named = [str(device["source"]) for device in body.get("devices") or [] if _is_cdi(device)]
    if named:
        requests.append({"driver": "cdi", "count": 0, "device_ids": sorted(named), "capabilities": [], "options": {}})
    return requests or None


def _encode_device_requests(raw: Raw, value: Any) -> None:
    if value:
        set_path(
            raw,
            "HostConfig.DeviceRequests",
            [
                {
                    "Driver": r["driver"], "Count": r["count"], "DeviceIDs": r["device_ids"] or None,
                    "Capabilities": [r["capabilities"]] if r["capabilities"] else None, "Options": r["options"],
                }
                for r in value
            ],
        )  # fmt: skip


def _decode_device_requests(raw: Raw) -> Any:
    requests = [
        {
            "driver": r.get("Driver") or "",
            "count": r.get("Count") or 0,
            "device_ids": values.sorted_texts(r.get("DeviceIDs")),
            "capabilities": values.sorted_texts((r.get("Capabilities") or [[]])[0]),
            "options": r.get("Options") or {},
        }
        for r in raw["HostConfig"].get("DeviceRequests") or []
    ]
    return requests or None


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


def _tmpfs(body: Raw) -> Any:
    return {entry.partition(":")[0]: entry.partition(":")[2] for entry in values.sorted_texts(body.get("tmpfs"))}


def _security_options(body: Raw) -> Any:
    options = [
        option.replace(":", "=", 1) if "=" not in option else option for option in body.get("security_opt") or []
    ]
    options += [f"credentialspec={scheme}://{name}" for scheme, name in (body.get("credential_spec") or {}).items()]
    return sorted("no-new-privileges" if o == "no-new-privileges=true" else o for o in options)


def _decode_security_options(raw: Raw) -> Any:
    options = raw["HostConfig"].get("SecurityOpt") or []
    # `privileged` and `pid: host` make the engine write label=disable by itself.
    implied = (
        raw["HostConfig"].get("Privileged")
        or raw["HostConfig"].get("PidMode") == "host"
        or raw["HostConfig"].get("IpcMode") == "host"
    )
    return sorted(o for o in options if not (implied and o == "label=disable"))


def _grace(body: Raw) -> Any:
    value = body.get("stop_grace_period")
    return None if value is None else values.duration(-(-values.nanoseconds(value) // 10**9) * 10**9)


PLAIN: tuple[Field, ...] = (
    Field(
        key="hostname", impact=Impact.REPLACE, summary="name of the machine inside", api="Config.Hostname", chosen=True,
        parse=lambda body: body.get("hostname") or None, decode=_hostname_out,
        encode=lambda raw, value: set_path(raw, "Config.Hostname", value) if value else None,
    ),
    plain("domainname", "Config.Domainname", "domain of the machine inside"),
    plain("tty", "Config.Tty", "a terminal", default=False),
    plain("stdin_open", "Config.OpenStdin", "standard input stays open", default=False),
    Field(
        key="stop_grace_period", impact=Impact.REPLACE, summary="time between the stop signal and SIGKILL",
        api="Config.StopTimeout", parse=_grace,
        encode=lambda raw, value: set_path(raw, "Config.StopTimeout", values.nanoseconds(value) // 10**9) if value else None,
        decode=lambda raw: None if raw["Config"].get("StopTimeout") is None else values.duration(raw["Config"]["StopTimeout"] * 10**9),
    ),
    Field(
        key="restart", impact=IN_PLACE, summary="when the engine starts it again", api="HostConfig.RestartPolicy",
        parse=_restart, encode=_encode_restart, decode=_decode_restart, default="no",
    ),
    _resource("mem_limit", "mem_limit", "HostConfig.Memory", "most memory", ("limits", "memory"), values.whole_number, unit="bytes"),
    _resource("mem_reservation", "mem_reservation", "HostConfig.MemoryReservation", "memory it should have",
              ("reservations", "memory"), values.whole_number, unit="bytes"),
    _resource("cpus", "cpus", "HostConfig.NanoCpus", "most CPU time", ("limits", "cpus"), float, values.cpus, into=values.nano_cpus),
    _resource("pids_limit", "pids_limit", "HostConfig.PidsLimit", "most processes", ("limits", "pids"), _positive),
    Field(
        key="memswap_limit", impact=IN_PLACE, summary="memory and swap together", api="HostConfig.MemorySwap", unit="bytes",
        parse=_swap,
        encode=lambda raw, value: set_path(raw, "HostConfig.MemorySwap", value) if value else None, decode=_swap_out,
    ),
    plain("mem_swappiness", "HostConfig.MemorySwappiness", "how willingly memory is swapped", read=values.whole_number,
          out=lambda value: None if value == -1 else value, explicit=True),
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
    Field(key="blkio_config", impact=Impact.REPLACE, summary="block I/O weights and limits", api="HostConfig.Blkio*",
          parse=_blkio, encode=_encode_blkio, decode=_decode_blkio, default={}, keyed=True),
    plain("cap_add", "HostConfig.CapAdd", "capabilities it gains", default=[], read=_capabilities, out=_capabilities),
    plain("cap_drop", "HostConfig.CapDrop", "capabilities it loses", default=[], read=_capabilities, out=_capabilities),
    plain("privileged", "HostConfig.Privileged", "all capabilities and devices", default=False),
    plain("read_only", "HostConfig.ReadonlyRootfs", "the root file system can not be written", default=False),
    Field(key="security_opt", impact=Impact.REPLACE, summary="security options", api="HostConfig.SecurityOpt", default=[],
          parse=_security_options, decode=_decode_security_options,
          encode=lambda raw, value: set_path(raw, "HostConfig.SecurityOpt", value) if value else None),
    plain("userns_mode", "HostConfig.UsernsMode", "user namespace"),
    plain("uts", "HostConfig.UTSMode", "UTS namespace"),
    plain("cgroup", "HostConfig.CgroupnsMode", "cgroup namespace", chosen=True, since=(1, 41)),
    plain("cgroup_parent", "HostConfig.CgroupParent", "parent cgroup"),
    Field(key="devices", impact=Impact.REPLACE, summary="devices of the host", api="HostConfig.Devices", default={}, keyed=True,
          parse=_devices, encode=_encode_devices, decode=_decode_devices),
    plain("device_cgroup_rules", "HostConfig.DeviceCgroupRules", "rules for devices", default=[], read=values.sorted_texts,
          out=values.sorted_texts),
    Field(key="gpus", impact=Impact.REPLACE, summary="devices by capability", api="HostConfig.DeviceRequests",
          parse=_device_requests, encode=_encode_device_requests, decode=_decode_device_requests),
    plain("dns", "HostConfig.Dns", "name servers", default=[]),
    plain("dns_opt", "HostConfig.DnsOptions", "resolver options", default=[]),
    plain("dns_search", "HostConfig.DnsSearch", "search domains", default=[]),
    plain("extra_hosts", "HostConfig.ExtraHosts", "lines of /etc/hosts", default=[], read=_hosts, out=_hosts),
    plain("group_add", "HostConfig.GroupAdd", "further groups", default=[], read=values.sorted_texts, out=values.sorted_texts),
    plain("init", "HostConfig.Init", "a small init process", chosen=True, explicit=True),
    plain("isolation", "HostConfig.Isolation", "isolation (Windows)", read=_isolation, out=_isolation),
    plain("runtime", "HostConfig.Runtime", "OCI runtime", chosen=True),
    plain("shm_size", "HostConfig.ShmSize", "size of /dev/shm", read=values.whole_number, unit="bytes", chosen=True),
    plain("sysctls", "HostConfig.Sysctls", "kernel parameters", default={}, read=lambda v: values.pairs(v, "="), keyed=True),
    Field(key="ulimits", impact=Impact.REPLACE, summary="limits of the process", api="HostConfig.Ulimits", default={}, keyed=True,
          parse=_ulimits, encode=_encode_ulimits, chosen=True,
          decode=lambda raw: {u["Name"]: f"{u['Soft']}:{u['Hard']}" for u in raw["HostConfig"].get("Ulimits") or []}),
    plain("storage_opt", "HostConfig.StorageOpt", "options of the storage driver", default={}, read=lambda v: values.pairs(v, "="),
          keyed=True),
    Field(key="tmpfs", impact=Impact.REPLACE, summary="file systems in memory", api="HostConfig.Tmpfs", default={}, keyed=True,
          parse=_tmpfs, encode=lambda raw, value: set_path(raw, "HostConfig.Tmpfs", value) if value else None,
          decode=lambda raw: raw["HostConfig"].get("Tmpfs") or {}),
    Field(key="logging", impact=Impact.REPLACE, summary="where the output goes", api="HostConfig.LogConfig", chosen=True,
          parse=_logging, encode=_encode_logging, decode=_decode_logging, keyed=True),
    plain("annotations", "HostConfig.Annotations", "annotations for the runtime", default={},
          read=lambda v: values.pairs(v, "="), keyed=True, since=(1, 43)),
)  # fmt: skip
