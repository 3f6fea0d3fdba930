"""What only plain containers do: their files are in volumes, their replicas are made one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from provisioner.app.applied_secrets import AWS, HeldVersions, versions_in_volumes
from provisioner.app.mount_sources import missing_sources
from provisioner.app.platform import Platform
from provisioner.kinds import container_files
from provisioner.kinds.container_mounts import file_entries
from provisioner.kinds.file_volume import file_volumes
from provisioner.kinds.ownership import OPERATION, PROJECT
from provisioner.platforms.lowering import InputVersions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from provisioner.app.import_running import Taken
    from provisioner.app.platform import OneOffs, ServiceActs
    from provisioner.app.published import PublishedPort
    from provisioner.model.address import Address
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import SecretRef
    from provisioner.model.span import Problem
    from provisioner.model.state import DesiredState, Facts
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader


class Containers(Platform):
    """Containers on a plain engine; their files are in volumes."""

    mode: ClassVar[Mode] = "containers"
    title: ClassVar[str] = "engine"
    keeps_files: ClassVar[bool] = False
    config_sizes: ClassVar[range | None] = None
    names_services: ClassVar[bool] = False
    keeps_running: ClassVar[bool] = False
    starts_what_is_made: ClassVar[bool] = False
    pulls_by_itself: ClassVar[bool] = False
    joins_default: ClassVar[bool] = True

    @property
    def acts(self) -> ServiceActs:
        from provisioner.app import container_acts

        return container_acts

    @property
    def one_offs(self) -> OneOffs:
        from provisioner.app import one_off_container

        return one_off_container

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
        missing = [address for name in volumes.keys() - in_use for address, _ in file_entries(volumes[name].spec)]
        return {address.name for address in missing if address.kind == "secret"}

    def applied_versions(self, engine: EngineReader, project: str) -> dict[Address, str]:
        versions: dict[Address, str] = {}
        for raw in sorted(engine.list("container", {PROJECT: project}), key=lambda raw: str(raw.get("Created"))):
            files = file_entries(container_files.recorded(dict(raw)))
            versions |= {address: entry["version"] for address, entry in files if address.kind == "secret"}
        return versions

    def missing_files(self, desired: DesiredState, engine: EngineReader, filled: Mapping[str, str]) -> set[Address]:
        operations = {
            str(raw["Name"]): (raw.get("Labels") or {}).get(OPERATION)
            for raw in engine.list("volume", {PROJECT: desired.project})
        }
        return {
            address
            for name, volume in file_volumes(desired).items()
            if name not in operations or operations[name] != filled.get(name)
            for address, _ in file_entries(volume.spec)
        }

    def published_ports(self, engine: EngineReader, project: str) -> tuple[PublishedPort, ...]:
        # A plan does not load it.
        from provisioner.app.published import ports_of_containers

        return tuple(sorted(ports_of_containers(engine, project)))

    @property
    def services_reader(self) -> type[Taken]:
        from provisioner.app.import_running import Taken

        return Taken
