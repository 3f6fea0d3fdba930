"""The containers of an environment's services, as commands that look at or act on running ones need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.app.intentions import with_kept_scale
from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, UsageError
from provisioner.kinds.ownership import NAME, ONE_OFF, PROJECT, owned_address
from provisioner.kinds.tool_labels import TASK_OF
from provisioner.ledger.records import read_ledger
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.reconcile.swarm_tasks import tasks_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.ledger.intentions import Intentions
    from provisioner.model.edges import EngineJson
    from provisioner.model.playbook import Playbook
    from provisioner.ports import EngineReader
    from provisioner.verify.kind import RemoteTask


@dataclass(frozen=True, slots=True)
class OwnedContainer:
    """One replica; `raw` is the engine's inspection.

    A `kind` of service stands for all replicas of one that runs on other nodes too: only its logs can be had.
    """

    address: Address
    id: str
    raw: EngineJson
    kind: str = "container"

    @property
    def running(self) -> bool:
        return bool(self.raw["State"].get("Status") == "running")


def owned_containers(engine: EngineReader, project: str, services: Sequence[str] = ()) -> list[OwnedContainer]:
    """The containers of the named services, or of all, by address; replacements that are not in place are left out."""
    containers = []
    for raw in engine.list("container", {PROJECT: project}):
        labels, name = raw["Config"].get("Labels") or {}, str(raw["Name"]).lstrip("/")
        address = owned_address(labels, name, project)
        if address is None or address.kind != "service" or ONE_OFF in labels or name != labels.get(NAME):
            continue
        if not services or address.name in services:
            containers.append(OwnedContainer(address, str(raw["Id"]), raw))
    return sorted([*containers, *_task_containers(engine, project, services)], key=lambda container: container.address)


def owned_services(
    engine: EngineReader, project: str, services: Sequence[str] = ()
) -> list[tuple[Mapping[str, Any], Address]]:
    """The Swarm services of the named services, or of all, without one-off ones; none on a plain engine."""
    owned = []
    for raw in engine.list("service", {PROJECT: project}) if engine.facts().swarm_manager else ():
        labels = raw["Spec"].get("Labels") or {}
        address = owned_address(labels, raw["Spec"]["Name"], project)
        if address is not None and ONE_OFF not in labels and (not services or address.name in services):
            owned.append((raw, address))
    return owned


def _task_containers(engine: EngineReader, project: str, services: Sequence[str]) -> list[OwnedContainer]:
    """Containers of Swarm tasks that run on this very node; those on other nodes are out of its reach."""
    containers: dict[Address, OwnedContainer] = {}
    for service, belongs in owned_services(engine, project, services):
        for raw in engine.list("container", {TASK_OF: str(service["ID"])}):
            # `<service>.<slot>.<task>`; a global service has the node's id in the place of the slot.
            slot = str(raw["Name"]).rsplit(".", 2)[1]
            address = Address("service", belongs.name, int(slot) if slot.isdecimal() else 1)
            container = OwnedContainer(address, str(raw["Id"]), raw)
            # The newest one that runs, else the newest that has run: one that is to start has said nothing yet.
            if address not in containers or _lived(container) > _lived(containers[address]):
                containers[address] = container
    return list(containers.values())


def _lived(container: OwnedContainer) -> int:
    return 2 if container.running else int(container.raw["State"].get("Status") != "created")


def writers(engine: EngineReader, playbook: Playbook, services: Sequence[str]) -> list[OwnedContainer]:
    """Whose output is a service's, by address: its containers, or the service itself where tasks run elsewhere."""
    away = tasks_elsewhere(engine, playbook.project, services)
    containers = [
        container
        for container in owned_containers(engine, playbook.project, services)
        if container.address.name not in away
    ]
    for name, tasks in away.items():
        raw = tasks[0].service
        containers.append(OwnedContainer(Address("service", name), str(raw["ID"]), raw, "service"))
    return sorted(containers, key=lambda writer: writer.address)


def tasks_elsewhere(engine: EngineReader, project: str, services: Sequence[str] = ()) -> dict[str, list[RemoteTask]]:
    """The running tasks of the named services, or of all, on other nodes of the Swarm; none on a plain engine."""
    from provisioner.verify.kind import RemoteTask

    facts = engine.facts()
    nodes = engine.list("node", {}) if facts.swarm_manager else ()
    names = {str(raw["ID"]): str((raw.get("Description") or {}).get("Hostname")) for raw in nodes}
    by_service: dict[str, list[RemoteTask]] = {}
    for raw, belongs in owned_services(engine, project, services) if len(names) > 1 else ():
        for task in engine.tasks(str(raw["ID"]), current=True):
            node = str(task.get("NodeID") or "")
            if (task.get("Status") or {}).get("State") == "running" and node and node != facts.node_id:
                by_service.setdefault(belongs.name, []).append(RemoteTask(raw, node, names.get(node) or node))
    return by_service


def tasks_to_come(engine: EngineReader, project: str, services: Sequence[str], index: int | None = None) -> bool:
    """Whether a Swarm runs a task of the named services, or of all, or is to; with `index` in one slot."""
    return any(
        tasks_of(raw, [task for task in engine.tasks(str(raw["ID"])) if index in (None, task.get("Slot"))]).live
        for raw, _ in owned_services(engine, project, services)
    )


def require_services(playbook: Playbook, services: Sequence[str]) -> None:
    """UsageError for a name that is no service of the playbook, with the nearest one."""
    for name in services:
        if name not in playbook.services:
            hint = nearest(name, playbook.services) or f"there are: {', '.join(sorted(playbook.services))}"
            raise UsageError(f"no service is named {name!r}", hint=hint)


def running_replica(engine: EngineReader, playbook: Playbook, service: str, index: int) -> OwnedContainer:
    """One running replica of a service."""
    require_services(playbook, [service])
    replicas = owned_containers(engine, playbook.project, [service])
    for replica in replicas:
        if replica.address.index == index and replica.running:
            return replica
    away = sorted({task.host for task in tasks_elsewhere(engine, playbook.project, [service]).get(service, ())})
    if away:
        raise ProvisionError(
            f"service.{service}[{index}] is not on this node; tasks of the service run on {', '.join(away)}, where "
            "this engine can not run a command",
            hint="run `docker exec` there, or bind the service to this node (deploy.placement.constraints)",
        )
    ledger = read_ledger(engine, playbook.project)
    kept = with_kept_scale(playbook, ledger, ()).services[service].replicas
    number = max(kept, *(replica.address.index for replica in replicas), 1)
    if index > number:
        count = "1 replica" if number == 1 else f"{number} replicas"
        raise UsageError(f"service.{service} has {count}, and --index {index} names another", hint=_numbers(number))
    states = ", ".join(f"{replica.address} is {replica.raw['State'].get('Status')}" for replica in replicas)
    state = next(
        (str(replica.raw["State"].get("Status")) for replica in replicas if replica.address.index == index), ""
    )
    raise ProvisionError(
        f"service.{service}[{index}] is not running" + (f": {states}" if states else ""),
        hint=_how_to_run(playbook, ledger.intentions, service, state),
    )


def _how_to_run(playbook: Playbook, intentions: Intentions, service: str, state: str) -> str:
    """What makes a service run whose container is in a state, empty where there is none."""
    if state == "paused":
        return f"provision unpause {service}"
    if state == "restarting":
        return f"provision why service.{service}"
    if service in intentions.stopped:
        return f"provision start {service}"
    if playbook.services[service].job:
        return f"provision run --rm {service} COMMAND; provision logs {service} shows what it said"
    return "provision apply"


def _numbers(replicas: int) -> str:
    return "leave --index out" if replicas <= 1 else f"they are numbered from 1 to {replicas}"
