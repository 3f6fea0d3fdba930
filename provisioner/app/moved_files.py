"""`moved` for configs and secrets: they have another key now, and what has them goes on as it is. Reads only.

On a Swarm they are objects, whose labels say their address. On a plain engine they are what containers carry: which
config or secret a file is stands in a container's labels, which the ledger can tell otherwise.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.app.moved import Suggested
from provisioner.app.secret_inputs import short
from provisioner.kinds.container_environment import secrets_in
from provisioner.kinds.container_mounts import ROOTS, file_address, file_entries
from provisioner.kinds.ownership import FILES, ownership_labels
from provisioner.kinds.swarm_file import VERSION
from provisioner.model.address import Address
from provisioner.model.adoption import OWN, Adopted
from provisioner.model.change import Action
from provisioner.model.secret import SecretValue
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioner.app.external_inputs import ExternalInputs
    from provisioner.app.moved import Moves
    from provisioner.model.change import Change
    from provisioner.model.edges import ComposeBody
    from provisioner.model.state import DesiredState, Observed, ObservedState

FILE_KINDS = ("config", "secret")


def moved_files(
    desired: DesiredState, moves: Moves, observed: ObservedState, materials: ExternalInputs, known: Sequence[Adopted]
) -> tuple[dict[Address, Address], tuple[Adopted, ...]]:
    """The new address of each config and secret that is moved, and the records that say so.

    `known` are the records that the ledger has, and those that this plan makes already. A secret's version is keyed by
    its name: of the value of today it becomes the one under the new name.
    """
    held = _versions_on_engine(observed)
    gone = held.keys() - desired.resources.keys()
    targets = {}
    for address, wanted in desired.resources.items():
        if address.kind in FILE_KINDS and address not in held and not wanted.external:
            source = moves.origin(address, gone)
            if source is not None:
                targets[source] = address
    if not targets:
        return {}, ()
    versions = {source: _renamed(source, target, materials) for source, target in targets.items()}
    records = {(adopted.kind, adopted.id): adopted for adopted in known}
    moved: list[Adopted] = []
    for seen in (*observed.resources.values(), *observed.leftovers, *observed.superseded):
        before = records.get((seen.kind, seen.id))
        if seen.kind == "container":
            moved += _carrying(desired.project, seen, before, targets, versions)
        elif seen.kind in FILE_KINDS and seen.address in targets:
            moved.append(_swarm_file(desired.project, seen, targets[seen.address], versions[seen.address]))
    return targets, tuple(moved)


def _versions_on_engine(observed: ObservedState) -> dict[Address, set[str]]:
    """The versions of each config and secret that this environment has on the engine."""
    versions: dict[Address, set[str]] = {}
    for seen in (*observed.resources.values(), *observed.superseded):
        if seen.kind in FILE_KINDS:
            versions.setdefault(seen.address, set()).add(str(seen.file_spec["version"]))
        for address, version in _versions_in(seen) if seen.kind == "container" else ():
            versions.setdefault(address, set()).add(version)
    return versions


def _versions_in(container: Observed) -> Iterator[tuple[Address, str]]:
    yield from ((address, str(entry["version"])) for address, entry in file_entries(container.spec))
    for entry in secrets_in(container.container_spec["environment"]).values():
        yield Address("secret", entry["secret"]), str(entry["version"])


def _renamed(source: Address, target: Address, materials: ExternalInputs) -> dict[str, str]:
    """What a version is called under the new address, where that is another: the one of today's value."""
    content, signer = materials.contents.get(target), materials.signer
    if not isinstance(content, SecretValue) or signer is None:
        return {}
    return {short(signer.fingerprint(source.name, content)): materials.inputs.versions[target]}


def _swarm_file(project: str, seen: Observed, target: Address, versions: Mapping[str, str]) -> Adopted:
    version = str(seen.file_spec["version"])
    labels = ownership_labels(project, target, seen.name) | {VERSION: versions.get(version, version)}
    return Adopted(seen.kind, seen.id, seen.name, seen.created, str(target), labels, f"{OWN} as {seen.address}")


def _carrying(
    project: str, seen: Observed, before: Adopted | None, targets: Mapping[Address, Address],
    versions: Mapping[Address, Mapping[str, str]],
) -> Iterator[Adopted]:  # fmt: skip
    """The record of a container that carries what is moved; none where it carries nothing of it."""

    def renamed(entry: Mapping[str, Any], key: str, address: Address) -> ComposeBody:
        if address not in targets:
            return dict(entry)
        version = str(entry["version"])
        return {**entry, key: targets[address].name, "version": versions[address].get(version, version)}

    recorded: ComposeBody = {
        kind: {
            place: renamed(entry, "source", file_address(kind, entry["source"]))
            for place, entry in seen.spec[kind].items()
        }
        for kind in ROOTS
    }
    recorded["environment"] = {
        name: renamed(entry, "secret", Address("secret", entry["secret"]))
        for name, entry in secrets_in(seen.container_spec["environment"]).items()
    }
    if not any(address in targets for address, _ in _versions_in(seen)):
        return
    files = {FILES: json.dumps({kind: entries for kind, entries in recorded.items() if entries}, sort_keys=True)}
    if before is None:
        own = ownership_labels(project, seen.address, seen.made_as or seen.name)
        former = "this environment"
        before = Adopted("container", seen.id, seen.name, seen.created, str(seen.address), own, former)
    yield replace(before, labels={**before.labels, **files})


def file_notes(targets: Mapping[Address, Address]) -> Iterator[Problem]:
    """What a plan says of configs and secrets that are moved."""
    for source, target in sorted(targets.items()):
        yield Problem(f"{source} is moved here; what has it keeps it, and is not made anew", path=str(target))


def suggested_files(
    changes: Sequence[Change], observed: ObservedState, materials: ExternalInputs, desired: DesiredState
) -> Iterator[Suggested]:
    """Configs and secrets that are gone from the file while the same content is new in it: a move, most likely."""
    held = _versions_on_engine(observed)
    gone = {address: versions for address, versions in held.items() if address not in desired.resources}
    for change in changes:
        if change.address.kind not in FILE_KINDS or change.action is not Action.CREATE or change.address in held:
            continue
        version = materials.inputs.versions.get(change.address, "")
        for source, versions in sorted(gone.items()):
            same = {version, *_renamed(source, change.address, materials)}
            if source.kind == change.address.kind and versions & same:
                del gone[source]
                yield Suggested(source, change)
                break
