"""The fields of a Swarm service: Compose's keys and the Engine API's ServiceSpec (1.41 and later).

What containers have too is said by their own fields; here stands what only services have.
"""

from __future__ import annotations

from typing import Any

from provisioner.kinds import container, values
from provisioner.kinds import swarm_scheduling as scheduling
from provisioner.kinds.fields import SAME, Field, Raw, get_path, service_field, set_path
from provisioner.kinds.ownership import user_labels
from provisioner.kinds.swarm_scheduling import RESOURCES, SPEC, TASK, deploy, is_job
from provisioner.model.change import Impact

# The reference as the playbook says it; the service itself is pinned to a digest where the registry tells one.
IMAGE_LABEL = "provisioner.image"
# The very reference that was sent, digest and all: another one on the service is somebody else's.
PIN_LABEL = "provisioner.pinned"
# The digest of what a locally built image was made from: a new one moves the tasks to the new image.
BUILD_LABEL = "provisioner.build"


def own(
    key: str, api: str, summary: str, parse: Any, encode: Any, decode: Any, *, default: Any = None, keyed: bool = False,
    impact: Impact = Impact.IN_PLACE, chosen: bool = False, sources: tuple[str, ...] = (), explicit: bool = False,
) -> Field:  # fmt: skip
    """A field that only services have."""
    return Field(
        key=key, impact=impact, summary=summary, api=api, default=default, keyed=keyed, chosen=chosen,
        parse=parse, encode=encode, decode=decode, swarm=SAME, sources=sources or (f"deploy.{key}",), explicit=explicit,
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

    sources = (f"deploy.{key}", *(("update",) if key == "update_config" else ()))
    return own(key, api, f"deploy.{key}", parse, encode, decode, keyed=True, sources=sources)


def _unparsed(body: Raw) -> Any:
    """What is given to the parser of services beside the body."""


def _unwritten(raw: Raw, value: Any) -> None:
    """What the encoder of services writes itself."""


_CPU = f"{RESOURCES}.Reservations.NanoCPUs"
_FIRST: tuple[Field, ...] = (
    own(
        "mode", "Mode", "deploy.mode", scheduling.parse_mode, scheduling.encode_mode, scheduling.decode_mode,
        default="replicated", impact=Impact.REPLACE,
    ),
    own(
        "replicas", "Mode.Replicated.Replicas", "how many", _unparsed, scheduling.encode_replicas,
        scheduling.decode_replicas, sources=("deploy.replicas", "scale"), explicit=True,
    ),
    own(
        "digest", f"{SPEC}.Image", "digest that the registry has for the tag", _unparsed, _unwritten,
        lambda raw: str(get_path(raw, f"{SPEC}.Image") or "").partition("@")[2] or None, chosen=True,
        sources=("image",),
    ),
    own(
        "build", f"{SPEC}.Labels", "what the image was built from", _unparsed, _unwritten,
        lambda raw: (get_path(raw, f"{SPEC}.Labels") or {}).get(BUILD_LABEL), sources=("build",),
    ),
)  # fmt: skip
_LAST: tuple[Field, ...] = (
    own(
        "deploy.labels", "Labels", "labels of the service",
        lambda body: dict(values.pairs(deploy(body, "labels"), "=")),
        lambda raw, value: raw.setdefault("Labels", {}).update(value),
        lambda raw: dict(user_labels(raw.get("Labels"))), default={}, keyed=True, sources=("deploy.labels",),
    ),
    own(
        "endpoint_mode", "EndpointSpec.Mode", "how the name resolves",
        lambda body: deploy(body, "endpoint_mode") or "vip",
        lambda raw, value: set_path(raw, "EndpointSpec.Mode", value),
        lambda raw: get_path(raw, "EndpointSpec.Mode") or "vip", default="vip",
    ),
    own(
        "restart_policy", f"{TASK}.RestartPolicy", "when a task is started again", scheduling.parse_restart,
        scheduling.encode_restart, scheduling.decode_restart, keyed=True, sources=("deploy.restart_policy", "restart"),
    ),
    policy("update_config", "UpdateConfig", "rollback"),
    policy("rollback_config", "RollbackConfig", "pause"),
    own(
        "placement", f"{TASK}.Placement", "where tasks may run", scheduling.parse_placement,
        scheduling.encode_placement, scheduling.decode_placement, default={}, keyed=True,
        sources=("deploy.placement", "platform"),
    ),
    own(
        "cpu_reservation", _CPU, "CPU time it should have", scheduling.parse_cpu_reservation,
        lambda raw, value: set_path(raw, _CPU, values.nano_cpus(value)) if value else None,
        lambda raw: values.cpus(count) if (count := get_path(raw, _CPU)) else None,
        sources=("deploy.resources.reservations.cpus",),
    ),
    own(
        "generic_resources", f"{RESOURCES}.Reservations.GenericResources", "other resources", scheduling.parse_generic,
        scheduling.encode_generic, scheduling.decode_generic, default={}, keyed=True,
        sources=("deploy.resources.reservations.generic_resources",),
    ),
)  # fmt: skip
# What a container has too, as a service has it.
SHARED: tuple[Field, ...] = tuple(entry for field in container.FIELDS if (entry := service_field(field)))
FIELDS: tuple[Field, ...] = (*_FIRST, *SHARED, *_LAST)
