"""The fields of a Swarm service: Compose's keys and the Engine API's ServiceSpec (1.41 and later).

What containers have too is said by their own fields; here stands what only services have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds import container, values
from provisioner.kinds import swarm_scheduling as scheduling
from provisioner.kinds.fields import SAME, Field, custom, get_path, service_field, set_path
from provisioner.kinds.image import BUILD_LABEL
from provisioner.kinds.ownership import user_labels
from provisioner.kinds.swarm_scheduling import RESOURCES, SPEC, TASK, deploy, is_job
from provisioner.kinds.tool_labels import without_tool_labels
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.kinds.context import EncodeContext
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import ChangePolicy


def own(
    key: str, api: str, summary: str, parse: Callable[[ComposeBody], Any], encode: Callable[[EngineBody, Any], None],
    decode: Callable[[EngineBody], Any], **more: Any,
) -> Field:  # fmt: skip
    """A field that only services have."""
    settings = {"impact": Impact.IN_PLACE, "sources": (f"deploy.{key}",), "swarm": SAME, **more}
    return custom(key, api, summary, parse, encode, decode, **settings)


def known(key: str, api: str, summary: str, decode: Callable[[EngineBody], Any], **more: Any) -> Field:
    """A field whose value is found out outside the playbook, and goes into the image or a label."""
    return Field(
        key=key, impact=Impact.IN_PLACE, summary=summary, api=api, swarm=SAME,
        parse=lambda body, context: getattr(context, key), decode=lambda raw, _: decode(raw),
        **{"encode": lambda raw, value, _: None, **more},
    )  # fmt: skip


def _encode_build(raw: EngineBody, digest: str, context: EncodeContext) -> None:
    get_path(raw, f"{SPEC}.Labels")[BUILD_LABEL] = digest


# Update and rollback policies: every field is sent, as the clients' defaults differ from the engine's.
_POLICY_DEFAULTS: ChangePolicy = {
    "parallelism": 1, "delay": "0s", "failure_action": "pause", "monitor": "5s", "max_failure_ratio": 0.0,
    "order": "stop-first",
}  # fmt: skip


def policy(key: str, api: str, failure_action: str) -> Field:
    """`update_config` or `rollback_config`; a failed update goes back to what worked unless the playbook says else."""
    defaults: ChangePolicy = {**_POLICY_DEFAULTS, "failure_action": failure_action}

    def parse(body: ComposeBody) -> Any:
        if is_job(body):
            return None
        given = {k: v for k, v in (deploy(body, key) or {}).items() if v is not None}
        if key == "update_config":
            for name, value in (body.get("update") or {}).items():
                given[{"on_failure": "failure_action"}.get(name, name)] = value
        times = {name: values.same_duration(given[name]) for name in ("delay", "monitor") if name in given}
        return {**defaults, **given, **times, "max_failure_ratio": float(given.get("max_failure_ratio") or 0)}

    def encode(raw: EngineBody, value: Any) -> None:
        raw[api] = {
            "Parallelism": int(value["parallelism"]),
            "Delay": values.nanoseconds(value["delay"]),
            "FailureAction": value["failure_action"],
            "Monitor": values.nanoseconds(value["monitor"]),
            "MaxFailureRatio": value["max_failure_ratio"],
            "Order": value["order"],
        }

    def decode(raw: EngineBody) -> Any:
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


_CPU = f"{RESOURCES}.Reservations.NanoCPUs"
_FIRST: tuple[Field, ...] = (
    own(
        "mode", "Mode", "deploy.mode", scheduling.parse_mode, scheduling.encode_mode, scheduling.decode_mode,
        default="replicated", impact=Impact.REPLACE,
    ),
    Field(
        key="replicas", impact=Impact.IN_PLACE, summary="how many", api="Mode.Replicated.Replicas", explicit=True,
        sources=("deploy.replicas", "scale"), swarm=SAME,
        parse=lambda body, context: scheduling.parse_replicas(body, context.replicas),
        encode=lambda raw, value, _: scheduling.encode_replicas(raw, value),
        decode=lambda raw, _: scheduling.decode_replicas(raw),
    ),
    known(
        "digest", f"{SPEC}.Image", "digest that the registry has for the tag",
        lambda raw: str(get_path(raw, f"{SPEC}.Image") or "").partition("@")[2], chosen=True, sources=("image",),
    ),
    known(
        "build", f"{SPEC}.Labels", "what the image was built from",
        lambda raw: (get_path(raw, f"{SPEC}.Labels") or {}).get(BUILD_LABEL), sources=("build",), encode=_encode_build,
    ),
)  # fmt: skip
_LAST: tuple[Field, ...] = (
    own(
        "deploy.labels", "Labels", "labels of the service",
        lambda body: without_tool_labels(dict(values.pairs(deploy(body, "labels"), "="))),
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
        lambda raw, value: set_path(raw, _CPU, values.nano_cpus(value)),
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
