"""The volumes with the files of configs and secrets on a plain engine: one for each service and set of versions."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.kinds.container_mounts import ROOTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.state import DesiredState

# The kind of their addresses, `files.<service>.<configs or secrets>`, and of what is observed of them.
FILES_KIND = "files"


class Carried(NamedTuple):
    """What a volume carries: the files of one service's configs or secrets, by where they stand inside."""

    service: str
    kind: str
    files: Mapping[str, Any]


def file_volume(project: str, service: str, kind: str, files: Mapping[str, Any]) -> str:
    """The volume for these files; the same versions, owners and modes give the same name."""
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:12]
    return f"{project}_{service}.{kind}.{digest}"


def file_volumes(desired: DesiredState) -> dict[str, Carried]:
    """The volumes that the desired containers mount, by name; a service's replicas share them."""
    return {
        file_volume(desired.project, address.name, kind, resource.spec[kind]): Carried(
            address.name, kind, resource.spec[kind]
        )
        for address, resource in desired.resources.items()
        if resource.kind == "container"
        for kind in ROOTS
        if resource.spec[kind]
    }
