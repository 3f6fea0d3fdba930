"""Whether the nodes of a Swarm have room: for host ports, for reservations, for what an update starts beside the old.

Also what is kept on each node by itself. Pure: nodes, services and tasks are the Engine API's JSON.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from provisioner.kinds.fields import get_path
from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem, Verdict
from provisioner.reconcile.placement import able_nodes, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provisioner.model.change import Change
    from provisioner.model.edges import EngineJson
    from provisioner.model.operation import Ports
    from provisioner.model.specs import ServiceSpec
    from provisioner.model.state import DesiredState, Resource
# What can change without a new task.
_BESIDE_TASKS = {"replicas", "labels", "update_config", "rollback_config"}


@dataclass(frozen=True, slots=True)
class SwarmLoad:
    """What is on the Swarm beside what a plan changes: services, and the tasks that are to run."""

    services: Sequence[EngineJson]
    tasks: Sequence[EngineJson]


def unaffected_services(
    changes: Iterable[Change], services: Sequence[EngineJson], tasks: Sequence[EngineJson]
) -> SwarmLoad:
    """Leave out the services that a plan changes: what they have now is theirs to keep or to give back."""
    own = {c.observed.id for c in changes if c.observed is not None and c.action is not Action.UNCHANGED}
    return SwarmLoad([s for s in services if s["ID"] not in own], [t for t in tasks if t.get("ServiceID") not in own])


def capacity_problems(change: Change, nodes: Sequence[EngineJson], load: SwarmLoad) -> Iterator[Verdict]:
    """What a service finds no room for."""
    wanted = change.desired
    assert wanted is not None
    yield from (Verdict(True, problem) for problem in _ingress(wanted, load))
    able = able_nodes(wanted, nodes)
    everywhere = str(wanted.service_spec.get("mode", "")).startswith("global")
    replicas = len(able) if everywhere else int(wanted.service_spec.get("replicas") or 0)
    if not replicas or not able:
        return
    holders = _holders(wanted.service_spec["ports"], load)
    free = [node for node in able if node["ID"] not in holders]
    ports = ", ".join(f"{number}/{protocol}" for number, protocol in sorted(_host_ports(wanted.service_spec["ports"])))
    if holders and len(free) < replicas:
        taken = "; ".join(f"{name_of(n)}: {holders[n['ID']]}" for n in able if n["ID"] in holders)
        text = f"host port {ports} is taken ({taken}); {_count(len(free))} left for {replicas} tasks"
        yield Verdict(True, _problem(wanted, "ports", text, "publish another port, or place them on other nodes"))
    elif ports and replicas > len(able):
        text = f"{replicas} replicas have no room: each needs host port {ports} of a node, and {_count(len(able))}"
        yield Verdict(True, _problem(wanted, "ports", f"{text} can run it", "publish through ingress, or run fewer"))
    elif not everywhere and (short := _reservations(wanted.service_spec, able, load, replicas)):
        yield Verdict(True, _problem(wanted, "deploy.resources", short, "reserve less, run fewer, or make room"))
    yield from _no_room_beside(change, wanted, len(free), replicas, ports)


def _no_room_beside(change: Change, wanted: Resource, free: int, replicas: int, ports: str) -> Iterator[Verdict]:
    """An update that starts first needs a place beside those that run; without one it never gets anywhere."""
    update = wanted.service_spec.get("update_config")
    if update is None or update["order"] != "start-first" or wanted.job:
        return
    most = (wanted.service_spec.get("placement") or {}).get("max_replicas_per_node", 0)
    if ports and free <= replicas:
        why = f"host port {ports} is held by the old task on every node"
    elif most and free * most <= replicas:
        why = f"every node has its {most} of max_replicas_per_node already"
    else:
        return
    begins = change.action is Action.UPDATE and (
        not change.differences or any(d.path.partition(".")[0] not in _BESIDE_TASKS for d in change.differences)
    )
    text = f"an update with `order: start-first` has no place for the new task: {why}"
    hint = "say `update_config: {order: stop-first}`"
    yield Verdict(begins, _problem(wanted, "deploy.update_config", text, hint))


def _ingress(wanted: Resource, load: SwarmLoad) -> Iterator[Problem]:
    """Swarm lets a port through ingress belong to one service only, and refuses the second."""
    for number, protocol, mode in _published(wanted.service_spec["ports"]):
        for service in load.services:
            for port in get_path(dict(service["Spec"]), "EndpointSpec.Ports") or []:
                same = (port.get("PublishedPort"), port.get("Protocol") or "tcp") == (number, protocol)
                if same and "ingress" in (mode, port.get("PublishMode") or "ingress"):
                    text = f"port {number}/{protocol} is published by service {service['Spec']['Name']} already"
                    yield _problem(wanted, "ports", text, "publish another port")


def _published(ports: Ports | None) -> Iterator[tuple[int, str, str]]:
    for target, entries in sorted((ports or {}).items()):
        for entry in entries:
            number, _, mode = entry.partition(":")
            if number.isdecimal():
                yield int(number), target.partition("/")[2], mode


def _host_ports(ports: Ports | None) -> set[tuple[int, str]]:
    return {(number, protocol) for number, protocol, mode in _published(ports) if mode == "host"}


def _holders(ports: Ports | None, load: SwarmLoad) -> dict[str, str]:
    """The nodes on which a task of another service has one of the host ports, by id, and whose it is."""
    ours = _host_ports(ports)
    holders: dict[str, str] = {}
    for service in load.services if ours else ():
        theirs = {
            (port.get("PublishedPort"), port.get("Protocol") or "tcp")
            for port in get_path(dict(service["Spec"]), "EndpointSpec.Ports") or []
            if port.get("PublishMode") == "host"
        }
        if theirs & ours:
            holders |= {
                str(task["NodeID"]): str(service["Spec"]["Name"])
                for task in load.tasks
                if task.get("ServiceID") == service["ID"] and task.get("NodeID")
            }
    return holders


def _reservations(spec: ServiceSpec, able: Sequence[EngineJson], load: SwarmLoad, replicas: int) -> str:
    """Why replicas find no room for what they reserve; empty where they do. A node that tells nothing has room."""
    wants = {"NanoCPUs": int(float(spec.get("cpu_reservation") or 0) * 1e9),
             "MemoryBytes": int(spec.get("mem_reservation") or 0)}  # fmt: skip
    wants = {key: amount for key, amount in wants.items() if amount}
    if not wants:
        return ""
    taken: Counter[tuple[str, str]] = Counter()
    for task in load.tasks:
        for key, amount in (get_path(dict(task.get("Spec") or {}), "Resources.Reservations") or {}).items():
            if key in wants:
                taken[str(task.get("NodeID")), key] += int(amount or 0)
    room, said = 0, []
    for node in able:
        has = (node.get("Description") or {}).get("Resources") or {}
        left = {key: int(has[key]) - taken[str(node["ID"]), key] for key in wants if has.get(key)}
        fit = min((max(0, left[key]) // wants[key] for key in left), default=replicas)
        room += fit
        said.append(f"{name_of(node)} has {' and '.join(_amount(k, max(0, v)) for k, v in left.items())} left")
    if room >= replicas:
        return ""
    each = " and ".join(_amount(key, amount) for key, amount in wants.items())
    return f"{replicas} replicas have no room: each reserves {each}, and {'; '.join(said)}"


def _amount(key: str, amount: int) -> str:
    return f"{amount / 1e9:g} CPUs" if key == "NanoCPUs" else f"{amount >> 20} MiB of memory"


def node_local_storage(change: Change, nodes: Sequence[EngineJson], desired: DesiredState) -> Iterator[Verdict]:
    """What each node keeps by itself: it matters where more than one can run a service."""
    wanted = change.desired
    assert wanted is not None
    able = able_nodes(wanted, nodes)
    if len(able) < 2:
        return
    names = ", ".join(name_of(node) for node in able)
    mounts = (wanted.workload_spec.get("volumes") or {}).values()
    local = {r.name for r in desired.resources.values() if r.kind == "volume" and _is_local(r)}
    volumes = sorted({str(m["source"]) for m in mounts if m["type"] == "volume" and m.get("source") in local})
    if volumes:
        text = f"{', '.join(volumes)} is kept on each node by itself, and {names} can run it: a task that moves to "
        hint = "bind it to a node (deploy.placement.constraints), or use a volume driver that all nodes share"
        yield Verdict(False, _problem(wanted, "volumes", f"{text}another node finds an empty one", hint))
    sources = sorted({str(m["source"]) for m in mounts if m["type"] == "bind"})
    if sources:
        text = f"{', '.join(sources)} has to be there on {names}, which can not be looked at from here"
        hint = "bind it to a node (deploy.placement.constraints), or use a config or a volume"
        yield Verdict(False, _problem(wanted, "volumes", text, hint))


def _is_local(volume: Resource) -> bool:
    return not volume.volume_spec.get("driver_opts") and volume.volume_spec.get("driver") in (None, "", "local")


def _count(number: int) -> str:
    return f"{number} node" if number == 1 else f"{number} nodes"


def _problem(wanted: Resource, key: str, text: str, hint: str) -> Problem:
    return Problem(text, wanted.spans.get(key) or wanted.span, str(wanted.address), hint)
