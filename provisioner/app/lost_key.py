"""Secrets that can not be compared, since their versions on the engine are of a fingerprint key that is not here.

They count as unchanged, which is told for each one; only what would bring one somewhere anew is refused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable
from provisioner.kinds.container_environment import secrets_in
from provisioner.model.address import Address
from provisioner.model.plan import Verb
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.app.external_inputs import ExternalInputs
    from provisioner.model.plan import Plan
    from provisioner.model.state import ObservedState, Spec

ACCEPT = "--accept-new-key"
_HINT = (
    "bring the key from where it was applied (provision secrets key export there, import here), or say "
    f"{ACCEPT}: every secret gets a new version, and each service that has one is updated once, one after the other"
)


def incomparable_versions(observed: ObservedState, materials: ExternalInputs) -> dict[Address, str]:
    """The secrets whose versions on the engine are of another key, with the version that most have."""
    wanted = {address for address in materials.inputs.versions if address.kind == "secret"}
    ours = {materials.inputs.versions[address].partition(".")[0] for address in wanted} | {materials.key}
    counts: dict[Address, Counter[str]] = {}
    for seen in observed.resources.values():
        for key, version in _uses(seen.spec) if seen.kind in ("container", "service") else ():
            address = Address("secret", key)
            if address in wanted and "." in version and version.partition(".")[0] not in ours:
                counts.setdefault(address, Counter())[version] += 1
    return {
        address: min(versions, key=lambda version: (-versions[version], version))
        for address, versions in sorted(counts.items())
    }


def with_versions(materials: ExternalInputs, versions: Mapping[Address, str]) -> ExternalInputs:
    """The materials in which these secrets are what the engine has; no key is made while they are.

    SecretUnavailable for one that is to get a new value now: that is no change which can be told from none.
    """
    renewed = [key for key in materials.new_values if Address("secret", key) in versions]
    if renewed:
        raise SecretUnavailable(f"secret {renewed[0]} can not be compared: {_reason(materials)}", hint=_HINT)
    inputs = replace(materials.inputs, versions={**materials.inputs.versions, **versions})
    return replace(materials, inputs=inputs, incomparable=frozenset(versions))


def notes(materials: ExternalInputs, versions: Mapping[Address, str], *, accepted: bool) -> Iterator[Problem]:
    """What is told of each secret that can not be compared."""
    why = _reason(materials)
    for index, address in enumerate(versions):
        if accepted:
            text = f"can not be compared: {why}; it gets a new version, and each service that has it one update"
            yield Problem(text, path=str(address))
        else:
            text = f"can not be compared, and is left as it is: {why}"
            yield Problem(text, path=str(address), hint=None if index else _HINT)


def require_no_new_use(ordered: Plan, materials: ExternalInputs) -> None:
    """SecretUnavailable where a step would bring somewhere a secret whose version can not be told from another."""
    if not ordered.steps or not materials.incomparable:
        return
    from provisioner.reconcile.exposure import secrets_of_step

    needed: dict[str, str] = {}
    for step in ordered.steps:
        # A build secret leaves no version on the engine.
        keys = secrets_of_step(step, ordered) if step.verb is not Verb.BUILD else ()
        needed |= {key: str(step.address.whole) for key in keys if Address("secret", key) in materials.incomparable}
    if needed:
        why = _reason(materials)
        lines = [f"{service} needs secret {key}, which can not be compared: {why}" for key, service in needed.items()]
        raise SecretUnavailable("\n".join(lines), hint=_HINT)


def _uses(spec: Spec) -> Iterator[tuple[str, str]]:
    """Each secret that a container or service has, in files or in its environment, with its version."""
    for entry in (spec.get("secrets") or {}).values():
        yield str(entry["source"]), str(entry["version"])
    for entry in secrets_in(spec.get("environment") or {}).values():
        yield str(entry["secret"]), str(entry["version"])


def _reason(materials: ExternalInputs) -> str:
    if materials.key:
        return "it was applied with another fingerprint key than the one that is here"
    return f"the fingerprint key that it was applied with is not here ({materials.key_tried})"
