"""Which nodes of a Swarm can run a service, told before anything is touched. Pure: nodes are the Engine API's JSON."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.kinds.values import architecture as same_name
from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from provisioner.model.change import Change
    from provisioner.model.edges import EngineJson
    from provisioner.model.specs import Placement
    from provisioner.model.state import Resource


def is_placed(change: Change) -> bool:
    """Whether a change is of a service that is to be created, updated or replaced: those are judged."""
    wanted = change.desired
    return wanted is not None and wanted.kind == "service" and change.action not in (Action.UNCHANGED, Action.DELETE)


def placement_problems(changes: Iterable[Change], nodes: Sequence[EngineJson]) -> Iterator[Verdict]:
    """Notes on services that only some nodes can run, and refusals for those that too few can."""
    for change in changes:
        wanted = change.desired
        if wanted is None or not is_placed(change):
            continue
        reasons = obstacles(Requirements.of(wanted), nodes)
        able = [name for name, why in reasons.items() if not why]
        blocked = [f"{name}: {why}" for name, why in reasons.items() if why]
        most = (wanted.service_spec.get("placement") or {}).get("max_replicas_per_node", 0)
        replicas = wanted.service_spec.get("replicas") or 0
        if not able and blocked and wanted.service_spec.get("replicas") != 0:
            yield Verdict(True, _problem(wanted, f"no node can run it: {'; '.join(blocked)}"))
        elif most and replicas > most * len(able):
            text = f"{replicas} replicas have no room: {len(able)} nodes can run it, each at most {most}"
            yield Verdict(True, _problem(wanted, text))
        elif blocked:
            text = f"{len(able)} of {len(reasons)} nodes can run it ({', '.join(able)}); not {'; '.join(blocked)}"
            yield Verdict(False, Problem(text, wanted.span, str(wanted.address)))


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a node must have to run a service's tasks. Memory is in bytes."""

    placement: Placement
    cpus: float | None = None
    memory: int | None = None
    generic_resources: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, service: Resource) -> Requirements:
        """Those of a desired service."""
        spec = service.service_spec
        return cls(
            spec.get("placement") or {}, spec.get("cpu_reservation"), spec.get("mem_reservation"),
            spec.get("generic_resources") or {},
        )  # fmt: skip


def able_nodes(service: Resource, nodes: Sequence[EngineJson]) -> list[EngineJson]:
    """The nodes that can run a service."""
    requirements = Requirements.of(service)
    return [node for node in nodes if not _obstacle(requirements, node)]


def name_of(node: EngineJson) -> str:
    """What a node is called: Description.Hostname, else its id."""
    return str((node.get("Description") or {}).get("Hostname") or node.get("ID"))


def obstacles(requirements: Requirements, nodes: Sequence[EngineJson]) -> dict[str, str]:
    """For each node, by its name, why it can not run a service; an empty text where it can."""
    reasons: dict[str, str] = {}
    for node in nodes:
        name = name_of(node)
        reasons[name if name not in reasons else f"{name} ({str(node.get('ID'))[:8]})"] = _obstacle(requirements, node)
    return reasons


def _problem(wanted: Resource, text: str) -> Problem:
    hint = "change deploy.placement or the reservations, or label or add a node (docker node update)"
    return Problem(text, wanted.spans.get("deploy.placement") or wanted.span, str(wanted.address), hint)


def _obstacle(requirements: Requirements, node: EngineJson) -> str:
    state = (node.get("Status") or {}).get("State")
    if state != "ready":
        return f"it is {state or 'not ready'}"
    availability = (node.get("Spec") or {}).get("Availability")
    if availability != "active":
        return f"its availability is {availability}"
    placement = requirements.placement
    for constraint in placement.get("constraints", ()):
        if not _holds(constraint, node):
            return f"{constraint} does not hold"
    platform = (node.get("Description") or {}).get("Platform") or {}
    here = f"{platform.get('OS')}/{same_name(str(platform.get('Architecture')))}"
    platforms = placement.get("platforms", ())
    if platforms and not any(_fits(accepted, here) for accepted in platforms):
        return f"its platform is {here}, not {' or '.join(platforms)}"
    return _shortage(requirements, (node.get("Description") or {}).get("Resources") or {})


def _shortage(requirements: Requirements, resources: EngineJson) -> str:
    cpus, memory = requirements.cpus, requirements.memory
    has = float(resources.get("NanoCPUs") or 0) / 1e9
    if cpus and has and float(cpus) > has:
        return f"it has {has:g} CPUs, and {float(cpus):g} are to be reserved"
    bytes_there = int(resources.get("MemoryBytes") or 0)
    if memory and bytes_there and int(memory) > bytes_there:
        return f"it has {bytes_there >> 20} MiB of memory, and {int(memory) >> 20} MiB are to be reserved"
    for kind, count in sorted(requirements.generic_resources.items()):
        available = _generic(resources, kind)
        if available < count:
            return f"it has {available} of the generic resource {kind}, and {count} are to be reserved"
    return ""


def _generic(resources: EngineJson, kind: str) -> int:
    """How much of a generic resource a node has: a number, or one for each that it names."""
    entries = resources.get("GenericResources") or []
    discrete = [entry["DiscreteResourceSpec"] for entry in entries if entry.get("DiscreteResourceSpec")]
    named = [entry["NamedResourceSpec"] for entry in entries if entry.get("NamedResourceSpec")]
    counted = sum(int(spec["Value"]) for spec in discrete if spec["Kind"] == kind)
    return counted + sum(1 for spec in named if spec["Kind"] == kind)


def _holds(constraint: str, node: EngineJson) -> bool:
    """Swarm compares without regard to case; a label that is not there is an empty text."""
    left, operator, right = _parts(constraint)
    value = _value(left, node)
    if value is None:
        return False
    if left == "node.ip":
        return _in_network(value, right) == (operator == "==")
    return (value.lower() == right.lower()) == (operator == "==")


def _parts(constraint: str) -> tuple[str, str, str]:
    for operator in ("==", "!="):
        left, separator, right = constraint.partition(operator)
        if separator:
            return left.strip(), operator, right.strip()
    return constraint, "==", ""


def _value(key: str, node: EngineJson) -> str | None:
    """What a node has under a constraint's key; None for a key that Swarm does not know."""
    description, spec = node.get("Description") or {}, node.get("Spec") or {}
    platform = description.get("Platform") or {}
    known = {
        "node.id": node.get("ID"),
        "node.hostname": description.get("Hostname"),
        "node.role": spec.get("Role"),
        "node.ip": (node.get("Status") or {}).get("Addr"),
        "node.platform.os": platform.get("OS"),
        "node.platform.arch": platform.get("Architecture"),
    }
    if key in known:
        return str(known[key] or "")
    for prefix, labels in (
        ("node.labels.", spec.get("Labels")),
        ("engine.labels.", (description.get("Engine") or {}).get("Labels")),
    ):
        if key.startswith(prefix):
            return str((labels or {}).get(key.removeprefix(prefix), ""))
    return None


def _in_network(address: str, network: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _fits(wanted: str, here: str) -> bool:
    os, _, architecture = wanted.partition("/")
    has_os, _, has_architecture = here.partition("/")
    architecture = architecture.partition("/")[0]
    return os == has_os and (not architecture or same_name(architecture) == has_architecture)


def ipvs_problems(resources: Iterable[Resource]) -> Iterator[Verdict]:
    """What services ask for that a kernel without IPVS can not give: the connections hang, nothing says why."""
    for wanted in resources:
        if wanted.kind != "service":
            continue
        spec = wanted.spec
        reachable = [key for key in spec.get("networks") or {} if key not in ("host", "bridge", "none")]
        if spec.get("endpoint_mode") == "vip" and reachable:
            text = "its virtual address needs IPVS, which this kernel has not: the name resolves, connections hang"
            span = wanted.spans.get("deploy.endpoint_mode") or wanted.span
            yield Verdict(False, Problem(text, span, str(wanted.address), "say `deploy: {endpoint_mode: dnsrr}`"))
        ingress = _ingress_ports(spec.get("ports"))
        if ingress:
            text = f"publishing {', '.join(ingress)} through the ingress network needs IPVS, which this kernel has not"
            span = wanted.spans.get("ports") or wanted.span
            hint = "publish with `mode: host`"
            yield Verdict(False, Problem(f"{text}: connections hang", span, str(wanted.address), hint))


def _ingress_ports(ports: Mapping[str, Sequence[str]] | None) -> list[str]:
    """The published ports, or the targets of those that Swarm chooses, that go through the ingress network."""
    ingress_ports = []
    for target, entries in sorted((ports or {}).items()):
        for entry in entries:
            published, _, mode = entry.partition(":")
            if mode == "ingress":
                ingress_ports.append(f"port {published or target}")
    return ingress_ports
