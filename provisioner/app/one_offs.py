"""What `run` left on the engine: containers, and on a Swarm services, each made for one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from provisioner.app.owned import OwnedContainer
from provisioner.kinds.ownership import ONE_OFF, PROJECT
from provisioner.kinds.tool_labels import TASK_OF
from provisioner.model.address import Address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.edges import EngineJson
    from provisioner.ports import EngineReader, EngineWriter


def one_offs(engine: EngineReader, project: str, services: Sequence[str] = ()) -> list[EngineJson]:
    """The containers, by name, with whichever of the services they were made from."""
    containers = [
        raw for raw in engine.list("container", {PROJECT: project, ONE_OFF: ""}) if _is_of(raw["Config"], services)
    ]
    return sorted(containers, key=lambda raw: str(raw["Name"]))


def one_off_containers(engine: EngineReader, project: str, services: Sequence[str] = ()) -> list[OwnedContainer]:
    """The containers under their service's address, and those on this node of what runs as a service of a Swarm.

    The labels of the latter are not their containers'.
    """
    made = [(raw["Config"]["Labels"][ONE_OFF], raw) for raw in one_offs(engine, project, services)]
    for task in one_off_tasks(engine, project, services):
        containers = engine.list("container", {TASK_OF: str(task["ID"])})
        made += [(task["Spec"]["Labels"][ONE_OFF], raw) for raw in containers]
    return [OwnedContainer(Address("service", str(service)), str(raw["Id"]), raw) for service, raw in made]


def one_off_tasks(engine: EngineReader, project: str, services: Sequence[str] = ()) -> list[EngineJson]:
    """The services of a Swarm; none on a plain engine."""
    swarm_services = engine.list("service", {PROJECT: project, ONE_OFF: ""}) if engine.facts().swarm_manager else ()
    return [raw for raw in swarm_services if _is_of(raw["Spec"], services)]


def _is_of(labelled: Mapping[str, Any], services: Sequence[str]) -> bool:
    return not services or str((labelled.get("Labels") or {}).get(ONE_OFF)) in services


def remove_one_offs(engine: EngineWriter, project: str) -> list[str]:
    """Remove all of them, running or not; their names."""
    gone = []
    for raw in one_offs(engine, project):
        engine.stop(str(raw["Id"]), grace=0)
        engine.remove("container", str(raw["Id"]), volumes=True)
        gone.append(str(raw["Name"]).lstrip("/"))
    for raw in one_off_tasks(engine, project):
        engine.remove("service", str(raw["ID"]))
        gone.append(str(raw["Spec"]["Name"]))
    return gone


def without_one_offs(engine: EngineReader, project: str) -> EngineReader:
    """The engine as it is once they are removed: they use none of the project's configs, secrets and networks."""
    return cast("EngineReader", _WithoutOneOffs(engine, project))


class _WithoutOneOffs:
    def __init__(self, engine: EngineReader, project: str) -> None:
        self._engine = engine
        self._project = project

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def list(self, kind: str, labels: Mapping[str, str]) -> Sequence[EngineJson]:
        listed = self._engine.list(kind, labels)
        part = {"service": "Spec", "container": "Config"}.get(kind)
        return [raw for raw in listed if part is None or not self._is_ours(raw[part].get("Labels") or {})]

    def inspect(self, kind: str, name: str) -> Mapping[str, Any] | None:
        raw = self._engine.inspect(kind, name)
        return self._without_guests(raw) if kind == "network" and raw is not None else raw

    def _without_guests(self, network: EngineJson) -> Mapping[str, Any]:
        """A network without those of them that are on it."""
        on_it = network.get("Containers") or {}
        ours = {str(raw["Id"]) for raw in one_offs(self._engine, self._project)} if on_it else set()
        return {**network, "Containers": {key: endpoint for key, endpoint in on_it.items() if key not in ours}}

    def _is_ours(self, labels: Mapping[str, str]) -> bool:
        return ONE_OFF in labels and labels.get(PROJECT) == self._project
