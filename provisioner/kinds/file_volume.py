"""The volumes with the files of configs and secrets on a plain engine: one for each service and set of versions.

Engine API: Volume. What is in one is in its name and its labels; the same versions, owners and modes give the same
volume, so that two of one name differ in nothing. `files` in it are as the containers have them that mount it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from provisioner.kinds.container_mounts import ROOTS, file_entries
from provisioner.kinds.ownership import FILES, ownership_labels
from provisioner.kinds.swarm_file import SOURCE
from provisioner.model.address import Address
from provisioner.model.state import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.edges import EngineBody
    from provisioner.model.specs import FileUse
    from provisioner.model.state import DesiredState, Spec

# The kind of their addresses, `files.<service>.<configs or secrets>`.
FILES_KIND = "files"


def parse(project: str, service: str, section: str, files: Mapping[str, FileUse]) -> Resource:
    """The volume for the files of a service that are `section` (`configs` or `secrets`), by their places."""
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:12]
    address = Address(FILES_KIND, f"{service}.{section}")
    return Resource(address, FILES_KIND, f"{project}_{service}.{section}.{digest}", {section: files})


def file_volumes(desired: DesiredState) -> dict[str, Resource]:
    """The volumes that the desired containers mount, by name; a service's replicas share them."""
    volumes = [
        parse(desired.project, address.name, section, resource.spec[section])
        for address, resource in desired.resources.items()
        if resource.kind == "container"
        for section in ROOTS
        if resource.spec[section]
    ]
    return {volume.name: volume for volume in volumes}


def encode(volume: Resource, project: str, origins: Mapping[Address, str]) -> EngineBody:
    """The body of POST /volumes/create, without the name. `origins` are the tiers that values of secrets came from."""
    labels = ownership_labels(project, volume.address, volume.name) | {FILES: json.dumps(volume.spec, sort_keys=True)}
    sources = {address.name: origins.get(address, "") for address, _ in file_entries(volume.spec)}
    return {"Labels": labels | ({SOURCE: json.dumps(sources, sort_keys=True)} if any(sources.values()) else {})}


def decode(raw: EngineBody) -> Spec:
    """The spec from an inspection."""
    return dict(json.loads((raw.get("Labels") or {}).get(FILES, "{}")))
