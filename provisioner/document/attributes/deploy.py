"""services.*.deploy, update (another name for deploy.update_config), scale and what a container may use."""

from __future__ import annotations

from dataclasses import replace

from provisioner.document.attributes.devices import device_request
from provisioner.document.attributes.shapes import (
    AS_TEXT,
    COUNT,
    DECIMAL,
    DURATION,
    EXPLICIT_COUNT,
    FLAG,
    FRACTION,
    FREE,
    KEPT_STRUCT,
    LIMITS,
    LIST,
    SIZE,
    SIZE_OR_UNLIMITED,
    STRUCT,
    TEXT,
    WHOLE,
    drop,
    labels,
    null_is_text,
    one_of,
)
from provisioner.document.quantities import to_integer
from provisioner.document.shape import INTEGER, MAPPING, NULL, SEQUENCE, STRING, Place, Row, Shape, mapping
from provisioner.model.node import Node

_ORDER = one_of("start-first", "stop-first")
_CPUS = replace(DECIMAL, expected="a number of CPUs, from 0 on", minimum=0)
_EXPLICIT_DURATION = replace(DURATION, keep=True)


def fold_update(node: Node, place: Place) -> Node:
    """`update` of a service becomes its `deploy.update_config`; both at once are a contradiction."""
    update = node.get("update")
    if update is None or not update.is_mapping:
        return node
    deploy = node.get("deploy")
    if deploy is not None and deploy.get("update_config") is not None:
        where = Place((*place.path, "update"), place.directory, place.home, place.findings)
        where.wrong("'update' and 'deploy.update_config' are the same thing", update.span, "keep one of them")
        return node
    renamed = {("failure_action" if key == "on_failure" else key): item for key, item in update.mapping.items()}
    spans = {("failure_action" if key == "on_failure" else key): span for key, span in update.key_spans.items()}
    config = Node(renamed, update.span, None, spans, update.tag)
    base = deploy if deploy is not None and deploy.is_mapping else Node({}, update.span)
    entries = {key: item for key, item in node.mapping.items() if key != "update"}
    entries["deploy"] = Node(
        {**base.mapping, "update_config": config},
        base.span,
        None,
        {**base.key_spans, "update_config": node.key_spans.get("update", update.span)},
        base.tag,
    )
    return mapping(entries, node)


def _percentage(node: Node) -> str:
    value = to_integer(node)
    if not isinstance(value, int) or not 0 <= value <= 100:
        raise ValueError("expected a whole number from 0 to 100")
    return str(value)


def _rolling(at: str, failure: str, actions: tuple[str, ...], *, own: bool = False) -> tuple[Row, ...]:
    return (
        Row(f"{at}.parallelism", EXPLICIT_COUNT, "How many at a time; 0 is all.", own=own),
        Row(f"{at}.delay", DURATION, "The pause between two groups.", own=own),
        Row(f"{at}.{failure}", one_of(*actions), own=own),
        Row(f"{at}.monitor", DURATION, "How long a new one is watched.", own=own),
        Row(f"{at}.max_failure_ratio", FRACTION, own=own),
        Row(f"{at}.order", _ORDER, own=own),
    )


_UPDATE = ("continue", "pause", "rollback")

ROWS = (
    Row("services.*.scale", EXPLICIT_COUNT, "Number of containers."),
    Row("services.*.deploy", KEPT_STRUCT, "How it runs: replicas, resources, updates.", drop, (NULL,)),
    Row("services.*.deploy.mode", one_of("replicated", "global", "replicated-job", "global-job")),
    Row("services.*.deploy.endpoint_mode", one_of("vip", "dnsrr")),
    Row("services.*.deploy.replicas", EXPLICIT_COUNT, "Number of containers."),
    Row("services.*.deploy.labels", FREE, "Labels of the service.", labels, (SEQUENCE,)),
    Row("services.*.deploy.labels.*", AS_TEXT, expand=null_is_text, short=(NULL,)),
    Row("services.*.deploy.update_config", KEPT_STRUCT, "How replicas are replaced."),
    *_rolling("services.*.deploy.update_config", "failure_action", _UPDATE),
    Row("services.*.deploy.rollback_config", KEPT_STRUCT, "How a failed update is taken back."),
    *_rolling("services.*.deploy.rollback_config", "failure_action", ("continue", "pause")),
    Row("services.*.update", KEPT_STRUCT, "The same as deploy.update_config.", own=True),
    *_rolling("services.*.update", "on_failure", _UPDATE, own=True),
    Row("services.*.deploy.resources", KEPT_STRUCT),
    Row("services.*.deploy.resources.limits", KEPT_STRUCT, "What a container may use at most."),
    Row("services.*.deploy.resources.limits.cpus", _CPUS),
    Row("services.*.deploy.resources.limits.memory", replace(SIZE, kinds=(STRING,))),
    Row("services.*.deploy.resources.limits.pids", WHOLE),
    Row("services.*.deploy.resources.reservations", KEPT_STRUCT, "What a container is sure to have."),
    Row("services.*.deploy.resources.reservations.cpus", _CPUS),
    Row("services.*.deploy.resources.reservations.memory", replace(SIZE, kinds=(STRING,))),
    Row("services.*.deploy.resources.reservations.generic_resources", LIST),
    Row("services.*.deploy.resources.reservations.generic_resources.*", STRUCT),
    Row("services.*.deploy.resources.reservations.generic_resources.*.discrete_resource_spec", KEPT_STRUCT),
    Row("services.*.deploy.resources.reservations.generic_resources.*.discrete_resource_spec.kind", TEXT),
    Row("services.*.deploy.resources.reservations.generic_resources.*.discrete_resource_spec.value", EXPLICIT_COUNT),
    *device_request("services.*.deploy.resources.reservations.devices"),
    Row("services.*.deploy.restart_policy", KEPT_STRUCT),
    Row("services.*.deploy.restart_policy.condition", one_of("none", "on-failure", "any")),
    Row("services.*.deploy.restart_policy.delay", _EXPLICIT_DURATION),
    Row("services.*.deploy.restart_policy.max_attempts", EXPLICIT_COUNT),
    Row("services.*.deploy.restart_policy.window", _EXPLICIT_DURATION),
    Row("services.*.deploy.placement", KEPT_STRUCT),
    Row("services.*.deploy.placement.constraints", LIST),
    Row("services.*.deploy.placement.constraints.*", TEXT),
    Row("services.*.deploy.placement.preferences", LIST),
    Row("services.*.deploy.placement.preferences.*", STRUCT),
    Row("services.*.deploy.placement.preferences.*.spread", TEXT),
    Row("services.*.deploy.placement.max_replicas_per_node", COUNT),
    Row("services.*.cpu_count", COUNT),
    Row("services.*.cpu_percent", replace(DECIMAL, expected="a number from 0 to 100", minimum=0, maximum=100)),
    Row("services.*.cpu_shares", WHOLE),
    Row("services.*.cpu_quota", WHOLE),
    Row("services.*.cpu_period", WHOLE),
    Row("services.*.cpu_rt_period", WHOLE),
    Row("services.*.cpu_rt_runtime", WHOLE),
    Row("services.*.cpus", _CPUS, "How many CPUs it may use."),
    Row("services.*.cpuset", TEXT, "Which CPUs it may use, such as 0-3."),
    Row("services.*.mem_limit", SIZE, "How much memory it may use."),
    Row("services.*.mem_reservation", SIZE),
    Row("services.*.memswap_limit", SIZE_OR_UNLIMITED),
    Row("services.*.mem_swappiness", replace(WHOLE, expected="a whole number from 0 to 100", convert=_percentage)),
    Row("services.*.oom_kill_disable", FLAG),
    Row(
        "services.*.oom_score_adj",
        replace(WHOLE, expected="a whole number from -1000 to 1000", minimum=-1000, maximum=1000),
    ),
    Row("services.*.pids_limit", WHOLE, "How many processes it may have; -1 is any number."),
    Row("services.*.shm_size", SIZE, "The size of /dev/shm."),
    Row("services.*.ulimits", LIMITS),
    Row(
        "services.*.ulimits.*",
        Shape((INTEGER, STRING, MAPPING), "a whole number, or {soft, hard}", to_integer, required=("soft", "hard")),
    ),
    Row("services.*.ulimits.*.soft", replace(WHOLE, keep=True)),
    Row("services.*.ulimits.*.hard", replace(WHOLE, keep=True)),
    Row("services.*.blkio_config", KEPT_STRUCT),
    Row("services.*.blkio_config.weight", replace(COUNT, maximum=1000)),
    Row("services.*.blkio_config.weight_device", LIST),
    Row("services.*.blkio_config.weight_device.*", STRUCT),
    Row("services.*.blkio_config.weight_device.*.path", TEXT),
    Row("services.*.blkio_config.weight_device.*.weight", replace(EXPLICIT_COUNT, maximum=1000)),
    *(
        row
        for key in ("device_read_bps", "device_write_bps", "device_read_iops", "device_write_iops")
        for row in (
            Row(f"services.*.blkio_config.{key}", LIST),
            Row(f"services.*.blkio_config.{key}.*", STRUCT),
            Row(f"services.*.blkio_config.{key}.*.path", TEXT),
            Row(f"services.*.blkio_config.{key}.*.rate", replace(SIZE, keep=True)),
        )
    ),
)
