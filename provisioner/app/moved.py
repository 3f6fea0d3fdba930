"""`moved`: an object that has another address now stays the object that it is. Reads only.

Configs and secrets are `moved_files`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.adopted_names import has_own_name
from provisioner.kinds.ownership import ownership_labels
from provisioner.kinds.volume import is_dated
from provisioner.model.address import Address
from provisioner.model.adoption import OWN, Adopted
from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem
from provisioner.reconcile.diff import differences_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from provisioner.model.change import Change
    from provisioner.model.edges import PlainDocument
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import DesiredState, Facts, Observed, ObservedState, Resource

# What differs between two services that are the same but for their names.
_NAMES = ("container_name", "networks")
MOVABLE = ("container", "network", "volume", "service")


class Moves:
    """Where objects come from: by the playbook's `moved`, and back again by that of documents that were applied."""

    def __init__(self, playbook: Playbook, applied: Iterable[PlainDocument] = ()) -> None:
        """`applied` are the documents of the revisions that are kept."""
        self._from: dict[Address, list[Address]] = {}
        for move in playbook.moved:
            self._from.setdefault(move.target, []).append(move.source)
        for document in applied:
            for entry in document.get("moved") or ():
                source, target = Address.parse(str(entry["from"])), Address.parse(str(entry["to"]))
                if source is not None and target is not None:
                    self._from.setdefault(source, []).append(target)

    def origin(self, target: Address, addresses: Collection[Address]) -> Address | None:
        """The nearest of the addresses `there` whose object is to have the address `target` now; whole addresses."""
        seen, reached = {target}, [target]
        for address in reached:
            for source in self._from.get(address, ()):
                if source in addresses:
                    return source
                if source not in seen:
                    seen.add(source)
                    reached.append(source)
        return None


def moved_objects(
    playbook: Playbook, moves: Moves, desired: DesiredState, observed: ObservedState, known: Sequence[Adopted]
) -> tuple[Adopted, ...]:
    """The records that give objects of this environment their new addresses. A move that has been made is none.

    `known` are the records that the ledger has.
    """
    gone = _by_whole(observed.resources, desired.resources)
    new = _by_whole(desired.resources, observed.resources)
    records = {(adopted.kind, adopted.id): adopted for adopted in known}
    moved: list[Adopted] = []
    for whole, targets in sorted(new.items()):
        source = moves.origin(whole, gone)
        for address, target in zip(gone[source] if source else (), targets, strict=False):
            seen, wanted = observed.resources[address], desired.resources[target]
            if seen.kind == wanted.kind and seen.kind in MOVABLE and not wanted.external:
                moved.append(_record(playbook, seen, wanted, records.get((seen.kind, seen.id)), observed.facts))
    return tuple(moved)


def _by_whole(these: Collection[Address], but: Collection[Address]) -> dict[Address, list[Address]]:
    """The addresses that are not among `but`, in order, by the whole address that they are part of."""
    by_whole: dict[Address, list[Address]] = {}
    for address in sorted(set(these) - set(but)):
        by_whole.setdefault(address.whole, []).append(address)
    return by_whole


def _record(playbook: Playbook, seen: Observed, wanted: Resource, known: Adopted | None, facts: Facts) -> Adopted:
    name = wanted.name if seen.kind == "container" else seen.name
    own = ownership_labels(playbook.project, wanted.address, name)
    labels = {**(known.labels if known else {}), **own}
    created = known.created if known else seen.created
    if seen.kind == "volume" and not is_dated(facts.api_version):
        created = ""
    former, mark = f"{OWN} as {seen.address}", known.mark if known else ""
    return Adopted(seen.kind, seen.id, name, created, str(wanted.address), labels, former, mark=mark)


def move_notes(playbook: Playbook, moved: Sequence[Adopted]) -> Iterator[Problem]:
    """What a plan says of moves: those that are made, and those that can not be."""
    for adopted in moved:
        was = adopted.former.rpartition(" ")[2]
        what = f"renamed to {adopted.name}" if adopted.kind == "container" else f"kept under its name {adopted.name}"
        yield Problem(f"{was} is moved here, and {what}; it is not made anew", path=adopted.address)
    for move in playbook.moved:
        declared = {**playbook.networks, **playbook.volumes}.get(move.target.name)
        if declared is not None and move.target.kind in ("network", "volume") and has_own_name(playbook, declared):
            names = {adopted.name for adopted in moved if adopted.address == str(move.target)}
            if names and declared.name not in names:
                text = f"{move.source} can not be moved: the file names {move.target} {declared.name}"
                yield Problem(text, move.span, str(move.target), f"write `name: {min(names)}` there")


@dataclass(frozen=True, slots=True)
class Suggested:
    """What is new in the file, `change`, may be what was called `source` and is no longer in it."""

    source: Address
    change: Change


def suggested_moves(changes: Sequence[Change], observed: ObservedState) -> Iterator[Suggested]:
    """Objects that are gone from the file while equal ones are new in it: a move, most likely; of each one at most."""
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
                del gone[address]
                yield Suggested(address, change)
                break


def suggestion(suggestions: Sequence[Suggested]) -> tuple[Problem, ...]:
    """The hint at all of them, with one block to write: a file has one."""
    if not suggestions:
        return ()
    first = suggestions[0]
    block = ", ".join(
        f"{{from: {suggested.source}, to: {suggested.change.address.whole}}}" for suggested in suggestions
    )
    if len(suggestions) == 1:
        text, path = f"it is declared as {first.source} was, which is no longer declared", str(first.change.address)
        keeps = "keeps that one under its new address, instead of making another"
    else:
        names = (f"{suggested.change.address.whole} as {suggested.source} was" for suggested in suggestions)
        text, path = f"what is no longer declared has an equal under another address: {', '.join(names)}", ""
        keeps = "keeps these under their new addresses, instead of making others"
    return (Problem(text, first.change.span, path, f"`moved: [{block}]` {keeps}"),)


def _are_alike(wanted: Resource, seen: Observed, observed: ObservedState) -> bool:
    differences = differences_of(wanted, seen, observed)
    if wanted.kind not in ("container", "service"):
        return not differences
    return all(difference.path.partition(".")[0] in _NAMES for difference in differences)
