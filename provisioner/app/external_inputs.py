"""What a plan needs from outside the playbook: build contexts, the contents of configs, secrets and their versions."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.app.configs import content_version
from provisioner.app.image_inputs import registry_digests
from provisioner.app.input_files import read_files
from provisioner.app.secret_inputs import origin, pending, resolve_secrets, short
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, Held
from provisioner.platforms.lowering import HELD, InputVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.app.secret_inputs import Secrets
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import Resolution, SecretRef, SecretValue
    from provisioner.ports import EngineReader
    from provisioner.secrets.fingerprint import FingerprintKey

    # How a plan comes by what it needs: `collect_inputs`, or the same for another source than the files of today.
    Collect = Callable[[Request, Playbook, EngineReader, Platform], "ExternalInputs"]

# Stands in for the version of a secret that an apply has yet to make: the value itself, or the key to tell it by.
PENDING = "known after apply"


@dataclass(frozen=True, slots=True)
class ExternalInputs:
    """`contents` holds the bytes of configs and the values of secrets; `origins` the
    tier that each secret's value is from, with the tier's own version.

    `needs_persisting` is true while the key, a generated value or one of `new_values` is still to be kept. `key` is the
    id of the fingerprint key, empty without one: `key_tried` says where it was looked for, `signer` is it.
    `incomparable` are the secrets that are left as the engine has them, see `lost_key`. `messages` are for people.
    """

    inputs: InputVersions
    contents: Mapping[Address, bytes | SecretValue] = field(default_factory=dict, repr=False)
    declarations: tuple[SecretRef, ...] = ()
    resolutions: Mapping[str, Resolution] = field(default_factory=dict, repr=False)
    origins: Mapping[Address, str] = field(default_factory=dict)
    new_values: Mapping[str, SecretValue] = field(default_factory=dict, repr=False)
    needs_persisting: bool = False
    key: str = ""
    key_tried: str = ""
    signer: FingerprintKey | None = field(default=None, repr=False)
    incomparable: frozenset[Address] = frozenset()
    messages: tuple[str, ...] = ()


def collect_inputs(
    request: Request,
    playbook: Playbook,
    engine: EngineReader,
    platform: Platform,
    new_values: Mapping[str, SecretValue] | None = None,
    needed: Collection[str] | None = None,
    read: Collection[str] = (),
) -> ExternalInputs:
    """Everything but the engine's own state. Changes nothing, neither files nor tiers.

    `new_values` are values by secret that are to take the place of those in `.env.local`. With `needed` only those
    secrets have to be there; the values of those in `read` are asked for even where the engine has the version of now.
    PlaybookInvalid for a config or context that can not be read, SecretUnavailable for a missing secret.
    """
    files = read_files(request, playbook, platform)
    contents: dict[Address, bytes | SecretValue] = {Address("config", key): data for key, data in files.configs.items()}
    versions = {Address("config", key): content_version(data) for key, data in files.configs.items()}
    secrets = resolve_secrets(request, playbook, engine, platform, new_values or {}, needed, read)
    waiting = pending(secrets.declarations, secrets.resolutions)
    for key, answer in secrets.resolutions.items():
        address = Address("secret", key)
        if isinstance(answer, Found):
            contents[address] = answer.value
            known = answer.fingerprint and key not in waiting
            versions[address] = short(answer.fingerprint) if known else PENDING
        elif isinstance(answer, Held):
            held = secrets.held.get(key)
            ours = held is not None and answer == held.answer
            versions[address] = held.version if held and ours else f"{HELD}{answer.name}"
    if lacking := _to_send(playbook, versions, secrets, platform) - {*read}:
        return collect_inputs(request, playbook, engine, platform, new_values, needed, {*read, *lacking})
    inputs = InputVersions(
        builds=files.builds,
        versions=versions,
        registry=registry_digests(playbook, engine),
        origins={
            Address("secret", key): answer.tier
            for key, answer in secrets.resolutions.items()
            if isinstance(answer, Found | Held)
        },
        profiles=files.profiles,
    )
    return ExternalInputs(
        inputs=inputs,
        contents=contents,
        declarations=secrets.declarations,
        resolutions=secrets.resolutions,
        origins={Address("secret", key): origin(answer) for key, answer in secrets.resolutions.items()},
        new_values=new_values or {},
        needs_persisting=secrets.needs_persisting,
        key=secrets.key,
        key_tried=secrets.key_tried,
        signer=secrets.signer,
        messages=secrets.messages,
    )


def _to_send(playbook: Playbook, versions: Mapping[Address, str], secrets: Secrets, platform: Platform) -> set[str]:
    """The secrets that the engine has, and whose values are needed all the same: some service gets a new volume."""
    ours = {key for key, held in secrets.held.items() if secrets.resolutions[key] == held.answer}
    return ours & platform.secrets_to_send(playbook, versions, secrets.in_use) if ours else set()
