"""What is inside an object that is to be adopted: the files of configs and secrets, and the image. Reads only."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from provisioner.app.configs import content_version
from provisioner.kinds import service
from provisioner.kinds.container_environment import from_lines, secrets_in
from provisioner.kinds.container_mounts import ROOTS, file_address
from provisioner.kinds.image import BUILD_LABEL
from provisioner.model.address import Address
from provisioner.model.adoption import Adopted
from provisioner.model.secret import SecretValue
from provisioner.reconcile.adoption import Evidence, former_owner, labels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.external_inputs import ExternalInputs
    from provisioner.model.edges import EngineJson
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import DesiredState
    from provisioner.ports import EngineReader
    from provisioner.reconcile.adoption import Candidate


def look_inside(engine: EngineReader, candidate: Candidate, materials: ExternalInputs, playbook: Playbook) -> Evidence:
    """Compare what a candidate holds with the contents of today, as far as an engine lets that be read."""
    if candidate.resource.kind in ("config", "secret"):
        return _swarm_file(candidate, materials)
    if candidate.resource.kind == "service":
        return Evidence(declared=service.declared_policies(playbook.services[candidate.resource.address.name].body))
    if candidate.resource.kind != "container":
        return Evidence()
    versions: dict[str, str] = {}
    form = []
    for kind in sorted(ROOTS):
        for target, entry in sorted(candidate.resource.spec[kind].items()):
            data = _file(engine, candidate.id, target)
            if data is None:
                continue
            versions[target] = _version(file_address(kind, entry["source"]), entry["version"], data, materials)
            form.append(f"{kind.removesuffix('s')} {entry['source']} {_how(candidate.raw, target)} {target}")
    live = from_lines(candidate.raw["Config"].get("Env") or [])
    for name, entry in secrets_in(candidate.resource.container_spec["environment"]).items():
        if live.get(name) is not None:
            key = Address("secret", entry["secret"])
            versions[name] = _version(key, entry["version"], str(live[name]).encode(), materials)
    return Evidence(versions, tuple(form))


def _file(engine: EngineReader, container: str, target: str) -> bytes | None:
    """The content of one file in a container; None where there is none, or a folder."""
    name = target.rpartition("/")[2]
    files = engine.read_files(container, target)
    # A link is followed to a file of another name.
    return files.get(name, next(iter(files.values()))) if len(files) == 1 else None


def _version(key: Address, declared: str, data: bytes, materials: ExternalInputs) -> str:
    """The declared version where the content is the declared one, or can not be compared; else another one."""
    content = materials.contents.get(key)
    if content is None:
        return declared
    if isinstance(content, SecretValue):
        return declared if content == SecretValue(data) else ""
    return declared if content == data else content_version(data)


def _how(raw: EngineJson, target: str) -> str:
    mounts = (mount for mount in raw.get("Mounts") or () if mount.get("Destination") == target)
    source = next((mount.get("Source") for mount in mounts), None)
    return f"as the mounted file {source} at" if source else "as a copied file at"


def _swarm_file(candidate: Candidate, materials: ExternalInputs) -> Evidence:
    """A config can be read; a secret can not, and is taken for what is declared."""
    declared = str(candidate.resource.file_spec["version"])
    key = candidate.resource.address
    if candidate.resource.kind == "secret":
        return Evidence(version=declared, form=("its value can not be read, and is taken for the declared one",))
    data = base64.b64decode(candidate.raw["Spec"].get("Data") or "")
    return Evidence(version=_version(key, declared, data, materials))


def adopt_images(engine: EngineReader, desired: DesiredState, candidates: Sequence[Candidate]) -> list[Adopted]:
    """The images that another tool built for the services of the candidates: taken as built from what is there now.

    Only where the candidates run the very image that has the name now.
    """
    adopts = []
    for address, resource in sorted(desired.resources.items()):
        if resource.kind != "image":
            continue
        users = [
            candidate for candidate in candidates if candidate.resource.workload_spec.get("image") == resource.name
        ]
        if not users or not resource.image.recipe:
            continue
        raw = engine.inspect("image", resource.name)
        labels = ((raw or {}).get("Config") or {}).get("Labels") or {}
        if raw is None or BUILD_LABEL in labels or not all(_runs(candidate, str(raw["Id"])) for candidate in users):
            continue
        form = ("taken as built from its folder as it is now",)
        adopts.append(
            Adopted(
                "image", str(raw["Id"]), resource.name, str(raw.get("Created") or ""), str(address),
                {BUILD_LABEL: str(resource.spec["build"])}, str(former_owner(labels_of(raw))), form,
            )
        )  # fmt: skip
    return adopts


def _runs(candidate: Candidate, image: str) -> bool:
    return candidate.resource.kind != "container" or candidate.raw.get("Image") == image
