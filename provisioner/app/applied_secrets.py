"""What the engine has of secrets from earlier applies: which version of which source, never a value."""

from __future__ import annotations

import json
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.kinds import file_volume, swarm_file
from provisioner.kinds.container_mounts import file_entries
from provisioner.kinds.ownership import ONE_OFF, PROJECT, owned_address
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Held
from provisioner.platforms.lowering import plain_body

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from provisioner.model.playbook import Playbook
    from provisioner.ports import EngineReader

# The one tier whose own versions tell that a value is unchanged without reading it.
AWS = "aws"


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """`answer` is what the tier may answer with; `version` is that of the object's content, from its label."""

    answer: Held
    version: str


@dataclass(frozen=True, slots=True)
class HeldVersions:
    """`versions` by the secret's key; `volumes` are those of a plain engine that services have."""

    versions: Mapping[str, HeldVersion] = field(default_factory=dict)
    volumes: frozenset[str] = frozenset()


def versions_on_swarm(engine: EngineReader, playbook: Playbook, but: Collection[str]) -> HeldVersions:
    """The newest version of each secret that came from AWS, by the secret's key, without those in `but`.

    One whose template driver has changed is left out, since a new object needs the value.
    """
    versions: dict[str, HeldVersion] = {}
    for raw in sorted(
        engine.list("secret", {PROJECT: playbook.project}), key=lambda secret: swarm_file.age(dict(secret))
    ):
        spec = raw["Spec"]
        labels = spec.get("Labels") or {}
        address = owned_address(labels, spec["Name"], playbook.project)
        tier, _, version = labels.get(swarm_file.SOURCE, "").partition(":")
        if address is None or address.kind != "secret":
            continue
        key = address.name
        versions.pop(key, None)
        declared = playbook.secrets.get(key)
        if declared is None or key in but or tier != AWS or not version:
            continue
        wanted = swarm_file.parse(plain_body(declared.body), "")
        seen = swarm_file.decode(dict(raw))
        if wanted["template_driver"] == seen["template_driver"]:
            held = Held(spec["Name"], tier, version)
            versions[key] = HeldVersion(held, str(seen["version"]))
    return HeldVersions(versions)


def versions_in_volumes(engine: EngineReader, playbook: Playbook, but: Collection[str]) -> HeldVersions:
    """The versions that came from AWS, without those in `but` and those of which services have several."""
    in_use: set[str] = set()
    for raw in engine.list("container", {PROJECT: playbook.project}):
        labels = raw["Config"].get("Labels") or {}
        address = owned_address(labels, str(raw["Name"]).lstrip("/"), playbook.project)
        if address is not None and address.kind == "service" and ONE_OFF not in labels:
            in_use |= {str(mount["Name"]) for mount in raw.get("Mounts") or () if mount.get("Type") == "volume"}
    all_versions: dict[str, set[HeldVersion]] = {}
    for raw in engine.list("volume", {PROJECT: playbook.project}) if in_use else ():
        labels = raw.get("Labels") or {}
        sources = json.loads(labels.get(swarm_file.SOURCE, "{}"))
        for address, entry in file_entries(file_volume.decode(dict(raw))) if raw["Name"] in in_use else ():
            tier, _, version = str(sources.get(address.name, "")).partition(":")
            held = HeldVersion(Held(address.name, tier, version), str(entry["version"]))
            if address.kind == "secret":
                all_versions.setdefault(address.name, set()).add(held)
    versions = {
        key: next(iter(several)) for key, several in all_versions.items() if len(several) == 1 and key not in but
    }
    return HeldVersions(
        {key: held for key, held in versions.items() if held.answer.tier == AWS and held.answer.version},
        frozenset(in_use),
    )
