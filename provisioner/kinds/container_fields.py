"""The fields of a container that are one value in Compose and one in the Engine API (ContainerCreate, HostConfig).

Sources: Compose Specification, services; Engine API 1.41 and later. Limits, devices and the structured
ones stand in files of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds import swarm_container as task
from provisioner.kinds import values
from provisioner.kinds.container_devices import DEVICES
from provisioner.kinds.container_files import decode_tmpfs
from provisioner.kinds.container_limits import LIMITS
from provisioner.kinds.fields import Field, Ignored, OnSwarm, PartOf, Refused, custom, on_swarm, plain, set_path
from provisioner.kinds.seccomp import canonical_form, parts
from provisioner.kinds.swarm_scheduling import SPEC, TASK
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from provisioner.model.edges import ComposeBody, EngineBody


def _restart(body: ComposeBody) -> Any:
    """`restart`, or `deploy.restart_policy` in its words."""
    policy = (body.get("deploy") or {}).get("restart_policy")
    if policy:
        condition = {"any": "always", "none": "no"}.get(policy.get("condition") or "any", policy.get("condition"))
        attempts = policy.get("max_attempts")
        return f"{condition}:{attempts}" if condition == "on-failure" and attempts else condition
    restart = body.get("restart") or "no"
    return "on-failure" if restart == "on-failure:0" else restart


def _encode_restart(raw: EngineBody, value: str) -> None:
    name, _, attempts = value.partition(":")
    set_path(raw, "HostConfig.RestartPolicy", {"Name": name, "MaximumRetryCount": int(attempts or 0)})


def _decode_restart(raw: EngineBody) -> Any:
    policy = raw["HostConfig"].get("RestartPolicy") or {}
    name = policy.get("Name") or "no"
    attempts = policy.get("MaximumRetryCount") or 0
    return f"{name}:{attempts}" if name == "on-failure" and attempts else name


def _capabilities(names: Any) -> list[str]:
    return sorted({str(name).upper().removeprefix("CAP_") for name in names or []})


def _isolation(value: str) -> str | None:
    return None if value == "default" else value


def _logging(body: ComposeBody) -> Any:
    logging = body.get("logging")
    if not logging:
        return None
    driver = {"driver": logging["driver"]} if logging.get("driver") else {}
    return {**driver, "options": values.pairs(logging.get("options"), "=")}


def _encode_logging(raw: EngineBody, value: Any) -> None:
    set_path(raw, "HostConfig.LogConfig", {"Type": value.get("driver", ""), "Config": value["options"]})


def _decode_logging(raw: EngineBody) -> Any:
    config = raw["HostConfig"].get("LogConfig") or {}
    return {"driver": config.get("Type") or "", "options": config.get("Config") or {}}


def _hostname_out(raw: EngineBody) -> Any:
    name = raw["Config"].get("Hostname") or ""
    return None if raw.get("Id", "").startswith(name) else name


def _addresses(entries: Any) -> list[str]:
    return [values.address(str(entry)) or "" for entry in entries]


def _hosts(entries: Any) -> list[str]:
    """`name:address` lines, from Compose's `name=address` list or a mapping."""
    if isinstance(entries, dict):
        return sorted(
            f"{name}:{values.address(str(ip))}" for name, addresses in entries.items() for ip in _listed(addresses)
        )
    split = (str(entry).replace("=", ":", 1).partition(":") for entry in entries or [])
    return sorted(f"{name}:{values.address(ip)}" for name, _, ip in split)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _tmpfs(body: ComposeBody) -> Any:
    return {entry.partition(":")[0]: entry.partition(":")[2] for entry in values.sorted_texts(body.get("tmpfs"))}


def _security_options(body: ComposeBody) -> Any:
    options = [_security_option(option) for option in body.get("security_opt") or []]
    options += [f"credentialspec={scheme}://{name}" for scheme, name in (body.get("credential_spec") or {}).items()]
    return sorted(options)


def _security_option(written: str) -> str:
    """An option as it is compared: other tools give an engine both `name=value` and `name:value`."""
    option = "=".join(part for part in parts(written) if part)
    return "no-new-privileges" if option == "no-new-privileges=true" else canonical_form(option)


def _decode_security_options(raw: EngineBody) -> Any:
    options = raw["HostConfig"].get("SecurityOpt") or []
    # `privileged` and `pid: host` make the engine write label=disable by itself.
    implied = (
        raw["HostConfig"].get("Privileged")
        or raw["HostConfig"].get("PidMode") == "host"
        or raw["HostConfig"].get("IpcMode") == "host"
    )
    canonical = (_security_option(option) for option in options)
    return sorted(option for option in canonical if not (implied and option == "label=disable"))


def _options(entries: Any) -> dict[str, str]:
    return values.pairs(entries, "=")


def _grace(value: str) -> str:
    """Whole seconds, rounded up: an engine counts no parts of them."""
    return values.duration(-(-values.nanoseconds(value) // 10**9) * 10**9)


def _encode_tmpfs(raw: EngineBody, value: dict[str, str]) -> None:
    raw["HostConfig"].setdefault("Tmpfs", {}).update(value)


_NODES, _PLAIN_ENGINE, _NEITHER = (
    Refused("set it on the nodes"),
    Refused("run the service on a plain engine"),
    Refused("leave it out"),
)


def _on_swarm_capabilities(api: str) -> OnSwarm:
    return OnSwarm(
        f"{SPEC}.{api}",
        into=lambda names: [f"CAP_{name}" if name != "ALL" else name for name in names],
        out=lambda names: sorted(name.removeprefix("CAP_") for name in names),
    )


PLAIN: tuple[Field, ...] = (
    custom(
        "hostname", "Config.Hostname", "name of the machine inside", lambda body: body.get("hostname"),
        lambda raw, value: set_path(raw, "Config.Hostname", value), _hostname_out, chosen=True,
        swarm=OnSwarm(f"{SPEC}.Hostname"),
    ),
    plain("domainname", "Config.Domainname", "domain of the machine inside", swarm=Ignored("fold it into hostname")),
    plain("tty", "Config.Tty", "a terminal", default=False, swarm=OnSwarm(f"{SPEC}.TTY")),
    plain(
        "stdin_open", "Config.OpenStdin", "standard input stays open", default=False,
        swarm=OnSwarm(f"{SPEC}.OpenStdin"),
    ),
    plain(
        "stop_grace_period", "Config.StopTimeout", "time between the stop signal and SIGKILL", explicit=True,
        read=_grace, into=lambda text: values.nanoseconds(text) // 10**9,
        out=lambda seconds: values.duration(seconds * 10**9),
        swarm=OnSwarm(f"{SPEC}.StopGracePeriod", into=values.nanoseconds, out=values.duration),
    ),
    custom(
        "restart", "HostConfig.RestartPolicy", "when the engine starts it again", _restart, _encode_restart,
        _decode_restart, impact=Impact.IN_PLACE, sources=("deploy.restart_policy", "restart"), default="no",
        swarm=PartOf("restart_policy"),
    ),
    *LIMITS,
    plain(
        "cap_add", "HostConfig.CapAdd", "capabilities it gains", default=[], read=_capabilities, out=_capabilities,
        swarm=_on_swarm_capabilities("CapabilityAdd"),
    ),
    plain(
        "cap_drop", "HostConfig.CapDrop", "capabilities it loses", default=[], read=_capabilities, out=_capabilities,
        swarm=_on_swarm_capabilities("CapabilityDrop"),
    ),
    plain(
        "privileged", "HostConfig.Privileged", "all capabilities and devices", default=False,
        swarm=Refused("name the capabilities under cap_add, or use a plain engine"),
    ),
    plain(
        "read_only", "HostConfig.ReadonlyRootfs", "the root file system can not be written", default=False,
        swarm=OnSwarm(f"{SPEC}.ReadOnly"),
    ),
    custom(
        "security_opt", "HostConfig.SecurityOpt", "security options", _security_options,
        lambda raw, value: set_path(raw, "HostConfig.SecurityOpt", value), _decode_security_options, default=[],
        sources=("security_opt", "credential_spec"),
        swarm=on_swarm(
            f"{SPEC}.Privileges", task.encode_privileges, task.decode_privileges, task.parse_privileges, default={},
        ),
    ),
    plain("userns_mode", "HostConfig.UsernsMode", "user namespace", swarm=_NODES),
    plain("uts", "HostConfig.UTSMode", "UTS namespace", swarm=_PLAIN_ENGINE),
    plain(
        "cgroup", "HostConfig.CgroupnsMode", "cgroup namespace", chosen=True, since=(1, 41), swarm=_NEITHER,
    ),
    plain("cgroup_parent", "HostConfig.CgroupParent", "parent cgroup", swarm=_NEITHER),
    *DEVICES,
    plain(
        "dns", "HostConfig.Dns", "name servers", default=[], read=_addresses, out=_addresses,
        swarm=OnSwarm(f"{SPEC}.DNSConfig.Nameservers"),
    ),
    plain(
        "dns_opt", "HostConfig.DnsOptions", "resolver options", default=[], swarm=OnSwarm(f"{SPEC}.DNSConfig.Options"),
    ),
    plain(
        "dns_search", "HostConfig.DnsSearch", "search domains", default=[], swarm=OnSwarm(f"{SPEC}.DNSConfig.Search"),
    ),
    plain(
        "extra_hosts", "HostConfig.ExtraHosts", "lines of /etc/hosts", default=[], read=_hosts, out=_hosts,
        swarm=OnSwarm(f"{SPEC}.Hosts", into=task.hosts_into, out=task.hosts_out),
    ),
    plain(
        "group_add", "HostConfig.GroupAdd", "further groups", default=[], read=values.sorted_texts,
        out=values.sorted_texts, swarm=OnSwarm(f"{SPEC}.Groups", out=values.sorted_texts),
    ),
    plain(
        "init", "HostConfig.Init", "a small init process", chosen=True, explicit=True, swarm=OnSwarm(f"{SPEC}.Init"),
    ),
    plain(
        "isolation", "HostConfig.Isolation", "isolation (Windows)", read=_isolation, out=_isolation,
        swarm=OnSwarm(f"{SPEC}.Isolation", out=_isolation),
    ),
    plain(
        "runtime", "HostConfig.Runtime", "OCI runtime", chosen=True,
        swarm=Refused("make it the default runtime of the nodes"),
    ),
    plain(
        "sysctls", "HostConfig.Sysctls", "kernel parameters", default={}, read=_options, keyed=True,
        swarm=OnSwarm(f"{SPEC}.Sysctls"),
    ),
    plain(
        "storage_opt", "HostConfig.StorageOpt", "options of the storage driver", default={}, read=_options, keyed=True,
        swarm=_NODES,
    ),
    custom(
        "tmpfs", "HostConfig.Tmpfs", "file systems in memory", _tmpfs, _encode_tmpfs, decode_tmpfs, default={},
        keyed=True,
        swarm=on_swarm(f"{SPEC}.Mounts", task.encode_tmpfs, task.decode_tmpfs, task.parse_tmpfs, default={}),
    ),
    custom(
        "logging", "HostConfig.LogConfig", "where the output goes", _logging, _encode_logging, _decode_logging,
        chosen=True, keyed=True, swarm=on_swarm(f"{TASK}.LogDriver", task.encode_logging, task.decode_logging),
    ),
    plain(
        "annotations", "HostConfig.Annotations", "annotations for the runtime", default={}, read=_options, keyed=True,
        since=(1, 43), swarm=Refused("use labels"),
    ),
)  # fmt: skip
