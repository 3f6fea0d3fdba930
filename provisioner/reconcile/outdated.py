"""Versions of configs and secrets that nothing can need any more. Pure.

In both modes what was there before a change stays, so that going back finds it, and what was before that goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds import service, swarm_file
from provisioner.kinds.container_mounts import file_entries
from provisioner.kinds.file_volume import file_volumes
from provisioner.model.change import Action, Change
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address
    from provisioner.model.plan import Policy
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource

FILES_OF_SWARM = ("config", "secret")
_EARLIER = "an earlier version that nothing needs"
_REARRANGED = "a copy of versions that stay, in a volume of files that nothing needs"


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What the ledger tells a plan. `before` is what was applied before what is declared now; `filled` are the
    operations that made a volume of files which was full at the end of an apply; `good` is the last revision before
    the last one whose checks did not fail.
    """

    before: DesiredState | None = None
    filled: frozenset[str] = frozenset()
    good: DesiredState | None = None


EMPTY_LEDGER = LedgerFacts()


def outdated_objects(
    permitted: Sequence[Change],
    changes: Sequence[Change],
    desired: DesiredState,
    observed: ObservedState,
    policy: Policy,
    ledger: LedgerFacts,
) -> list[Change]:
    """Configs and secrets of a Swarm that are not needed once the permitted changes are carried out.

    Kept are those that a service's spec refers to, or the one before it, or the last apply that ended well, and of
    what is declared the newest two.
    """
    by_address: dict[Address, list[Observed]] = {}
    for seen in sorted(observed.superseded, key=_age, reverse=True):
        by_address.setdefault(seen.address, []).append(seen)
    declared = {c.address: c for c in permitted}
    if policy.targets:
        # What is left out is declared all the same.
        by_address = {address: versions for address, versions in by_address.items() if address in declared}
    else:
        for address, current in observed.resources.items():
            if current.kind in FILES_OF_SWARM and address not in desired.resources:
                by_address.setdefault(address, []).insert(0, current)
    touched = {c.observed.id: c for c in permitted if c.observed is not None and c.action is not Action.UNCHANGED}
    # An update makes the spec that stands the one before it.
    before = {i for c in touched.values() if c.action is Action.UPDATE for i in _files(c.observed)}
    states = [state for state in (ledger.before, ledger.good) if state is not None]
    good = {r.name for state in states for r in state.resources.values() if r.kind in FILES_OF_SWARM}
    reasons = {c.address: c.reason for c in changes if c.action is Action.DELETE}
    result = []
    for address, versions in sorted(by_address.items()):
        current_change = declared.get(address)
        renewed = current_change is not None and current_change.action is not Action.UNCHANGED
        # The version that was current until now is the second one kept.
        spare = 0 if renewed or address not in desired.resources else 1
        result += [
            Change(address, Action.DELETE, reasons.get(address) or _EARLIER, observed=version)
            for version in versions[spare:]
            if version.id not in before and version.name not in good and not set(version.users) - touched.keys()
        ]
    return result


def _age(seen: Observed) -> tuple[int, str]:
    return swarm_file.age({"Spec": seen.base, "CreatedAt": seen.created})


def _files(existing: Observed | None) -> list[str]:
    return service.file_ids(existing.base) if existing is not None and existing.kind == "service" else []


def outdated_volumes(
    permitted: Sequence[Change], desired: DesiredState, observed: ObservedState, policy: Policy, ledger: LedgerFacts
) -> list[Observed]:
    """Volumes of files on a plain engine that are not needed once the permitted changes are carried out.

    Beside what a service needs one more is kept: what the apply before needed, else what it has now, else the newest.
    """
    needed = file_volumes(desired)
    before = file_volumes(ledger.before) if ledger.before else {}
    good = file_volumes(ledger.good) if ledger.good else {}
    going = {leftover.id for leftover in observed.leftovers}
    going |= {c.observed.id for c in permitted if c.observed and c.action in (Action.REPLACE, Action.DELETE)}
    chosen = {c.address.name for c in permitted if c.address.kind == "service"}
    using = {volume.address for volume in needed.values()}
    groups: dict[Address, list[Observed]] = {}
    for volume in observed.files:
        # What is left out is declared all the same.
        if volume.name not in needed and (volume.address.name.rpartition(".")[0] in chosen or not policy.targets):
            groups.setdefault(volume.address, []).append(volume)
    result = []
    for owner, versions in sorted(groups.items()):
        ranked = sorted(versions, key=lambda v: (v.name in before, bool(v.users), v.created, v.name), reverse=True)
        spare = 1 if ranked[0].name in before or owner in using else 0
        result += [seen for seen in ranked[spare:] if going.issuperset(seen.users) and seen.name not in good]
    return result


def as_file_changes(
    volumes: Sequence[Observed], desired: DesiredState, observed: ObservedState, reason: str
) -> list[Change]:
    """The removal of volumes of files as changes of the configs and secrets in them, as a Swarm would show it."""
    ids = {seen.id for seen in volumes}
    contents = [_versions(volume) for volume in file_volumes(desired).values()]
    contents += [_versions(file) for file in observed.files if file.id not in ids]
    kept = {version for content in contents for version in content}
    changes: dict[tuple[Address, str], Change] = {}
    for volume in volumes:
        versions = _versions(volume)
        gone = {
            (address, version)
            for address, version in versions
            if (address, version) not in kept or address not in desired.resources
        }
        for address, version in sorted(gone):
            why = _EARLIER if address in desired.resources else reason
            changes.setdefault((address, version), Change(address, Action.DELETE, why, observed=volume))
        if not gone:
            # No version goes: the same ones are in another volume, beside others, or with other owners or modes.
            address, version = min(versions)
            changes.setdefault((address, version), Change(address, Action.DELETE, _REARRANGED, observed=volume))
    return list(changes.values())


def _versions(volume: Resource | Observed) -> set[tuple[Address, str]]:
    return {(address, str(entry["version"])) for address, entry in file_entries(volume.spec)}
