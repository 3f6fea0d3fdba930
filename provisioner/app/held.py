"""What the Swarm keeps of secrets from earlier applies: which version of which source, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.kinds import swarm_file
from provisioner.kinds.ownership import PROJECT, owner
from provisioner.model.secret import Held
from provisioner.platforms.lowering import plain_body

if TYPE_CHECKING:
    from collections.abc import Collection

    from provisioner.model.playbook import Playbook
    from provisioner.ports import EngineReader

# The one tier whose own versions tell that a value is unchanged without reading it.
_VERSIONED = "aws"


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """`answer` is what the tier may answer with; `version` is that of the object's content, from its label."""

    answer: Held
    version: str


def held_versions(engine: EngineReader, playbook: Playbook, but: Collection[str]) -> dict[str, HeldVersion]:
    """The newest version of each secret that came from AWS, by the secret's key, without those in `but`.

    One whose template driver has changed is left out, since a new object needs the value.
    """
    found: dict[str, HeldVersion] = {}
    for raw in sorted(engine.list("secret", {PROJECT: playbook.project}), key=lambda one: swarm_file.age(dict(one))):
        spec = raw["Spec"]
        labels = spec.get("Labels") or {}
        belongs = owner(labels, spec["Name"])
        tier, _, version = labels.get(swarm_file.SOURCE, "").partition(":")
        if belongs is None or belongs[0] != playbook.project or belongs[1].kind != "secret":
            continue
        key = belongs[1].name
        found.pop(key, None)
        declared = playbook.secrets.get(key)
        if declared is None or key in but or tier != _VERSIONED or not version:
            continue
        wanted = swarm_file.parse(plain_body(declared.body), "")
        there = swarm_file.decode(dict(raw))
        if wanted["template_driver"] == there["template_driver"]:
            held = Held(spec["Name"], tier, version)
            found[key] = HeldVersion(held, str(there["version"]))
    return found
