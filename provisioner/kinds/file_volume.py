"""The volumes with the files of configs and secrets on a plain engine: one for each service and set of versions."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from provisioner.kinds.container_mounts import ROOTS, file_address
from provisioner.kinds.ownership import FILES
from provisioner.kinds.swarm_file import SOURCE
from provisioner.model.address import Address
from provisioner.model.state import FileVolume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.state import DesiredState

# The kind of their addresses, `files.<service>.<configs or secrets>`, and of what is observed of them.
FILES_KIND = "files"


def address_of(service: str, kind: str) -> Address:
    """The address that all file volumes of a service's `configs`, or of its `secrets`, share."""
    return Address(FILES_KIND, f"{service}.{kind}")


def file_volume(project: str, service: str, kind: str, files: Mapping[str, Any]) -> str:
    """The name of the volume for these files; the same versions, owners and modes give the same name."""
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:12]
    return f"{project}_{service}.{kind}.{digest}"


def file_volumes(desired: DesiredState) -> dict[str, FileVolume]:
    """The volumes that the desired containers mount, by name; a service's replicas share them."""
    return {
        file_volume(desired.project, address.name, kind, resource.spec[kind]): FileVolume(
            address.name, kind, resource.spec[kind]
        )
        for address, resource in desired.resources.items()
        if resource.kind == "container"
        for kind in ROOTS
        if resource.spec[kind]
    }


def encode_labels(kind: str, files: Mapping[str, Any], origins: Mapping[Address, str]) -> dict[str, str]:
    """The labels that say what is in a volume, and from which tiers the values of secrets came."""
    labels = {FILES: json.dumps({kind: files}, sort_keys=True)}
    sources = {entry["source"]: origins.get(file_address(kind, entry["source"]), "") for entry in files.values()}
    return labels | ({SOURCE: json.dumps(sources, sort_keys=True)} if any(sources.values()) else {})


def decode(address: Address, labels: Mapping[str, str]) -> FileVolume:
    """What a volume carries, from its address and its labels."""
    service, _, kind = address.name.rpartition(".")
    return FileVolume(service, kind, json.loads(labels.get(FILES, "{}")).get(kind, {}))
