"""What a plan needs from outside the playbook: build contexts, the contents of configs, secrets and their versions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.errors import PlaybookInvalid, SecretUnavailable
from provisioner.model.secret import Found, Held
from provisioner.model.span import Problem
from provisioner.platforms.lowering import Inputs, plain_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import Resolution, SecretRef, SecretValue
    from provisioner.model.state import ObservedState
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader

# Stands in for the version of a secret while there is no key to make one with: the first apply makes the key.
UNKEYED = "not known before the first apply"


# A secret that the Swarm holds already, under the name that follows; it can be mounted and not compared.
HELD = "held:"


@dataclass(frozen=True, slots=True)
class Materials:
    """`contents` holds the bytes of configs and the values of secrets, by `configs/x` and `secrets/x`.

    `unsettled` is true while the key or a generated value is still to be kept; `messages` are for people.
    """

    inputs: Inputs
    contents: Mapping[str, bytes | SecretValue] = field(default_factory=dict, repr=False)
    declarations: tuple[SecretRef, ...] = ()
    resolutions: Mapping[str, Resolution] = field(default_factory=dict, repr=False)
    unsettled: bool = False
    messages: tuple[str, ...] = ()


def gather(request: Request, playbook: Playbook, engine: EngineReader, mode: Mode) -> Materials:
    """Everything but the engine's own state. Changes nothing, neither files nor tiers.

    PlaybookInvalid for a config or context that can not be read, SecretUnavailable for a missing secret.
    """
    configs = _configs(request, playbook, mode)
    contents: dict[str, bytes | SecretValue] = {f"configs/{key}": data for key, data in configs.items()}
    versions = {f"configs/{key}": hashlib.sha256(data).hexdigest()[:16] for key, data in configs.items()}
    declarations, resolutions, unsettled, messages = _secrets(request, playbook, engine, mode)
    for key, answer in resolutions.items():
        if isinstance(answer, Found):
            contents[f"secrets/{key}"] = answer.value
            versions[f"secrets/{key}"] = _short(answer.fingerprint) if answer.fingerprint else UNKEYED
        elif isinstance(answer, Held):
            versions[f"secrets/{key}"] = f"{HELD}{answer.name}"
    inputs = Inputs(builds=_builds(playbook), versions=versions, registry=_registry(playbook, engine))
    return Materials(inputs, contents, declarations, resolutions, unsettled, tuple(messages))


def settle(request: Request, playbook: Playbook, materials: Materials) -> None:
    """Make the fingerprint key and keep generated values, before anything uses them."""
    from provisioner.app.wiring import surroundings
    from provisioner.secrets.env_local import store
    from provisioner.secrets.fingerprint import KeyAbsent, create_key, find_key
    from provisioner.secrets.generate import keep

    around = surroundings(request, playbook, None)
    if isinstance(find_key(around), KeyAbsent):
        create_key(around)
    keep(materials.declarations, materials.resolutions, store(around))


def require_comparable(observed: ObservedState, materials: Materials) -> None:
    """Refuse when running containers hold secrets whose versions this machine has no key to compare.

    Going on would replace every one of them, or leave a changed secret unnoticed.
    """
    versions = [v for name, v in materials.inputs.versions.items() if name.startswith("secrets/")]
    ours = {version.partition(".")[0] for version in versions}
    for address, found in sorted(observed.resources.items()):
        for entry in (found.spec.get("secrets") or {}).values() if found.kind in ("container", "service") else ():
            if versions and "." in entry["version"] and entry["version"].partition(".")[0] not in ours:
                raise SecretUnavailable(
                    f"{address} holds secret {entry['source']}, and whether it has changed can not be compared: "
                    "this machine has not the fingerprint key that it was applied with",
                    hint="bring the key (.provision/, or PROVISION_FINGERPRINT_KEY) from where it was applied, or "
                    "destroy and apply again",
                )


def _short(fingerprint: str) -> str:
    """The key's id and enough of the code to tell versions apart."""
    return fingerprint[:25]


def _configs(request: Request, playbook: Playbook, mode: Mode) -> dict[str, bytes]:
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
    if problems:
        raise PlaybookInvalid(problems)
    return contents


def _secrets(
    request: Request, playbook: Playbook, engine: EngineReader, mode: Mode
) -> tuple[tuple[SecretRef, ...], Mapping[str, Resolution], bool, Sequence[str]]:
    if not playbook.secrets:
        return (), {}, False, ()
    from provisioner.app.wiring import surroundings
    from provisioner.secrets.chain import require, resolve
    from provisioner.secrets.declarations import declarations
    from provisioner.secrets.fingerprint import KeyAbsent, find_key
    from provisioner.secrets.generate import TIER
    from provisioner.secrets.tiers import open_tiers

    around = surroundings(request, playbook, engine)
    refs = declarations(playbook)
    messages: list[str] = []
    key = find_key(around)
    resolutions = resolve(refs, open_tiers(around), key, tell=messages.append)
    require(resolutions)
    for name, answer in resolutions.items():
        if isinstance(answer, Held) and mode == "containers":
            raise SecretUnavailable(
                f"secret {name} is a Docker secret, which only services on Swarm can mount",
                hint="let it come from env_local or aws here",
            )
    made = any(isinstance(answer, Found) and answer.tier == TIER for answer in resolutions.values())
    return refs, resolutions, made or isinstance(key, KeyAbsent), messages


def _builds(playbook: Playbook) -> dict[str, str]:
    from provisioner.engines.build_context import build_digest

    return {
        name: build_digest(plain_body(service.body)["build"])
        for name, service in playbook.services.items()
        if service.builds
    }


def _registry(playbook: Playbook, engine: EngineReader) -> dict[str, str]:
    """What the registry has now for the images that are always to be pulled."""
    wanted = sorted(
        service.image
        for service in playbook.services.values()
        if not service.builds and plain_body(service.body).get("pull_policy") == "always"
    )
    answers = {reference: engine.distribution(reference) for reference in dict.fromkeys(wanted)}
    return {reference: digest for reference, digest in answers.items() if digest}
