"""What only a Swarm does: files and services are objects of its own, on as many nodes as it has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from provisioner.app.applied_secrets import versions_on_swarm
from provisioner.app.platform import Platform
from provisioner.app.published import ports_of_containers, ports_of_services
from provisioner.kinds import swarm_file
from provisioner.kinds.ownership import PROJECT, owned_address
from provisioner.kinds.swarm_file import LARGEST_CONFIG, VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from provisioner.app.applied_secrets import HeldVersions
    from provisioner.app.import_running import Taken
    from provisioner.app.platform import OneOffs, ServiceActs
    from provisioner.app.published import PublishedPort
    from provisioner.model.address import Address
    from provisioner.model.plan import Plan
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import SecretRef
    from provisioner.model.span import Verdict
    from provisioner.model.state import DesiredState
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader


class Swarm(Platform):
    """Services on a Swarm."""

    mode: ClassVar[Mode] = "swarm"
    title: ClassVar[str] = "Swarm"
    keeps_files: ClassVar[bool] = True
    config_sizes: ClassVar[range | None] = range(1, LARGEST_CONFIG + 1)
    names_services: ClassVar[bool] = True
    keeps_running: ClassVar[bool] = True
    starts_what_is_made: ClassVar[bool] = True
    pulls_by_itself: ClassVar[bool] = True
    joins_default: ClassVar[bool] = False

    @property
    def acts(self) -> ServiceActs:
        from provisioner.app import swarm_acts

        return swarm_acts

    @property
    def one_offs(self) -> OneOffs:
        from provisioner.app import one_off_task

        return one_off_task

    def held_versions(
        self, engine: EngineReader, playbook: Playbook, refs: Sequence[SecretRef], but: Collection[str]
    ) -> HeldVersions:
        return versions_on_swarm(engine, playbook, but)

    def applied_versions(self, engine: EngineReader, project: str) -> dict[Address, str]:
        versions: dict[Address, str] = {}
        for raw in sorted(engine.list("secret", {PROJECT: project}), key=lambda secret: swarm_file.age(dict(secret))):
            if address := owned_address(raw["Spec"].get("Labels"), raw["Spec"]["Name"], project):
                versions[address] = str(swarm_file.decode(dict(raw))["version"])
        return versions

    def missing_files(self, desired: DesiredState, engine: EngineReader, filled: Mapping[str, str]) -> set[Address]:
        versions = set()
        for kind in ("config", "secret"):
            for raw in engine.list(kind, {}):
                name, labels = str(raw["Spec"]["Name"]), raw["Spec"].get("Labels") or {}
                versions.add((kind, name))
                # One that was adopted keeps its name, whatever its version is.
                if (address := owned_address(labels, name, desired.project)) is not None:
                    versions.add((str(address), labels.get(VERSION, "")))
        return {
            address
            for address, resource in desired.resources.items()
            if resource.kind in ("config", "secret")
            and not versions & {(resource.kind, resource.name), (str(address), resource.file_spec["version"])}
        }

    def check_placement(self, plan: Plan, engine: EngineReader) -> Plan:
        from provisioner.reconcile.image_availability import image_availability
        from provisioner.reconcile.placement import ipvs_problems, is_placed, placement_problems
        from provisioner.reconcile.swarm_capacity import capacity_problems, node_local_storage, unaffected_services

        verdicts: list[Verdict] = []
        placed = [change for change in plan.details if is_placed(change)]
        if placed:
            nodes = engine.list("node", {})
            # What stands in the place of a declared service is told as that.
            standing = {foreign.id for foreign in plan.observed.foreign}
            services = [raw for raw in engine.list("service", {}) if raw["ID"] not in standing]
            tasks = [raw for raw in engine.list("task", {}) if raw.get("ServiceID") not in standing]
            load = unaffected_services(plan.details, services, tasks)
            verdicts += placement_problems(placed, nodes)
            for change in placed:
                verdicts += capacity_problems(change, nodes, load)
                verdicts += node_local_storage(change, nodes, plan.desired)
            verdicts += image_availability(plan, placed, nodes, engine.distribution)
        if plan.observed.facts.ipvs is False:
            verdicts += ipvs_problems(plan.desired.resources.values())
        refusals = [problem for is_refused, problem in verdicts if is_refused]
        return replace(
            plan,
            notes=(*plan.notes, *(problem for is_refused, problem in verdicts if not is_refused)),
            refusals=(*plan.refusals, *refusals),
            steps=() if refusals else plan.steps,
        )

    def published_ports(self, engine: EngineReader, project: str) -> tuple[PublishedPort, ...]:
        return tuple(sorted({*ports_of_containers(engine, project), *ports_of_services(engine, project)}))

    def count_nodes(self, engine: EngineReader) -> int:
        return len(engine.list("node", {}))

    @property
    def services_reader(self) -> type[Taken]:
        from provisioner.app.import_stack import TakenStack

        return TakenStack
