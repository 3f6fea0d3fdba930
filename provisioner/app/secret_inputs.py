"""What the tiers answer for the secrets of a playbook, and the keeping of what is made anew."""

from __future__ import annotations

import re
import shlex
from dataclasses import field, replace
from typing import TYPE_CHECKING

from provisioner.app.applied_secrets import AWS
from provisioner.errors import SecretUnavailable
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, Held

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from provisioner.app.applied_secrets import HeldVersion
    from provisioner.app.external_inputs import ExternalInputs
    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import Resolution, SecretRef, SecretValue
    from provisioner.ports import EngineReader, SecretSource
    from provisioner.secrets.fingerprint import FingerprintKey


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the tiers answered. `held` are the versions that the engine keeps from earlier applies, `in_use` the
    volumes of a plain engine that services have.
    """

    declarations: tuple[SecretRef, ...] = ()
    resolutions: Mapping[str, Resolution] = field(default_factory=dict, repr=False)
    held: Mapping[str, HeldVersion] = field(default_factory=dict)
    in_use: frozenset[str] = frozenset()
    needs_persisting: bool = False
    key: str = ""
    key_tried: str = ""
    signer: FingerprintKey | None = field(default=None, repr=False)
    messages: tuple[str, ...] = ()


def resolve_secrets(
    request: Request,
    playbook: Playbook,
    engine: EngineReader,
    platform: Platform,
    new_values: Mapping[str, SecretValue],
    needed: Collection[str] | None = None,
    read: Collection[str] = (),
) -> Secrets:
    """An answer for every declared secret. SecretUnavailable for those that are missing or can not be used here.

    With `needed` only those have to be there; those in `read` are read even where the engine has the version of now.
    """
    if not playbook.secrets:
        return Secrets()
    from provisioner.app.wiring import tier_context
    from provisioner.secrets.chain import require, resolve
    from provisioner.secrets.declarations import declarations
    from provisioner.secrets.fingerprint import FingerprintKey, find_key
    from provisioner.secrets.generate import TIER
    from provisioner.secrets.tiers import open_tiers
    from provisioner.secrets.uses import needed_as_value

    context = tier_context(request, playbook, engine)
    refs = declarations(playbook)
    values = needed_as_value(playbook) | {*read}
    held = platform.held_versions(engine, playbook, refs, values)
    context = replace(context, held={key: version.answer for key, version in held.versions.items()})
    messages: list[str] = []
    key = find_key(context)
    tiers = open_tiers(context)
    command = _command(request)
    resolutions = resolve(refs, _renewed(tiers, new_values), key, tell=messages.append, command=command)
    wanted = {name: answer for name, answer in resolutions.items() if needed is None or name in needed}
    require(wanted)
    for name, answer in wanted.items():
        if isinstance(answer, Held) and not platform.keeps_files and answer.tier != AWS:
            raise SecretUnavailable(
                f"secret {name} is a Docker secret, which only services on Swarm can mount",
                hint="let it come from env_local or aws here",
            )
    made = any(isinstance(answer, Found) and answer.tier == TIER for answer in resolutions.values())
    known = isinstance(key, FingerprintKey)
    return Secrets(
        declarations=refs,
        resolutions=resolutions,
        held=held.versions,
        in_use=held.volumes,
        needs_persisting=made or bool(new_values) or not known,
        key=key.id if isinstance(key, FingerprintKey) else "",
        key_tried="" if isinstance(key, FingerprintKey) else key.tried,
        signer=key if isinstance(key, FingerprintKey) else None,
        messages=tuple(messages),
    )


# Files that need not be named where they lie in the folder of the call.
_BY_ITSELF = re.compile(r"(docker-)?compose(\.override)?\.ya?ml")


def _command(request: Request) -> str:
    """How this program is called for the files of the request."""
    finds_files = request.target or all(_BY_ITSELF.fullmatch(file) for file in request.files)
    named = [] if finds_files else [word for file in request.files for word in ("-f", file)]
    return shlex.join(["provision", *named])


def _renewed(tiers: tuple[SecretSource, ...], new_values: Mapping[str, SecretValue]) -> tuple[SecretSource, ...]:
    from provisioner.secrets.renewed import renewed

    return renewed(tiers, new_values) if new_values else tiers


def pending(declarations: Sequence[SecretRef], resolutions: Mapping[str, Resolution]) -> frozenset[str]:
    """The secrets whose value is made by the apply, and templates with such a one in them."""
    from provisioner.secrets.generate import TIER
    from provisioner.secrets.template import ingredients

    keys = {key for key, answer in resolutions.items() if isinstance(answer, Found) and answer.tier == TIER}
    parts = {ref.key: set(ingredients(ref.template)) for ref in declarations if ref.template is not None}
    while more := {key for key, needs in parts.items() if key not in keys and needs & keys}:
        keys |= more
    return frozenset(keys)


def origin(answer: Resolution) -> str:
    """The tier of an answer with the tier's own version, as the label of a Docker secret says it."""
    if not isinstance(answer, Found | Held):
        return ""
    return f"{answer.tier}:{answer.version}" if answer.version else answer.tier


def persist_new_values(request: Request, playbook: Playbook, materials: ExternalInputs) -> None:
    """Make the fingerprint key and keep generated values, before anything uses them."""
    from provisioner.app.wiring import tier_context
    from provisioner.secrets.changes import set_value
    from provisioner.secrets.env_local import lies_in_keyring, store
    from provisioner.secrets.fingerprint import KeyAbsent, create_key, find_key
    from provisioner.secrets.generate import keep

    context = tier_context(request, playbook, None)
    if isinstance(find_key(context), KeyAbsent) and not materials.incomparable:
        create_key(context)
    for ref in materials.declarations:
        if ref.key in materials.new_values:
            in_keyring = lies_in_keyring(context, ref.env)
            set_value(ref, materials.new_values[ref.key], store(context, in_keyring=in_keyring))
    keep(materials.declarations, materials.resolutions, store(context))


def short(fingerprint: str) -> str:
    """The key's id and enough of the code to tell versions apart."""
    return fingerprint[:25]
