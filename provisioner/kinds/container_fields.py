"""The fields of a container that are one value in Compose and one in the Engine API (ContainerCreate, HostConfig).

Sources: Compose Specification, services; Engine API 1.41 and later. Limits, devices and the structured
ones stand in files of their own.
"""

from __future__ import annotations

from typing import Any

from provisioner.kinds import values
from provisioner.kinds.container_devices import DEVICES
from provisioner.kinds.container_files import decode_tmpfs
from provisioner.kinds.container_limits import LIMITS
from provisioner.kinds.fields import Field, Raw, plain, set_path
from provisioner.kinds.seccomp import parts, settled
from provisioner.model.change import Impact

IN_PLACE = Impact.IN_PLACE


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


def _isolation(value: str) -> str | None:
    return None if value == "default" else value


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


def _addresses(entries: Any) -> list[str]:
    return [values.address(str(entry)) or "" for entry in entries]


def _hosts(entries: Any) -> list[str]:
    """`name:address` lines, from Compose's `name=address` list or a mapping."""
    if isinstance(entries, dict):
        return sorted(f"{name}:{values.address(str(ip))}" for name, one in entries.items() for ip in _listed(one))
    split = (str(entry).replace("=", ":", 1).partition(":") for entry in entries or [])
    return sorted(f"{name}:{values.address(ip)}" for name, _, ip in split)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _tmpfs(body: Raw) -> Any:
    return {entry.partition(":")[0]: entry.partition(":")[2] for entry in values.sorted_texts(body.get("tmpfs"))}


def _security_options(body: Raw) -> Any:
    options = ["=".join(part for part in parts(option) if part) for option in body.get("security_opt") or []]
    options += [f"credentialspec={scheme}://{name}" for scheme, name in (body.get("credential_spec") or {}).items()]
    return sorted("no-new-privileges" if o == "no-new-privileges=true" else settled(o) for o in options)


def _decode_security_options(raw: Raw) -> Any:
    options = raw["HostConfig"].get("SecurityOpt") or []
    # `privileged` and `pid: host` make the engine write label=disable by itself.
    implied = (
        raw["HostConfig"].get("Privileged")
        or raw["HostConfig"].get("PidMode") == "host"
        or raw["HostConfig"].get("IpcMode") == "host"
    )
    return sorted(settled(o) for o in options if not (implied and o == "label=disable"))


def _grace(body: Raw) -> Any:
    value = body.get("stop_grace_period")
    return None if value is None else values.duration(-(-values.nanoseconds(value) // 10**9) * 10**9)


PLAIN: tuple[Field, ...] = (
    Field(
        key="hostname",
        impact=Impact.REPLACE,
        summary="name of the machine inside",
        api="Config.Hostname",
        chosen=True,
        parse=lambda body: body.get("hostname") or None,
        decode=_hostname_out,
        encode=lambda raw, value: set_path(raw, "Config.Hostname", value) if value else None,
    ),
    plain("domainname", "Config.Domainname", "domain of the machine inside"),
    plain("tty", "Config.Tty", "a terminal", default=False),
    plain("stdin_open", "Config.OpenStdin", "standard input stays open", default=False),
    Field(
        key="stop_grace_period",
        impact=Impact.REPLACE,
        summary="time between the stop signal and SIGKILL",
        api="Config.StopTimeout",
        parse=_grace,
        encode=lambda raw, value: (
            set_path(raw, "Config.StopTimeout", values.nanoseconds(value) // 10**9) if value else None
        ),
        decode=lambda raw: (
            None if raw["Config"].get("StopTimeout") is None else values.duration(raw["Config"]["StopTimeout"] * 10**9)
        ),
    ),
    Field(
        key="restart",
        impact=IN_PLACE,
        summary="when the engine starts it again",
        api="HostConfig.RestartPolicy",
        parse=_restart,
        encode=_encode_restart,
        decode=_decode_restart,
        default="no",
    ),
    *LIMITS,
    plain("cap_add", "HostConfig.CapAdd", "capabilities it gains", default=[], read=_capabilities, out=_capabilities),
    plain("cap_drop", "HostConfig.CapDrop", "capabilities it loses", default=[], read=_capabilities, out=_capabilities),
    plain("privileged", "HostConfig.Privileged", "all capabilities and devices", default=False),
    plain("read_only", "HostConfig.ReadonlyRootfs", "the root file system can not be written", default=False),
    Field(
        key="security_opt",
        impact=Impact.REPLACE,
        summary="security options",
        api="HostConfig.SecurityOpt",
        default=[],
        parse=_security_options,
        decode=_decode_security_options,
        encode=lambda raw, value: set_path(raw, "HostConfig.SecurityOpt", value) if value else None,
    ),
    plain("userns_mode", "HostConfig.UsernsMode", "user namespace"),
    plain("uts", "HostConfig.UTSMode", "UTS namespace"),
    plain("cgroup", "HostConfig.CgroupnsMode", "cgroup namespace", chosen=True, since=(1, 41)),
    plain("cgroup_parent", "HostConfig.CgroupParent", "parent cgroup"),
    *DEVICES,
    plain("dns", "HostConfig.Dns", "name servers", default=[], read=_addresses, out=_addresses),
    plain("dns_opt", "HostConfig.DnsOptions", "resolver options", default=[]),
    plain("dns_search", "HostConfig.DnsSearch", "search domains", default=[]),
    plain("extra_hosts", "HostConfig.ExtraHosts", "lines of /etc/hosts", default=[], read=_hosts, out=_hosts),
    plain(
        "group_add",
        "HostConfig.GroupAdd",
        "further groups",
        default=[],
        read=values.sorted_texts,
        out=values.sorted_texts,
    ),
    plain("init", "HostConfig.Init", "a small init process", chosen=True, explicit=True),
    plain("isolation", "HostConfig.Isolation", "isolation (Windows)", read=_isolation, out=_isolation),
    plain("runtime", "HostConfig.Runtime", "OCI runtime", chosen=True),
    plain(
        "sysctls",
        "HostConfig.Sysctls",
        "kernel parameters",
        default={},
        read=lambda v: values.pairs(v, "="),
        keyed=True,
    ),
    plain(
        "storage_opt",
        "HostConfig.StorageOpt",
        "options of the storage driver",
        default={},
        read=lambda v: values.pairs(v, "="),
        keyed=True,
    ),
    Field(
        key="tmpfs",
        impact=Impact.REPLACE,
        summary="file systems in memory",
        api="HostConfig.Tmpfs",
        default={},
        keyed=True,
        parse=_tmpfs,
        encode=lambda raw, value: set_path(raw, "HostConfig.Tmpfs", value) if value else None,
        decode=decode_tmpfs,
    ),
    Field(
        key="logging",
        impact=Impact.REPLACE,
        summary="where the output goes",
        api="HostConfig.LogConfig",
        chosen=True,
        parse=_logging,
        encode=_encode_logging,
        decode=_decode_logging,
        keyed=True,
    ),
    plain(
        "annotations",
        "HostConfig.Annotations",
        "annotations for the runtime",
        default={},
        read=lambda v: values.pairs(v, "="),
        keyed=True,
        since=(1, 43),
    ),
)
