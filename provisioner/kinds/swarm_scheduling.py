"""How a Swarm runs and places a service's tasks: mode, replicas, restarts, placement, reservations.

Compose's `deploy` and the Engine API's ServiceSpec; knows nothing of what a task's container is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds import values
from provisioner.kinds.fields import get_path, set_path

if TYPE_CHECKING:
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import RestartPolicy

TASK = "TaskTemplate"
SPEC = "TaskTemplate.ContainerSpec"
RESOURCES = "TaskTemplate.Resources"
# What no node has: with this constraint a service that runs on every node rests.
NOWHERE = "node.labels.provisioner.stopped==true"


def deploy(body: ComposeBody, *path: str) -> Any:
    """A value below `deploy`, or None."""
    value: Any = body.get("deploy")
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def is_job(body: ComposeBody) -> bool:
    """Whether a service does its work once: `job`, or a mode that ends with `-job`."""
    return bool(body.get("job")) or str(deploy(body, "mode") or "").endswith("-job")


def parse_mode(body: ComposeBody) -> str:
    """`deploy.mode`: replicated, global, replicated-job or global-job."""
    mode = str(deploy(body, "mode") or "replicated")
    return f"{mode}-job" if body.get("job") and not mode.endswith("-job") else mode


def encode_mode(raw: EngineBody, value: str) -> None:
    """Replicas are written by the service kind: they belong to the same object."""
    raw["Mode"] = {
        "replicated": {"Replicated": {}}, "global": {"Global": {}},
        "replicated-job": {"ReplicatedJob": {}}, "global-job": {"GlobalJob": {}},
    }[value]  # fmt: skip


def decode_mode(raw: EngineBody) -> str:
    """The key of ServiceSpec.Mode in the words of `deploy.mode`."""
    names = {
        "Replicated": "replicated",
        "Global": "global",
        "ReplicatedJob": "replicated-job",
        "GlobalJob": "global-job",
    }
    return next((names[key] for key in raw.get("Mode") or {} if key in names), "replicated")


def parse_replicas(body: ComposeBody, count: int) -> int | None:
    """How many tasks: a global service has one on each node, and no number."""
    return None if parse_mode(body).startswith("global") else count


def encode_replicas(raw: EngineBody, value: Any) -> None:
    """The number in ServiceSpec.Mode; of a job how many tasks run at once and have to complete."""
    mode = raw.get("Mode") or {}
    if "Replicated" in mode:
        mode["Replicated"]["Replicas"] = value
    elif "ReplicatedJob" in mode:
        mode["ReplicatedJob"] = {"MaxConcurrent": value, "TotalCompletions": value}


def decode_replicas(raw: EngineBody) -> Any:
    """The number in ServiceSpec.Mode; None for a global service."""
    mode = raw.get("Mode") or {}
    if "Replicated" in mode:
        return mode["Replicated"].get("Replicas", 1)
    if "ReplicatedJob" in mode:
        return mode["ReplicatedJob"].get("TotalCompletions", 1)
    return None


_CONDITIONS = {"no": "none", "always": "any", "unless-stopped": "any", "on-failure": "on-failure"}


def parse_restart(body: ComposeBody) -> RestartPolicy:
    """`deploy.restart_policy`, else `restart`, complete with the defaults of a Swarm."""
    given = deploy(body, "restart_policy") or {}
    name, _, attempts = str(body.get("restart") or "").partition(":")
    condition = given.get("condition") or _CONDITIONS.get(name) or ("none" if is_job(body) else "any")
    return {
        "condition": condition,
        "delay": values.same_duration(given.get("delay") or "5s"),
        "max_attempts": int(given.get("max_attempts") or attempts or 0),
        "window": values.same_duration(given.get("window") or "0s"),
    }


def encode_restart(raw: EngineBody, value: RestartPolicy) -> None:
    """TaskSpec.RestartPolicy; Delay and Window in nanoseconds."""
    set_path(raw, f"{TASK}.RestartPolicy", {
        "Condition": value["condition"], "Delay": values.nanoseconds(value["delay"]),
        "MaxAttempts": value["max_attempts"], "Window": values.nanoseconds(value["window"]),
    })  # fmt: skip


def decode_restart(raw: EngineBody) -> RestartPolicy:
    """TaskSpec.RestartPolicy in the words of Compose, complete."""
    live = get_path(raw, f"{TASK}.RestartPolicy") or {}
    return {
        "condition": live.get("Condition") or "any",
        "delay": values.duration(live["Delay"] if "Delay" in live else 5 * 10**9),
        "max_attempts": live.get("MaxAttempts") or 0,
        "window": values.duration(live.get("Window") or 0),
    }


def parse_placement(body: ComposeBody) -> Any:
    """`deploy.placement` and `platform`; what is not given is left out."""
    given = deploy(body, "placement") or {}
    # `linux/arm64/v8`: Swarm compares systems and architectures, and knows no variants.
    os, architecture = [*str(body.get("platform") or "").split("/"), ""][:2]
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
        left, separator, right = text.partition(operator)
        if separator:
            return f"{left.strip()}{operator}{right.strip()}"
    return text.strip()


def encode_placement(raw: EngineBody, value: Any) -> None:
    """TaskSpec.Placement (Constraints, Preferences, MaxReplicas, Platforms)."""
    placement: EngineBody = {}
    if "constraints" in value:
        placement["Constraints"] = value["constraints"]
    if "preferences" in value:
        placement["Preferences"] = [{"Spread": {"SpreadDescriptor": preference}} for preference in value["preferences"]]
    if "max_replicas_per_node" in value:
        placement["MaxReplicas"] = value["max_replicas_per_node"]
    if "platforms" in value:
        pairs = [platform.partition("/") for platform in value["platforms"]]
        placement["Platforms"] = [{"OS": os, "Architecture": architecture} for os, _, architecture in pairs]
    set_path(raw, f"{TASK}.Placement", placement)


def decode_placement(raw: EngineBody) -> Any:
    """TaskSpec.Placement as `parse_placement` gives it."""
    live = get_path(raw, f"{TASK}.Placement") or {}
    result = {
        "constraints": sorted(_constraint(c) for c in live.get("Constraints") or []),
        "preferences": [p["Spread"]["SpreadDescriptor"] for p in live.get("Preferences") or []],
        "max_replicas_per_node": live.get("MaxReplicas") or 0,
        # A digest's platforms are added by clients that resolve it; a declared one is a single entry.
        "platforms": [f"{p.get('OS', '')}/{p.get('Architecture', '')}" for p in live.get("Platforms") or []],
    }
    return {key: value for key, value in result.items() if value}


def parse_generic(body: ComposeBody) -> Any:
    """How many of each generic resource are reserved, by its kind."""
    given = deploy(body, "resources", "reservations", "generic_resources") or []
    resources = [entry["discrete_resource_spec"] for entry in given]
    return {resource["kind"]: int(resource["value"]) for resource in resources}


def encode_generic(raw: EngineBody, value: Any) -> None:
    """TaskSpec.Resources.Reservations.GenericResources."""
    resources = [{"DiscreteResourceSpec": {"Kind": kind, "Value": count}} for kind, count in sorted(value.items())]
    set_path(raw, f"{TASK}.Resources.Reservations.GenericResources", resources)


def decode_generic(raw: EngineBody) -> Any:
    """How many of each generic resource are reserved, by its kind."""
    live = get_path(raw, f"{TASK}.Resources.Reservations.GenericResources") or []
    specs = [entry.get("DiscreteResourceSpec") or {} for entry in live]
    return {spec["Kind"]: spec["Value"] for spec in specs if spec}


def parse_cpu_reservation(body: ComposeBody) -> Any:
    """`deploy.resources.reservations.cpus`; None for none."""
    value = deploy(body, "resources", "reservations", "cpus")
    return float(value) if value else None
