"""What a plan needs from outside the playbook: build contexts, the contents of configs, secrets and their versions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.app.freshness import greatest_age, is_due
from provisioner.app.held import AWS, held_versions, versions_in_volumes
from provisioner.app.seccomp_profiles import seccomp_profiles
from provisioner.errors import PlaybookInvalid, ProvisionError, SecretUnavailable
from provisioner.kinds.builders import PLAYBOOK_FOLDER
from provisioner.kinds.swarm_file import LARGEST_CONFIG
from provisioner.model.address import Address
from provisioner.model.secret import Found, Held
from provisioner.model.span import Problem
from provisioner.platforms.choice import lower
from provisioner.platforms.lowering import HELD, Inputs, plain_body
from provisioner.playbook.select import built_upon
from provisioner.reconcile.files import file_volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from provisioner.app.held import HeldVersion
    from provisioner.app.request import Request
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import Resolution, SecretRef, SecretValue
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader, SecretSource
    from provisioner.secrets.fingerprint import FingerprintKey

    # How a plan comes by what it needs: `gather`, or the same for another source than the files of today.
    Gathering = Callable[[Request, Playbook, EngineReader, Mode], "Materials"]

# Stands in for the version of a secret that an apply has yet to make: the value itself, or the key to tell it by.
PENDING = "known after apply"


@dataclass(frozen=True, slots=True)
class Materials:
    """`contents` holds the bytes of configs and the values of secrets; `origins` the
    tier that each secret's value is from, with the tier's own version.

    `unsettled` is true while the key, a generated value or one of `fresh` is still to be kept. `key` is the id of the
    fingerprint key, empty without one: `key_tried` says where it was looked for, `signer` is it. `incomparable` are
    the secrets that are left as the engine has them, see `lost_key`. `messages` are for people.
    """

    inputs: Inputs
    contents: Mapping[Address, bytes | SecretValue] = field(default_factory=dict, repr=False)
    declarations: tuple[SecretRef, ...] = ()
    resolutions: Mapping[str, Resolution] = field(default_factory=dict, repr=False)
    origins: Mapping[Address, str] = field(default_factory=dict)
    fresh: Mapping[str, SecretValue] = field(default_factory=dict, repr=False)
    unsettled: bool = False
    key: str = ""
    key_tried: str = ""
    signer: FingerprintKey | None = field(default=None, repr=False)
    incomparable: frozenset[Address] = frozenset()
    messages: tuple[str, ...] = ()


def gather(
    request: Request,
    playbook: Playbook,
    engine: EngineReader,
    mode: Mode,
    fresh: Mapping[str, SecretValue] | None = None,
    needed: Collection[str] | None = None,
    read: Collection[str] = (),
) -> Materials:
    """Everything but the engine's own state. Changes nothing, neither files nor tiers.

    `fresh` are values by secret that are to take the place of those in `.env.local`. With `needed` only those secrets
    have to be there; the values of those in `read` are asked for even where the engine has the version of now.
    PlaybookInvalid for a config or context that can not be read, SecretUnavailable for a missing secret.
    """
    configs = config_contents(request, playbook, mode)
    contents: dict[Address, bytes | SecretValue] = {Address("config", key): data for key, data in configs.items()}
    versions = {Address("config", key): content_version(data) for key, data in configs.items()}
    secrets = resolve_secrets(request, playbook, engine, mode, fresh or {}, needed, read)
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
    if mode == "containers" and (lacking := _to_fill(playbook, versions, secrets) - {*read}):
        return gather(request, playbook, engine, mode, fresh, needed, {*read, *lacking})
    inputs = Inputs(
        builds=build_digests(playbook),
        versions=versions,
        registry=registry_digests(playbook, engine),
        origins={
            Address("secret", key): answer.tier
            for key, answer in secrets.resolutions.items()
            if isinstance(answer, Found | Held)
        },
        profiles=seccomp_profiles(playbook),
    )
    return Materials(
        inputs=inputs,
        contents=contents,
        declarations=secrets.declarations,
        resolutions=secrets.resolutions,
        origins={Address("secret", key): origin(answer) for key, answer in secrets.resolutions.items()},
        fresh=fresh or {},
        unsettled=secrets.unsettled,
        key=secrets.key,
        key_tried=secrets.key_tried,
        signer=secrets.signer,
        messages=secrets.messages,
    )


def _to_fill(playbook: Playbook, versions: Mapping[Address, str], secrets: Secrets) -> set[str]:
    """The secrets that the engine has, and whose values are needed all the same: some service gets a new volume."""
    ours = {key for key, held in secrets.held.items() if secrets.resolutions[key] == held.answer}
    if not ours:
        return set()
    volumes = file_volumes(lower(playbook, Inputs(versions=versions), "containers"))
    missing = [carried for name, carried in volumes.items() if name not in secrets.in_use]
    return ours & {str(e["source"]) for one in missing if one.kind == "secrets" for e in one.files.values()}


def origin(answer: Resolution) -> str:
    """The tier of an answer with the tier's own version, as the label of a Docker secret says it."""
    if not isinstance(answer, Found | Held):
        return ""
    return f"{answer.tier}:{answer.version}" if answer.version else answer.tier


def settle(request: Request, playbook: Playbook, materials: Materials) -> None:
    """Make the fingerprint key and keep generated values, before anything uses them."""
    from provisioner.app.wiring import surroundings
    from provisioner.secrets.changes import set_value
    from provisioner.secrets.env_local import lies_in_keyring, store
    from provisioner.secrets.fingerprint import KeyAbsent, create_key, find_key
    from provisioner.secrets.generate import keep

    around = surroundings(request, playbook, None)
    if isinstance(find_key(around), KeyAbsent) and not materials.incomparable:
        create_key(around)
    for ref in materials.declarations:
        if ref.key in materials.fresh:
            there = lies_in_keyring(around, ref.env)
            set_value(ref, materials.fresh[ref.key], store(around, in_keyring=there))
    keep(materials.declarations, materials.resolutions, store(around))


def content_version(data: bytes) -> str:
    """The version of a config's content."""
    return hashlib.sha256(data).hexdigest()[:16]


def short(fingerprint: str) -> str:
    """The key's id and enough of the code to tell versions apart."""
    return fingerprint[:25]


def config_contents(request: Request, playbook: Playbook, mode: Mode) -> dict[str, bytes]:
    """The bytes of every declared config. PlaybookInvalid for those that can not be read."""
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for key, declared in playbook.configs.items():
        body = plain_body(declared.body)
        if declared.external and mode == "swarm":
            continue
        if declared.external:
            problems.append(
                Problem(
                    "external configs are Swarm's; a plain engine has none",
                    declared.body.span,
                    f"configs.{key}",
                    "give its `file` or `content`",
                )
            )
        elif body.get("content") is not None:
            contents[key] = str(body["content"]).encode()
        elif body.get("environment"):
            value = {**request.shell, **request.overrides}.get(str(body["environment"]))
            if value is None:
                text = f"the variable {body['environment']} is not set"
                problems.append(Problem(text, declared.body.span, f"configs.{key}.environment", "set it"))
            else:
                contents[key] = value.encode()
        elif body.get("file"):
            try:
                contents[key] = Path(str(body["file"])).read_bytes()
            except OSError as error:
                text = f"{body['file']} can not be read: {error.strerror}"
                problems.append(Problem(text, declared.body.span, f"configs.{key}.file", "check the path"))
    for key, content in contents.items() if mode == "swarm" else ():
        if not 1 <= len(content) <= LARGEST_CONFIG:
            text = f"it has {len(content)} bytes, and a config on Swarm has 1 to {LARGEST_CONFIG}"
            hint = "leave an empty one out; put large files into the image or a volume"
            problems.append(Problem(text, playbook.configs[key].body.span, f"configs.{key}", hint))
    if problems:
        raise PlaybookInvalid(problems)
    return contents


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the tiers answered. `held` are the versions that the engine keeps from earlier applies, `in_use` the
    volumes of a plain engine that services have.
    """

    declarations: tuple[SecretRef, ...] = ()
    resolutions: Mapping[str, Resolution] = field(default_factory=dict, repr=False)
    held: Mapping[str, HeldVersion] = field(default_factory=dict)
    in_use: frozenset[str] = frozenset()
    unsettled: bool = False
    key: str = ""
    key_tried: str = ""
    signer: FingerprintKey | None = field(default=None, repr=False)
    messages: tuple[str, ...] = ()


def resolve_secrets(
    request: Request,
    playbook: Playbook,
    engine: EngineReader,
    mode: Mode,
    fresh: Mapping[str, SecretValue],
    needed: Collection[str] | None = None,
    read: Collection[str] = (),
) -> Secrets:
    """An answer for every declared secret. SecretUnavailable for those that are missing or can not be used here.

    With `needed` only those have to be there; those in `read` are read even where the engine has the version of now.
    """
    if not playbook.secrets:
        return Secrets()
    from provisioner.app.wiring import surroundings
    from provisioner.secrets.chain import require, resolve
    from provisioner.secrets.declarations import declarations
    from provisioner.secrets.fingerprint import FingerprintKey, find_key
    from provisioner.secrets.generate import TIER
    from provisioner.secrets.tiers import open_tiers
    from provisioner.secrets.uses import needed_as_value

    around = surroundings(request, playbook, engine)
    refs = declarations(playbook)
    values = needed_as_value(playbook) | {*read}
    held: Mapping[str, HeldVersion] = {}
    in_use: frozenset[str] = frozenset()
    if mode == "swarm":
        held = held_versions(engine, playbook, values)
    elif any(AWS in ref.sources for ref in refs):
        there = versions_in_volumes(engine, playbook, values)
        held, in_use = there.versions, there.volumes
    around = replace(around, held={key: one.answer for key, one in held.items()})
    messages: list[str] = []
    key = find_key(around)
    tiers = open_tiers(around)
    resolutions = resolve(refs, _renewed(tiers, fresh), key, tell=messages.append)
    wanted = {name: answer for name, answer in resolutions.items() if needed is None or name in needed}
    require(wanted)
    for name, answer in wanted.items():
        if isinstance(answer, Held) and mode == "containers" and answer.tier != AWS:
            raise SecretUnavailable(
                f"secret {name} is a Docker secret, which only services on Swarm can mount",
                hint="let it come from env_local or aws here",
            )
    made = any(isinstance(answer, Found) and answer.tier == TIER for answer in resolutions.values())
    known = isinstance(key, FingerprintKey)
    return Secrets(
        declarations=refs,
        resolutions=resolutions,
        held=held,
        in_use=in_use,
        unsettled=made or bool(fresh) or not known,
        key=key.id if isinstance(key, FingerprintKey) else "",
        key_tried="" if isinstance(key, FingerprintKey) else key.tried,
        signer=key if isinstance(key, FingerprintKey) else None,
        messages=tuple(messages),
    )


def _renewed(tiers: tuple[SecretSource, ...], fresh: Mapping[str, SecretValue]) -> tuple[SecretSource, ...]:
    from provisioner.secrets.renewed import renewed

    return renewed(tiers, fresh) if fresh else tiers


def pending(declarations: Sequence[SecretRef], resolutions: Mapping[str, Resolution]) -> frozenset[str]:
    """The secrets whose value is made by the apply, and templates with such a one in them."""
    from provisioner.secrets.generate import TIER
    from provisioner.secrets.template import ingredients

    found = {key for key, answer in resolutions.items() if isinstance(answer, Found) and answer.tier == TIER}
    parts = {ref.key: set(ingredients(ref.template)) for ref in declarations if ref.template is not None}
    while more := {key for key, needs in parts.items() if key not in found and needs & found}:
        found |= more
    return frozenset(found)


def build_digests(playbook: Playbook, only: Collection[str] | None = None) -> dict[str, str]:
    """The digest of what each built service, or each of `only`, is built from now.

    PlaybookInvalid, with the places of all builds whose context or Dockerfile can not be read.
    """
    from provisioner.engines.build_context import build_digest

    found: dict[str, str] = {}
    problems: list[Problem] = []

    def digest(name: str) -> str:
        """That of one service; for a context, one that is not built is its image's name."""
        service = playbook.services.get(name)
        if service is None or not service.builds:
            return service.image if service is not None else ""
        if name not in found:
            upon = {other: digest(other) for other in built_upon(service.body)}
            build = {**plain_body(service.body)["build"], PLAYBOOK_FOLDER: playbook.directory}
            found[name] = ""
            try:
                found[name] = build_digest(build, upon)
            except ProvisionError as error:
                span = service.body.mapping["build"].span
                problems.append(Problem(error.message, span, f"services.{name}.build", error.hint))
        return found[name]

    wanted = [name for name, service in playbook.services.items() if service.builds and (only is None or name in only)]
    digests = {name: digest(name) for name in wanted}
    if problems:
        raise PlaybookInvalid(problems)
    return digests


def registry_digests(playbook: Playbook, engine: EngineReader) -> dict[str, str]:
    """What the registry has now for the images that are to be looked up, always or because they are old."""
    ages = {
        service.image: age
        for service in playbook.services.values()
        if not service.builds and (age := greatest_age(plain_body(service.body))) is not None
    }
    now = datetime.now(UTC)
    wanted = sorted(name for name, age in ages.items() if not age or is_due(engine.inspect("image", name), age, now))
    answers = {reference: engine.distribution(reference) for reference in dict.fromkeys(wanted)}
    return {reference: digest for reference, digest in answers.items() if digest}
