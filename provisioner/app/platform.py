"""What differs between plain containers and a Swarm when a plan is made. The mode is chosen once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Protocol

from provisioner.app.applied_secrets import AWS, HeldVersions, versions_in_volumes, versions_on_swarm
from provisioner.app.mount_sources import missing_sources
from provisioner.kinds import swarm_file
from provisioner.kinds.container_mounts import file_address
from provisioner.kinds.file_volume import file_volumes
from provisioner.kinds.ownership import FILES, OPERATION, PROJECT, owned_address
from provisioner.kinds.swarm_file import LARGEST_CONFIG, VERSION
from provisioner.model.address import Address
from provisioner.platforms import choice
from provisioner.platforms.lowering import InputVersions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from provisioner.model.plan import Plan
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import SecretRef
    from provisioner.model.span import Problem, Verdict
    from provisioner.model.state import DesiredState, Facts
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader


class Platform(Protocol):
    """One mode. `title` is what keeps files in it, `keeps_files` whether it has configs and secrets as objects, those
    of others too; `config_sizes` are the sizes of a config that it takes (bytes), None for all.
    """

    mode: ClassVar[Mode]
    title: ClassVar[str]
    keeps_files: ClassVar[bool]
    config_sizes: ClassVar[range | None]

    def lower(self, playbook: Playbook, inputs: InputVersions) -> DesiredState:
        """Every object that the playbook declares."""

    def remarks(self, playbook: Playbook, facts: Facts) -> tuple[Problem, ...]:
        """What of this machine's files a person should know."""

    def held_versions(
        self, engine: EngineReader, playbook: Playbook, refs: Sequence[SecretRef], but: Collection[str]
    ) -> HeldVersions:
        """What the engine has of secrets from AWS, without those in `but`."""

    def secrets_to_send(self, playbook: Playbook, versions: Mapping[Address, str], in_use: Collection[str]) -> set[str]:
        """The keys of the secrets whose values are needed although the engine has them; `in_use` are its volumes."""

    def applied_versions(self, engine: EngineReader, project: str) -> dict[Address, str]:
        """The versions of secrets that the engine has; of several the newest."""

    def missing_files(self, desired: DesiredState, engine: EngineReader, filled: Mapping[str, str]) -> set[Address]:
        """The configs and secrets whose desired version the engine has no more.

        `filled` are the operations that filled the volumes of a revision, by the volumes' names.
        """

    def check_placement(self, plan: Plan, engine: EngineReader) -> Plan:
        """The plan with what the nodes and the kernel have to say about it."""


class Containers:
    """Containers on a plain engine; their files are in volumes."""

    mode: ClassVar[Mode] = "containers"
    title: ClassVar[str] = "engine"
    keeps_files: ClassVar[bool] = False
    config_sizes: ClassVar[range | None] = None

    def lower(self, playbook: Playbook, inputs: InputVersions) -> DesiredState:
        return choice.lower(playbook, inputs, self.mode)

    def remarks(self, playbook: Playbook, facts: Facts) -> tuple[Problem, ...]:
        return tuple(missing_sources(playbook, facts))

    def held_versions(
        self, engine: EngineReader, playbook: Playbook, refs: Sequence[SecretRef], but: Collection[str]
    ) -> HeldVersions:
        if not any(AWS in ref.sources for ref in refs):
            return HeldVersions()
        return versions_in_volumes(engine, playbook, but)

    def secrets_to_send(self, playbook: Playbook, versions: Mapping[Address, str], in_use: Collection[str]) -> set[str]:
        volumes = file_volumes(self.lower(playbook, InputVersions(versions=versions)))
        missing = [files for name, files in volumes.items() if name not in in_use]
        return {str(e["source"]) for volume in missing if volume.kind == "secrets" for e in volume.files.values()}

    def applied_versions(self, engine: EngineReader, project: str) -> dict[Address, str]:
        found: dict[Address, str] = {}
        for raw in sorted(engine.list("container", {PROJECT: project}), key=lambda one: str(one.get("Created"))):
            files = json.loads((raw["Config"].get("Labels") or {}).get(FILES, "{}"))
            entries = files.get("secrets", {}).values()
            found |= {Address("secret", entry["source"]): entry["version"] for entry in entries}
        return found

    def missing_files(self, desired: DesiredState, engine: EngineReader, filled: Mapping[str, str]) -> set[Address]:
        operations = {
            str(raw["Name"]): (raw.get("Labels") or {}).get(OPERATION)
            for raw in engine.list("volume", {PROJECT: desired.project})
        }
        return {
            file_address(volume.kind, entry["source"])
            for name, volume in file_volumes(desired).items()
            if name not in operations or operations[name] != filled.get(name)
            for entry in volume.files.values()
        }

    def check_placement(self, plan: Plan, engine: EngineReader) -> Plan:
        return plan


class Swarm:
    """Services on a Swarm."""

    mode: ClassVar[Mode] = "swarm"
    title: ClassVar[str] = "Swarm"
    keeps_files: ClassVar[bool] = True
    config_sizes: ClassVar[range | None] = range(1, LARGEST_CONFIG + 1)

    def lower(self, playbook: Playbook, inputs: InputVersions) -> DesiredState:
        return choice.lower(playbook, inputs, self.mode)

    def remarks(self, playbook: Playbook, facts: Facts) -> tuple[Problem, ...]:
        return ()

    def held_versions(
        self, engine: EngineReader, playbook: Playbook, refs: Sequence[SecretRef], but: Collection[str]
    ) -> HeldVersions:
        return versions_on_swarm(engine, playbook, but)

    def secrets_to_send(self, playbook: Playbook, versions: Mapping[Address, str], in_use: Collection[str]) -> set[str]:
        return set()

    def applied_versions(self, engine: EngineReader, project: str) -> dict[Address, str]:
        found: dict[Address, str] = {}
        for raw in sorted(engine.list("secret", {PROJECT: project}), key=lambda one: swarm_file.age(dict(one))):
            if address := owned_address(raw["Spec"].get("Labels"), raw["Spec"]["Name"], project):
                found[address] = str(swarm_file.decode(dict(raw))["version"])
        return found

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


_PLATFORMS: dict[Mode, Platform] = {"containers": Containers(), "swarm": Swarm()}


def platform_of(mode: Mode) -> Platform:
    """What a mode does."""
    return _PLATFORMS[mode]


def choose_platform(playbook: Playbook, *, swarm_manager: bool) -> Platform:
    """The platform of the playbook on this engine. Unreachable when it asks for a Swarm that is not there."""
    return platform_of(choice.choose_mode(playbook, swarm_manager=swarm_manager))
