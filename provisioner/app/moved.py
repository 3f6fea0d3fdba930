"""`moved`: an object that has another address now stays the object that it is. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.adopted_names import has_own_name
from provisioner.kinds.ownership import ownership_labels
from provisioner.model.adoption import Adopted
from provisioner.model.change import Action
from provisioner.model.span import Problem
from provisioner.reconcile.diff import differences_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.playbook import Move, Playbook
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource

# What differs between two services that are the same but for their names.
_NAMES = ("container_name", "networks")
MOVABLE = ("container", "network", "volume")


def moved_objects(playbook: Playbook, desired: DesiredState, observed: ObservedState) -> tuple[Adopted, ...]:
    """The records that give objects of this environment their new addresses. A move that has been made is none."""
    found: list[Adopted] = []
    for move in playbook.moved:
        sources = sorted(a for a in observed.resources if a.whole == move.source and a not in desired.resources)
        targets = sorted(a for a in desired.resources if a.whole == move.target and a not in observed.resources)
        for source, target in zip(sources, targets, strict=False):
            seen, wanted = observed.resources[source], desired.resources[target]
            if seen.kind == wanted.kind and seen.kind in MOVABLE and not wanted.external:
                found.append(_record(playbook, move, seen, wanted))
    return tuple(found)


def _record(playbook: Playbook, move: Move, seen: Observed, wanted: Resource) -> Adopted:
    name = wanted.name if seen.kind == "container" else seen.name
    labels = ownership_labels(playbook.project, wanted.address, name)
    return Adopted(
        seen.kind, seen.id, name, seen.created, str(wanted.address), labels, f"this environment as {seen.address}"
    )


def move_notes(playbook: Playbook, moved: Sequence[Adopted], observed: ObservedState) -> Iterator[Problem]:
    """What a plan says of moves: those that are made, and those that can not be."""
    for one in moved:
        was = one.former.rpartition(" ")[2]
        what = f"renamed to {one.name}" if one.kind == "container" else f"kept under its name {one.name}"
        yield Problem(f"{was} is moved here, and {what}; it is not made anew", path=one.address)
    for move in playbook.moved:
        for address, seen in observed.resources.items():
            if address.whole == move.source and seen.kind not in MOVABLE:
                text = f"{address} can not be moved: a {seen.kind} can not be given another name on the engine"
                yield Problem(text, move.span, str(move.target), "it is made anew under its new name")
        declared = {**playbook.networks, **playbook.volumes}.get(move.target.name)
        if declared is not None and move.target.kind in ("network", "volume") and has_own_name(playbook, declared):
            names = {one.name for one in moved if one.address == str(move.target)}
            if names and declared.name not in names:
                text = f"{move.source} can not be moved: the file names {move.target} {declared.name}"
                yield Problem(text, move.span, str(move.target), f"write `name: {min(names)}` there")


def suggested_moves(changes: Sequence[Change], observed: ObservedState) -> Iterator[Problem]:
    """Objects that are gone from the file while equal ones are new in it: a move, most likely."""
    gone: dict[Address, list[Change]] = {}
    for change in changes:
        if change.action is Action.DELETE and change.observed is not None and change.observed.kind in MOVABLE:
            gone.setdefault(change.address.whole, []).append(change)
    for change in changes:
        wanted = change.desired
        if change.action is not Action.CREATE or wanted is None or wanted.kind not in MOVABLE or wanted.external:
            continue
        if change.address.index > 1:
            continue
        for address, ones in gone.items():
            seen = ones[0].observed
            if address.kind == change.address.kind and seen is not None and _are_alike(wanted, seen, observed):
                block = f"moved: [{{from: {address}, to: {change.address.whole}}}]"
                yield Problem(
                    f"it is declared as {address} was, which is no longer declared", change.span, str(change.address),
                    f"`{block}` keeps that one under its new address, instead of making another",
                )  # fmt: skip
                break


def _are_alike(wanted: Resource, seen: Observed, observed: ObservedState) -> bool:
    found = differences_of(wanted, seen, observed)
    if wanted.kind != "container":
        return not found
    return all(one.path.partition(".")[0] in _NAMES for one in found)
