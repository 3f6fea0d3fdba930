"""The fields of a Swarm service: Compose's keys and the Engine API's ServiceSpec (1.41 and later).

What containers share with services is read by the container's own parser; here stand only the Swarm paths.
"""

from __future__ import annotations

from typing import Any

from provisioner.kinds import healthcheck, values
from provisioner.kinds import swarm_container as task
from provisioner.kinds import swarm_scheduling as scheduling
from provisioner.kinds.container_mounts import ROOTS
from provisioner.kinds.fields import Field, Raw, get_path, is_unset, set_path
from provisioner.kinds.ownership import user_labels
from provisioner.kinds.swarm_scheduling import SPEC, TASK, deploy, is_job
from provisioner.model.change import Impact

# The reference as the playbook says it; the service itself is pinned to a digest where the registry tells one.
IMAGE_LABEL = "provisioner.image"
# The very reference that was sent, digest and all: another one on the service is somebody else's.
PIN_LABEL = "provisioner.pinned"
# The digest of what a locally built image was made from: a new one moves the tasks to the new image.
BUILD_LABEL = "provisioner.build"
_NO_PARSE = "read by the container's parser"


def shared(
    key: str, api: str, summary: str, *, into: Any = None, out: Any = None, default: Any = None, explicit: bool = False,
    **more: Any,
) -> Field:  # fmt: skip
    """A field whose value the container's parser gives."""

    def encode(raw: Raw, value: Any) -> None:
        if not is_unset(value, default, explicit=explicit):
            set_path(raw, api, into(value) if into else value)

    def decode(raw: Raw) -> Any:
        value = get_path(raw, api)
        return default if is_unset(value, default, explicit=explicit) else out(value) if out else value

    return Field(
        key=key, impact=Impact.IN_PLACE, summary=summary, api=api, default=default, explicit=explicit,
        parse=lambda body: _NO_PARSE, encode=encode, decode=decode, **more,
    )  # fmt: skip


def own(
    key: str, api: str, summary: str, parse: Any, encode: Any, decode: Any, *, default: Any = None, keyed: bool = False,
    impact: Impact = Impact.IN_PLACE, chosen: bool = False,
) -> Field:  # fmt: skip
    """A field that only services have, or that is written quite differently there."""
    return Field(
        key=key, impact=impact, summary=summary, api=api, default=default, keyed=keyed, chosen=chosen,
        parse=parse, encode=encode, decode=decode,
    )  # fmt: skip


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
        times = {name: values.same_duration(given[name]) for name in ("delay", "monitor") if name in given}
        return {**defaults, **given, **times, "max_failure_ratio": float(given.get("max_failure_ratio") or 0)}

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
            "monitor": values.duration(live.get("Monitor") or 0),
            "max_failure_ratio": float(live.get("MaxFailureRatio") or 0),
            "order": live.get("Order") or "stop-first",
        }

    return own(key, api, f"deploy.{key}", parse, encode, decode, keyed=True)


FIELDS: tuple[Field, ...] = (
    own(
        "mode",
        "Mode",
        "deploy.mode",
        scheduling.parse_mode,
        scheduling.encode_mode,
        scheduling.decode_mode,
        default="replicated",
        impact=Impact.REPLACE,
    ),
    own(
        "replicas",
        "Mode.Replicated.Replicas",
        "how many",
        lambda body: None,
        scheduling.encode_replicas,
        scheduling.decode_replicas,
    ),
    own("image", f"{SPEC}.Image", "the image", lambda body: None, lambda raw, value: None, lambda raw: None),
    own(
        "digest",
        f"{SPEC}.Image",
        "digest that the registry has for the tag",
        lambda body: None,
        lambda raw, value: None,
        lambda raw: str(get_path(raw, f"{SPEC}.Image") or "").partition("@")[2] or None,
        chosen=True,
    ),
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
        out=user_labels,
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
        explicit=True,
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
        "volumes",
        f"{SPEC}.Mounts",
        "mounts",
        lambda body: None,
        task.encode_mounts,
        task.decode_mounts,
        default={},
        keyed=True,
    ),
    own(
        "tmpfs",
        f"{SPEC}.Mounts",
        "file systems in memory",
        task.parse_tmpfs,
        task.encode_tmpfs,
        task.decode_tmpfs,
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
    own(
        "ports",
        "EndpointSpec.Ports",
        "published ports",
        task.parse_ports,
        task.encode_ports,
        task.decode_ports,
        default={},
        keyed=True,
    ),
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
        scheduling.parse_restart,
        scheduling.encode_restart,
        scheduling.decode_restart,
        keyed=True,
    ),
    policy("update_config", "UpdateConfig", "rollback"),
    policy("rollback_config", "RollbackConfig", "pause"),
    own(
        "placement",
        f"{TASK}.Placement",
        "where tasks may run",
        scheduling.parse_placement,
        scheduling.encode_placement,
        scheduling.decode_placement,
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
        scheduling.parse_cpu_reservation,
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
        scheduling.parse_generic,
        scheduling.encode_generic,
        scheduling.decode_generic,
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
        task.parse_privileges,
        task.encode_privileges,
        task.decode_privileges,
        default={},
        keyed=True,
    ),
    shared("dns", f"{SPEC}.DNSConfig.Nameservers", "name servers", default=[]),
    shared("dns_opt", f"{SPEC}.DNSConfig.Options", "resolver options", default=[]),
    shared("dns_search", f"{SPEC}.DNSConfig.Search", "search domains", default=[]),
    shared("extra_hosts", f"{SPEC}.Hosts", "lines of /etc/hosts", default=[], into=task.hosts_into, out=task.hosts_out),
    shared("sysctls", f"{SPEC}.Sysctls", "kernel parameters", default={}, keyed=True),
    own(
        "ulimits",
        f"{SPEC}.Ulimits",
        "limits of the process",
        lambda body: None,
        task.encode_ulimits,
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
        task.encode_logging,
        task.decode_logging,
        keyed=True,
    ),
)
