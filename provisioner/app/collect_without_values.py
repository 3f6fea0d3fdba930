"""What a look needs from outside the playbook where secrets may be out of reach: no key, no value, a tier down."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from provisioner.app.external_inputs import PENDING, ExternalInputs, collect_inputs
from provisioner.errors import SecretUnavailable, Unreachable
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.model.playbook import Playbook
    from provisioner.ports import EngineReader


@dataclass(slots=True)
class CollectWithoutValues:
    """Collects like `collect_inputs`; a secret that can not be compared counts as unchanged.

    `reasons` says why, by its key.
    """

    reasons: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, request: Request, playbook: Playbook, engine: EngineReader, platform: Platform
    ) -> ExternalInputs:
        """Raises PlaybookInvalid for a config that can not be read, nothing for secrets."""
        try:
            materials = collect_inputs(request, playbook, engine, platform, needed=())
            trouble = "no tier has it" if materials.key else "this machine has not the fingerprint key"
        except (SecretUnavailable, Unreachable) as error:
            materials = collect_inputs(request, replace(playbook, secrets={}), engine, platform)
            trouble = error.message.splitlines()[0]
        versions = dict(materials.inputs.versions)
        applied = platform.applied_versions(engine, playbook.project) if playbook.secrets else {}
        for key in playbook.secrets:
            address = Address("secret", key)
            now, then = versions.get(address, PENDING), applied.get(address, "")
            if now == PENDING or _of_other_keys(now, then):
                versions[address] = then or now
                self.reasons[key] = trouble if now == PENDING else "it was applied with another fingerprint key"
        return replace(materials, inputs=replace(materials.inputs, versions=versions))


def _of_other_keys(version: str, other: str) -> bool:
    return "." in version and "." in other and version.partition(".")[0] != other.partition(".")[0]
