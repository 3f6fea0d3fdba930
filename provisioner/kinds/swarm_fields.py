"""The fields of a Swarm service: Compose's keys and the Engine API's ServiceSpec (1.41 and later).

What containers share with services is read by the container's own parser; here stand only the Swarm paths.
"""

from __future__ import annotations

from typing import Any

from provisioner.kinds import healthcheck, values
from provisioner.kinds.container_mounts import ROOTS, decode_mount, encode_mount
from provisioner.kinds.container_networks import parse_networks
from provisioner.kinds.fields import EMPTY, Field, Raw, get_path, set_path
from provisioner.kinds.ownership import user_labels
from provisioner.model.change import Impact

TASK = "TaskTemplate"
SPEC = "TaskTemplate.ContainerSpec"
# The reference as the playbook says it; the service itself is pinned to a digest where the registry tells one.
IMAGE_LABEL = "provisioner.image"
# The digest of what a locally built image was made from: a new one moves the tasks to the new image.
BUILD_LABEL = "provisioner.build"
SHM = "/dev/shm"
_NO_PARSE = "read by the container's parser"


def shared(
    key: str, api: str, summary: str, *, into: Any = None, out: Any = None, default: Any = None, **more: Any
) -> Field:
    """A field whose value the container's parser gives."""

    def encode(raw: Raw, value: Any) -> None:
        if value not in EMPTY:
            set_path(raw, api, into(value) if into else value)

    def decode(raw: Raw) -> Any:
        value = get_path(raw, api)
        return default if value in EMPTY else out(value) if out else value

    return Field(
        key=key, impact=Impact.IN_PLACE, summary=summary, api=api, default=default,
        parse=lambda body: _NO_PARSE, encode=encode, decode=decode, **more,
    )  # fmt: skip


def own(
    key: str, api: str, summary: str, parse: Any, encode: Any, decode: Any, *, default: Any = None, keyed: bool = False,
    impact: Impact = Impact.IN_PLACE,
) -> Field:  # fmt: skip
    """A field that only services have, or that is written quite differently there."""
    return Field(
        key=key, impact=impact, summary=summary, api=api, default=default, keyed=keyed,
        parse=parse, encode=encode, decode=decode,
    )  # fmt: skip


def deploy(body: Raw, *path: str) -> Any:
    """A value below `deploy`, or None."""
    value: Any = body.get("deploy")
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


# Update and rollback policies: every field is sent, as the clients' defaults differ from the engine's.
_POLICY_DEFAULTS: dict[str, Any] = {
    "parallelism": 1, "delay": "0s", "failure_action": "pause", "monitor": "5s", "max_failure_ratio": 0.0,
    "order": "stop-first",
}  # fmt: skip


def policy(key: str, api: str, failure_action: str) -> Field:
    """`update_config` or `rollback_config`; a failed update goes back to what worked unless the playbook says else."""
    defaults = {**_POLICY_DEFAULTS, "failure_action": failure_action}

    def parse(body: Raw) -> Any:
        if is_job(body):
            return None
        given = {k: v for k, v in (deploy(body, key) or {}).items() if v is not None}
        if key == "update_config":
            for name, value in (body.get("update") or {}).items():
                given[{"on_failure": "failure_action"}.get(name, name)] = value
        return {**defaults, **given, "max_failure_ratio": float(given.get("max_failure_ratio") or 0)}

    def encode(raw: Raw, value: Any) -> None:
        if value is not None:
            raw[api] = {
                "Parallelism": int(value["parallelism"]),
                "Delay": values.nanoseconds(value["delay"]),
                "FailureAction": value["failure_action"],
                "Monitor": values.nanoseconds(value["monitor"]),
                "MaxFailureRatio": value["max_failure_ratio"],
                "Order": value["order"],
            }

    def decode(raw: Raw) -> Any:
        live = raw.get(api)
        if not live:
            return None
        return {
            "parallelism": live.get("Parallelism") or 0,
            "delay": values.duration(live.get("Delay") or 0),
            "failure_action": live.get("FailureAction") or "pause",
            "monitor": values.duration(live.get("Monitor") or 5 * 10**9),
            "max_failure_ratio": float(live.get("MaxFailureRatio") or 0),
            "order": live.get("Order") or "stop-first",
        }

    return own(key, api, f"deploy.{key}", parse, encode, decode, keyed=True)


def is_job(body: Raw) -> bool:
    return bool(body.get("job")) or str(deploy(body, "mode") or "").endswith("-job")


def _mode(body: Raw) -> str:
    mode = str(deploy(body, "mode") or "replicated")
    return f"{mode}-job" if body.get("job") and not mode.endswith("-job") else mode


def _encode_mode(raw: Raw, value: str) -> None:
    """Replicas are written by the service kind: they belong to the same object."""
    raw["Mode"] = {
        "replicated": {"Replicated": {}}, "global": {"Global": {}},
        "replicated-job": {"ReplicatedJob": {}}, "global-job": {"GlobalJob": {}},
    }[value]  # fmt: skip


def _decode_mode(raw: Raw) -> str:
    names = {
        "Replicated": "replicated",
        "Global": "global",
        "ReplicatedJob": "replicated-job",
        "GlobalJob": "global-job",
    }
    return next((names[key] for key in raw.get("Mode") or {} if key in names), "replicated")


def _encode_replicas(raw: Raw, value: Any) -> None:
    mode = raw.get("Mode") or {}
    if "Replicated" in mode:
        mode["Replicated"]["Replicas"] = value
    elif "ReplicatedJob" in mode:
        mode["ReplicatedJob"] = {"MaxConcurrent": value, "TotalCompletions": value}


def _decode_replicas(raw: Raw) -> Any:
    mode = raw.get("Mode") or {}
    if "Replicated" in mode:
        return mode["Replicated"].get("Replicas", 1)
    if "ReplicatedJob" in mode:
        return mode["ReplicatedJob"].get("TotalCompletions", 1)
    return None


_CONDITIONS = {"no": "none", "always": "any", "unless-stopped": "any", "on-failure": "on-failure"}


def _restart(body: Raw) -> Any:
    given = deploy(body, "restart_policy") or {}
    name, _, attempts = str(body.get("restart") or "").partition(":")
    condition = given.get("condition") or _CONDITIONS.get(name) or ("none" if is_job(body) else "any")
    return {
        "condition": condition,
        "delay": given.get("delay") or "5s",
        "max_attempts": int(given.get("max_attempts") or attempts or 0),
        "window": given.get("window") or "0s",
    }


def _encode_restart(raw: Raw, value: Any) -> None:
    set_path(raw, f"{TASK}.RestartPolicy", {
        "Condition": value["condition"], "Delay": values.nanoseconds(value["delay"]),
        "MaxAttempts": value["max_attempts"], "Window": values.nanoseconds(value["window"]),
    })  # fmt: skip


def _decode_restart(raw: Raw) -> Any:
    live = get_path(raw, f"{TASK}.RestartPolicy") or {}
    return {
        "condition": live.get("Condition") or "any",
        "delay": values.duration(live["Delay"] if "Delay" in live else 5 * 10**9),
        "max_attempts": live.get("MaxAttempts") or 0,
        "window": values.duration(live.get("Window") or 0),
    }


def _placement(body: Raw) -> Any:
    given = deploy(body, "placement") or {}
    os, _, architecture = str(body.get("platform") or "").partition("/")
    result = {
        "constraints": sorted(_constraint(c) for c in given.get("constraints") or []),
        "preferences": [p["spread"] for p in given.get("preferences") or []],
        "max_replicas_per_node": int(given.get("max_replicas_per_node") or 0),
        "platforms": [f"{os}/{architecture}"] if os else [],
    }
    return {key: value for key, value in result.items() if value}


def _constraint(text: str) -> str:
    """`node.role == manager` and `node.role==manager` are the same."""
    for operator in ("==", "!="):
        left, found, right = text.partition(operator)
        if found:
            return f"{left.strip()}{operator}{right.strip()}"
    return text.strip()


def _encode_placement(raw: Raw, value: Any) -> None:
    placement: Raw = {}
    if "constraints" in value:
        placement["Constraints"] = value["constraints"]
    if "preferences" in value:
        placement["Preferences"] = [{"Spread": {"SpreadDescriptor": one}} for one in value["preferences"]]
    if "max_replicas_per_node" in value:
        placement["MaxReplicas"] = value["max_replicas_per_node"]
    if "platforms" in value:
        pairs = [one.partition("/") for one in value["platforms"]]
        placement["Platforms"] = [{"OS": os, "Architecture": architecture} for os, _, architecture in pairs]
    set_path(raw, f"{TASK}.Placement", placement)


def _decode_placement(raw: Raw) -> Any:
    live = get_path(raw, f"{TASK}.Placement") or {}
    result = {
        "constraints": sorted(_constraint(c) for c in live.get("Constraints") or []),
        "preferences": [p["Spread"]["SpreadDescriptor"] for p in live.get("Preferences") or []],
        "max_replicas_per_node": live.get("MaxReplicas") or 0,
        # A digest's platforms are added by clients that resolve it; a declared one is a single entry.
        "platforms": [f"{p.get('OS', '')}/{p.get('Architecture', '')}" for p in live.get("Platforms") or []],
    }
    return {key: value for key, value in result.items() if value}


def _ports(body: Raw) -> Any:
    result: dict[str, Any] = {}
    for port in body.get("ports") or []:
        key = f"{port['target']}/{port.get('protocol') or 'tcp'}"
        result.setdefault(key, []).append(f"{port.get('published') or ''}:{port.get('mode') or 'ingress'}")
    return {key: sorted(entries) for key, entries in result.items()}


def _encode_ports(raw: Raw, value: Any) -> None:
    ports = []
    for target, entries in sorted(value.items()):
        number, _, protocol = target.partition("/")
        for entry in entries:
            published, _, mode = entry.partition(":")
            port: Raw = {"Protocol": protocol, "TargetPort": int(number), "PublishMode": mode}
            ports.append({**port, "PublishedPort": int(published)} if published else port)
    if ports:
        set_path(raw, "EndpointSpec.Ports", ports)


def _decode_ports(raw: Raw) -> Any:
    result: dict[str, list[str]] = {}
    for port in get_path(raw, "EndpointSpec.Ports") or []:
        key = f"{port['TargetPort']}/{port.get('Protocol') or 'tcp'}"
        result.setdefault(key, []).append(f"{port.get('PublishedPort') or ''}:{port.get('PublishMode') or 'ingress'}")
    return {key: sorted(entries) for key, entries in result.items()}


def _encode_mounts(raw: Raw, value: Any) -> None:
    if value:
        mounts = [encode_mount(target, entry) for target, entry in sorted(value.items())]
        get_path(raw, SPEC).setdefault("Mounts", []).extend(mounts)


def _decode_mounts(raw: Raw) -> Any:
    mounts = get_path(raw, f"{SPEC}.Mounts") or []
    return {
        m["Target"]: decode_mount(m) for m in mounts if m["Type"] != "tmpfs" or m["Target"] not in _short_tmpfs(raw)
    }


def _short_tmpfs(raw: Raw) -> set[str]:
    """Targets of `tmpfs` and `shm_size`, which become mounts here; the label tells them from long-form mounts."""
    return set((get_path(raw, f"{SPEC}.Labels") or {}).get("provisioner.tmpfs", "").split(",")) - {""}


def _tmpfs(body: Raw) -> Any:
    result = {}
    for entry in values.sorted_texts(body.get("tmpfs")):
        target, _, options = entry.partition(":")
        wanted = dict(option.partition("=")[::2] for option in options.split(",") if option)
        entry_of: Raw = {"type": "tmpfs"}
        if "size" in wanted:
            entry_of["size"] = _bytes(wanted["size"])
        if "mode" in wanted:
            entry_of["mode"] = int(wanted["mode"], 8)
        result[target] = entry_of
    if body.get("shm_size"):
        result[SHM] = {"type": "tmpfs", "size": values.whole_number(body["shm_size"])}
    return result


def _bytes(text: str) -> int:
    units = {"k": 2**10, "m": 2**20, "g": 2**30}
    return int(text[:-1]) * units[text[-1].lower()] if text[-1].lower() in units else int(text)


def _encode_tmpfs(raw: Raw, value: Any) -> None:
    if value:
        _encode_mounts(raw, value)
        get_path(raw, f"{SPEC}.Labels")["provisioner.tmpfs"] = ",".join(sorted(value))


def _decode_tmpfs(raw: Raw) -> Any:
    mounts = get_path(raw, f"{SPEC}.Mounts") or []
    return {m["Target"]: decode_mount(m) for m in mounts if m["Target"] in _short_tmpfs(raw)}


def _networks(body: Raw, service: str) -> Any:
    return {
        key: {name: entry[name] for name in ("aliases", "driver_opts") if name in entry}
        for key, entry in parse_networks(service, body).items()
    }


def _hosts_into(entries: list[str]) -> list[str]:
    pairs = [entry.partition(":") for entry in entries]
    return [f"{address} {name}" for name, _, address in pairs]


def _hosts_out(entries: list[str]) -> list[str]:
    pairs = [entry.partition(" ") for entry in entries]
    return sorted(f"{name}:{address}" for address, _, name in pairs)


def _logging_out(raw: Raw) -> Any:
    live = get_path(raw, f"{TASK}.LogDriver")
    return {"driver": live.get("Name") or "", "options": live.get("Options") or {}} if live else None


def _encode_logging(raw: Raw, value: Any) -> None:
    if value:
        set_path(raw, f"{TASK}.LogDriver", {"Name": value["driver"], "Options": value["options"]})


def _encode_ulimits(raw: Raw, value: dict[str, str]) -> None:
    if value:
        limits = [(name, *limit.split(":")) for name, limit in sorted(value.items())]
        set_path(raw, f"{SPEC}.Ulimits", [{"Name": n, "Soft": int(s), "Hard": int(h)} for n, s, h in limits])


def _privileges(body: Raw) -> Any:
    """The options of `security_opt` that Swarm takes (Privileges; seccomp and AppArmor since API 1.44)."""
    options = {}
    for option in body.get("security_opt") or []:
        name, _, value = str(option).replace(":", "=", 1).partition("=")
        if name == "no-new-privileges":
            options["no-new-privileges"] = "true"
        elif value == "unconfined" and name in ("seccomp", "apparmor"):
            options[name] = "unconfined"
    return options


def _encode_privileges(raw: Raw, value: Any) -> None:
    privileges: Raw = {}
    if "no-new-privileges" in value:
        privileges["NoNewPrivileges"] = True
    if "seccomp" in value:
        privileges["Seccomp"] = {"Mode": "unconfined"}
    if "apparmor" in value:
        privileges["AppArmor"] = {"Mode": "disabled"}
    if privileges:
        set_path(raw, f"{SPEC}.Privileges", privileges)


def _decode_privileges(raw: Raw) -> Any:
    live = get_path(raw, f"{SPEC}.Privileges") or {}
    result = {"no-new-privileges": "true"} if live.get("NoNewPrivileges") else {}
    if (live.get("Seccomp") or {}).get("Mode") == "unconfined":
        result["seccomp"] = "unconfined"
    if (live.get("AppArmor") or {}).get("Mode") == "disabled":
        result["apparmor"] = "unconfined"
    return result


def _generic(body: Raw) -> Any:
    given = deploy(body, "resources", "reservations", "generic_resources") or []
    specs = [entry["discrete_resource_spec"] for entry in given]
    return {spec["kind"]: int(spec["value"]) for spec in specs}


def _encode_generic(raw: Raw, value: Any) -> None:
    if value:
        resources = [{"DiscreteResourceSpec": {"Kind": k, "Value": v}} for k, v in sorted(value.items())]
        set_path(raw, f"{TASK}.Resources.Reservations.GenericResources", resources)


def _decode_generic(raw: Raw) -> Any:
    live = get_path(raw, f"{TASK}.Resources.Reservations.GenericResources") or []
    specs = [entry.get("DiscreteResourceSpec") or {} for entry in live]
    return {spec["Kind"]: spec["Value"] for spec in specs if spec}


def _cpu_reservation(body: Raw) -> Any:
    value = deploy(body, "resources", "reservations", "cpus")
    return float(value) if value else None


def _container_labels_out(labels: Raw) -> Any:
    return user_labels(labels)


FIELDS: tuple[Field, ...] = (
    own("mode", "Mode", "deploy.mode", _mode, _encode_mode, _decode_mode, default="replicated", impact=Impact.REPLACE),
    own("replicas", "Mode.Replicated.Replicas", "how many", lambda body: None, _encode_replicas, _decode_replicas),
    own("image", f"{SPEC}.Image", "the image", lambda body: None, lambda raw, value: None, lambda raw: None),
    own(
        "build",
        f"{SPEC}.Labels",
        "what the image was built from",
        lambda body: None,
        lambda raw, value: None,
        lambda raw: (get_path(raw, f"{SPEC}.Labels") or {}).get(BUILD_LABEL),
    ),
    shared("entrypoint", f"{SPEC}.Command", "what is run"),
    shared("command", f"{SPEC}.Args", "its arguments"),
    shared(
        "environment",
        f"{SPEC}.Env",
        "environment variables",
        default={},
        keyed=True,
        into=lambda v: [key if value is None else f"{key}={value}" for key, value in v.items()],
        out=lambda entries: {key: value if sign else None for key, sign, value in (e.partition("=") for e in entries)},
    ),
    shared(
        "labels",
        f"{SPEC}.Labels",
        "labels of the containers",
        default={},
        keyed=True,
        into=dict,
        out=_container_labels_out,
    ),
    own(
        "deploy.labels",
        "Labels",
        "labels of the service",
        lambda body: dict(values.pairs(deploy(body, "labels"), "=")),
        lambda raw, value: raw.setdefault("Labels", {}).update(value),
        lambda raw: dict((k, v) for k, v in user_labels(raw.get("Labels")).items()),
        default={},
        keyed=True,
    ),
    shared("user", f"{SPEC}.User", "who runs it"),
    shared("group_add", f"{SPEC}.Groups", "further groups", default=[], out=values.sorted_texts),
    shared("working_dir", f"{SPEC}.Dir", "where it runs"),
    shared("hostname", f"{SPEC}.Hostname", "name of the machine inside"),
    shared("tty", f"{SPEC}.TTY", "a terminal", default=False),
    shared("stdin_open", f"{SPEC}.OpenStdin", "standard input stays open", default=False),
    shared("read_only", f"{SPEC}.ReadOnly", "the root file system can not be written", default=False),
    own(
        "init",
        f"{SPEC}.Init",
        "a small init process",
        lambda body: body.get("init"),
        lambda raw, value: set_path(raw, f"{SPEC}.Init", value) if value is not None else None,
        lambda raw: get_path(raw, f"{SPEC}.Init"),
    ),
    shared("stop_signal", f"{SPEC}.StopSignal", "how it is asked to stop"),
    shared(
        "stop_grace_period",
        f"{SPEC}.StopGracePeriod",
        "time between the stop signal and SIGKILL",
        into=values.nanoseconds,
        out=values.duration,
    ),
    shared(
        "healthcheck",
        f"{SPEC}.Healthcheck",
        "how its health is told",
        into=healthcheck.encode,
        out=healthcheck.decode,
        keyed=True,
    ),
    own(
        "volumes", f"{SPEC}.Mounts", "mounts", lambda body: None, _encode_mounts, _decode_mounts, default={}, keyed=True
    ),
    own(
        "tmpfs",
        f"{SPEC}.Mounts",
        "file systems in memory",
        _tmpfs,
        _encode_tmpfs,
        _decode_tmpfs,
        default={},
        keyed=True,
    ),
    own(
        "networks",
        f"{TASK}.Networks",
        "networks",
        lambda body: None,
        lambda raw, value: None,
        lambda raw: None,
        default={},
        keyed=True,
    ),
    own("ports", "EndpointSpec.Ports", "published ports", _ports, _encode_ports, _decode_ports, default={}, keyed=True),
    own(
        "endpoint_mode",
        "EndpointSpec.Mode",
        "how the name resolves",
        lambda body: deploy(body, "endpoint_mode") or "vip",
        lambda raw, value: set_path(raw, "EndpointSpec.Mode", value),
        lambda raw: get_path(raw, "EndpointSpec.Mode") or "vip",
        default="vip",
    ),
    *(
        own(
            kind,
            f"{SPEC}.{kind.capitalize()}",
            f"files of {kind}",
            lambda body: None,
            lambda raw, value: None,
            lambda raw: None,
            default={},
            keyed=True,
        )
        for kind in sorted(ROOTS)
    ),
    own(
        "restart_policy",
        f"{TASK}.RestartPolicy",
        "when a task is started again",
        _restart,
        _encode_restart,
        _decode_restart,
        keyed=True,
    ),
    policy("update_config", "UpdateConfig", "rollback"),
    policy("rollback_config", "RollbackConfig", "pause"),
    own(
        "placement",
        f"{TASK}.Placement",
        "where tasks may run",
        _placement,
        _encode_placement,
        _decode_placement,
        default={},
        keyed=True,
    ),
    shared("cpus", f"{TASK}.Resources.Limits.NanoCPUs", "most CPU time", into=values.nano_cpus, out=values.cpus),
    shared("mem_limit", f"{TASK}.Resources.Limits.MemoryBytes", "most memory", unit="bytes"),
    shared("pids_limit", f"{TASK}.Resources.Limits.Pids", "most processes"),
    own(
        "cpu_reservation",
        f"{TASK}.Resources.Reservations.NanoCPUs",
        "CPU time it should have",
        _cpu_reservation,
        lambda raw, value: (
            set_path(raw, f"{TASK}.Resources.Reservations.NanoCPUs", values.nano_cpus(value)) if value else None
        ),
        lambda raw: (lambda v: values.cpus(v) if v else None)(get_path(raw, f"{TASK}.Resources.Reservations.NanoCPUs")),
    ),
    shared("mem_reservation", f"{TASK}.Resources.Reservations.MemoryBytes", "memory it should have", unit="bytes"),
    own(
        "generic_resources",
        f"{TASK}.Resources.Reservations.GenericResources",
        "other resources",
        _generic,
        _encode_generic,
        _decode_generic,
        default={},
        keyed=True,
    ),
    shared(
        "cap_add",
        f"{SPEC}.CapabilityAdd",
        "capabilities it gains",
        default=[],
        into=lambda names: [f"CAP_{n}" if n != "ALL" else n for n in names],
        out=lambda names: sorted(n.removeprefix("CAP_") for n in names),
    ),
    shared(
        "cap_drop",
        f"{SPEC}.CapabilityDrop",
        "capabilities it loses",
        default=[],
        into=lambda names: [f"CAP_{n}" if n != "ALL" else n for n in names],
        out=lambda names: sorted(n.removeprefix("CAP_") for n in names),
    ),
    own(
        "security_opt",
        f"{SPEC}.Privileges",
        "security options",
        _privileges,
        _encode_privileges,
        _decode_privileges,
        default={},
        keyed=True,
    ),
    shared("dns", f"{SPEC}.DNSConfig.Nameservers", "name servers", default=[]),
    shared("dns_opt", f"{SPEC}.DNSConfig.Options", "resolver options", default=[]),
    shared("dns_search", f"{SPEC}.DNSConfig.Search", "search domains", default=[]),
    shared("extra_hosts", f"{SPEC}.Hosts", "lines of /etc/hosts", default=[], into=_hosts_into, out=_hosts_out),
    shared("sysctls", f"{SPEC}.Sysctls", "kernel parameters", default={}, keyed=True),
    own(
        "ulimits",
        f"{SPEC}.Ulimits",
        "limits of the process",
        lambda body: None,
        _encode_ulimits,
        lambda raw: {u["Name"]: f"{u['Soft']}:{u['Hard']}" for u in get_path(raw, f"{SPEC}.Ulimits") or []},
        default={},
        keyed=True,
    ),
    shared("oom_score_adj", f"{SPEC}.OomScoreAdj", "how soon it is killed for memory", default=0),
    shared("isolation", f"{SPEC}.Isolation", "isolation (Windows)", out=lambda v: None if v == "default" else v),
    own(
        "logging",
        f"{TASK}.LogDriver",
        "where the output goes",
        lambda body: None,
        _encode_logging,
        _logging_out,
        keyed=True,
    ),
)
