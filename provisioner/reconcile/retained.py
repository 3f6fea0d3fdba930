"""Objects of the environment that no plan deletes, though nothing desired stands for them. Pure.

What a file calls `external` belongs to somebody else, whatever its label says; what only an inactive profile uses is
declared all the same.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from provisioner.model.address import Address
from provisioner.model.change import Action, FieldChange, Impact
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem
from provisioner.model.state import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from provisioner.model.change import Change
    from provisioner.model.edges import PlainDocument
    from provisioner.model.plan import Policy
    from provisioner.model.playbook import Declared, Playbook
    from provisioner.model.specs import KeptVolume
    from provisioner.model.state import Observed, ObservedState

    # The kind of an object and its name on the engine; of a service the kind and its key.
    Named = tuple[str, str]

_KINDS = {"networks": "network", "volumes": "volume", "configs": "config", "secrets": "secret", "services": "service"}
PROTECT = "protect"


@dataclass(frozen=True, slots=True)
class Retained:
    """`external`: kind and name on the engine of what a file calls external. `inactive`: why an object that no active
    service uses stays, by kind and name, or kind and key for services. `declares_services`: whether the playbook has
    any service, of an inactive profile too.
    """

    external: frozenset[Named] = frozenset()
    inactive: Mapping[Named, str] = field(default_factory=dict)
    declares_services: bool = True

    def is_external(self, existing: Observed | None) -> bool:
        """Whether a file calls this very object external."""
        return existing is not None and (existing.kind, existing.name) in self.external

    def reason(self, existing: Observed) -> str:
        """Why an inactive object stays; empty for one that is not declared at all."""
        key = (
            ("service", existing.address.name) if existing.address.kind == "service" else (existing.kind, existing.name)
        )
        return self.inactive.get(key, "")


NOTHING_RETAINED = Retained()


def retained_objects(playbook: Playbook, before: Iterable[PlainDocument] = ()) -> Retained:
    """What the playbook, and the documents `before` that were applied, oldest first, keep from being deleted.

    What was applied as external stays given away until a playbook declares it as its own again.
    """
    own = set(_own(playbook))
    external = {(kind, declared.name) for kind, declared in _declared(playbook) if declared.external}
    external |= {
        (_KINDS[undeployed.section], undeployed.name) for undeployed in playbook.undeployed if undeployed.external
    }
    given_away: dict[Named, bool] = {}
    for document in before:
        given_away |= _stated_in(document)
    external |= {named for named, away in given_away.items() if away and named not in own}
    unused = {(declaration.section, declaration.key) for declaration in playbook.unused}
    inactive: dict[Named, str] = {}
    for undeployed in playbook.undeployed:
        if undeployed.section == "services":
            profiles = " or ".join(undeployed.profiles)
            inactive["service", undeployed.key] = f"its profile {profiles} is not active"
        elif not undeployed.external and (undeployed.section, undeployed.key) not in unused:
            inactive[_KINDS[undeployed.section], undeployed.name] = "what uses it is in a profile that is not active"
    services = bool(playbook.services) or any(undeployed.section == "services" for undeployed in playbook.undeployed)
    return Retained(frozenset(external), inactive, services)


def declared_volumes(playbook: Playbook) -> dict[str, Resource]:
    """The volumes that the files declare as their own, used or not, by their name on the engine."""
    volumes = {
        volume.name: Resource(
            Address("volume", volume.key), "volume", volume.name, {}, protect=volume.protect,
            unprotect=volume.unprotect, span=volume.body.span,
        )
        for volume in playbook.volumes.values()
        if not volume.external
    }  # fmt: skip
    for left_out in playbook.undeployed:
        if left_out.section == "volumes" and not left_out.external:
            volumes[left_out.name] = Resource(
                Address("volume", left_out.key), "volume", left_out.name, {}, protect=left_out.protect,
                unprotect=left_out.unprotect, span=left_out.span,
            )  # fmt: skip
    return volumes


def volumes_to_keep(playbook: Playbook, seen: ObservedState) -> dict[str, KeptVolume]:
    """The volumes that are there, with their protection: what the file says of it, else what was known before."""
    declared = declared_volumes(playbook)
    deployed = {declaration.name for declaration in playbook.volumes.values()}
    volumes = volumes_left(playbook, seen)
    for name, volume in volumes.items():
        wanted = declared.get(name)
        if wanted is not None and (name in deployed or wanted.protect or wanted.unprotect):
            volume["protect"] = wanted.protect
    return volumes


def volumes_left(playbook: Playbook, seen: ObservedState) -> dict[str, KeptVolume]:
    """The volumes of the environment that are there, by name: `key`, and `protect` as it is known."""
    external = {volume.name for volume in playbook.volumes.values() if volume.external}
    external |= {
        undeployed.name for undeployed in playbook.undeployed if undeployed.section == "volumes" and undeployed.external
    }
    return {
        existing.name: {"key": existing.address.name, "protect": existing.protected}
        for existing in seen.resources.values()
        if existing.kind == "volume" and existing.name not in external
    }


def without_external(changes: list[Change], retained: Retained) -> tuple[list[Change], list[Problem]]:
    """The changes without deletions of what a file calls external; those are told as notes."""
    kept, notes = [], []
    for change in changes:
        if change.action is Action.DELETE and retained.is_external(change.observed):
            notes.append(Problem("is external, and is not removed", path=str(change.address)))
        else:
            kept.append(change)
    return kept, notes


def deletes_volume(change: Change, policy: Policy) -> bool:
    """Whether the user asked for the deletion of this volume: by `--volumes` where the file declares it, or by its name
    on the engine.
    """
    assert change.observed is not None
    return change.observed.name in policy.volume_names or (policy.volumes and change.desired is not None)


def is_protected(change: Change) -> bool:
    """Whether a volume is protected, by the file or by what is known of the volume itself."""
    wanted, existing = change.desired, change.observed
    if wanted is not None and (wanted.protect or wanted.unprotect):
        return wanted.protect
    return existing is not None and existing.protected


def protection_changes(wanted: Resource, existing: Observed) -> tuple[FieldChange, ...]:
    """Whether the file protects a volume that was not protected, or the other way round."""
    if wanted.protect == existing.protected:
        return ()
    span = wanted.spans.get(PROTECT, wanted.span)
    return (FieldChange(PROTECT, existing.protected, wanted.protect, Impact.METADATA, span=span),)


def without_guard_changes(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """The changes without those of a protection alone: a plan of a part of the playbook keeps no revision of them."""
    return tuple(replace(c, action=Action.UNCHANGED, differences=()) if changes_guard(c) else c for c in changes)


def changes_guard(change: Change) -> bool:
    """Whether nothing but the protection of a volume changes; the ledger keeps that."""
    return bool(change.differences) and {difference.path for difference in change.differences} == {PROTECT}


def _declared(playbook: Playbook) -> Iterator[tuple[str, Declared]]:
    for section in ("networks", "volumes", "configs", "secrets"):
        for declared in getattr(playbook, section).values():
            yield _KINDS[section], declared


def _own(playbook: Playbook) -> Iterator[Named]:
    yield from ((kind, declared.name) for kind, declared in _declared(playbook) if not declared.external)
    yield from (
        (_KINDS[undeployed.section], undeployed.name)
        for undeployed in playbook.undeployed
        if undeployed.name and not undeployed.external
    )


def _stated_in(document: PlainDocument) -> dict[Named, bool]:
    """Whether a document calls an object external, for each that it names."""
    return {
        (_KINDS[section], str(body.get("name") or key)): bool(body.get("external"))
        for section in ("networks", "volumes", "configs", "secrets")
        for key, body in (document.get(section) or {}).items()
        if isinstance(body, dict)
    }
