"""What was adopted with another file than the one of now: which of it a new record makes as it is declared. Reads only.

Only what can be compared is taken anew: a Swarm's secret can not be read, and of an image nobody knows from which
sources it was built.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.kinds.container_mounts import file_entries
from provisioner.kinds.ownership import FORMER_NAME, PREFIX
from provisioner.model.adoption import is_adopted
from provisioner.model.change import Action
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any

    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.model.adoption import Adopted
    from provisioner.model.change import Change
    from provisioner.model.edges import EngineBody
    from provisioner.reconcile.adoption import Candidate

_MOST_NAMED = 5
_INCOMPARABLE = ("secret", "image")


def differing(prepared: Prepared) -> dict[Address, frozenset[str]]:
    """The paths in which each object is not as declared, and the addresses of the configs and secrets of which it has
    another version; whether something runs is nothing that a file says."""
    versions = {change.address for change in prepared.plan.details if change.action is not Action.UNCHANGED}
    by_address = {
        change.address: frozenset(difference.path for difference in change.differences if difference.path != "state")
        | {str(file) for file in _files(change) if file in versions}
        for change in prepared.plan.details
    }
    return {address: paths for address, paths in by_address.items() if paths}


def _files(change: Change) -> Iterator[Address]:
    """The configs and secrets of a container that may be why it is to be replaced."""
    wanted = change.desired
    if wanted is None or wanted.kind != "container" or change.action is Action.UNCHANGED:
        return
    if change.caused or not change.differences:
        yield from (address for address, _ in file_entries(wanted.spec))


def adopted_otherwise(prepared: Prepared, owned: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Those of the `owned` objects that were adopted and differ from the file, as they are without their records."""
    records = {(adopted.kind, adopted.id): adopted for adopted in prepared.ledger.adopted if is_adopted(adopted)}
    paths = differing(prepared)
    return tuple(
        _without_record(candidate, records[candidate.resource.kind, candidate.id])
        for candidate in owned
        if candidate.resource.address in paths
        and candidate.resource.kind not in _INCOMPARABLE
        and (candidate.resource.kind, candidate.id) in records
    )


def _without_record(candidate: Candidate, record: Adopted) -> Candidate:
    raw = _without_own_labels(dict(candidate.raw))
    return replace(candidate, raw=raw, called=record.labels.get(FORMER_NAME, ""), record=record)


def _without_own_labels(raw: EngineBody) -> dict[str, Any]:
    """An inspected object without the labels of an environment, wherever its kind has them."""
    for key in ("Config", "Spec"):
        if isinstance(raw.get(key), dict):
            raw[key] = _without_own_labels(dict(raw[key]))
    if raw.get("Labels"):
        raw["Labels"] = {key: value for key, value in raw["Labels"].items() if not key.startswith(PREFIX)}
    return raw


def resolved_differences(
    anew: Sequence[Candidate], before: Prepared, after: Prepared
) -> tuple[dict[Address, tuple[str, ...]], tuple[Candidate, ...]]:
    """The paths that differ `before` and not `after` the objects are adopted anew, by address, and these objects; what
    differs in another way afterwards is left as it is."""
    then, now = differing(before), differing(after)
    resolved: dict[Address, tuple[str, ...]] = {}
    for candidate in anew:
        address = candidate.resource.address
        left = now.get(address, frozenset())
        if left < then[address]:
            resolved[address] = tuple(sorted(then[address] - left))
    return resolved, tuple(candidate for candidate in anew if candidate.resource.address in resolved)


def still_otherwise(request: Request, prepared: Prepared, taken: Collection[tuple[str, str]]) -> list[Problem]:
    """What is said of adopted objects that are not as declared, but for those with the ids that are `taken` now."""
    records: Mapping[tuple[str, str], Adopted] = {
        (adopted.kind, adopted.id): adopted for adopted in prepared.ledger.adopted
    }
    paths = differing(prepared)
    plain: set[str] = set()
    incomparable: set[str] = set()
    for change in prepared.plan.details:
        key = (change.observed.kind, change.observed.id) if change.observed else ("", "")
        if key in records and key not in taken and change.address in paths:
            (incomparable if key[0] in _INCOMPARABLE else plain).add(records[key].address)
    said = []
    if plain:
        hint = f"`{request.command('apply')}` makes it what the file says"
        said.append(Problem(f"adopted already, and not as the file says: {_listed(plain)}", hint=hint))
    if incomparable:
        hint = (
            f"an apply makes it what the file says; if what runs is right, `{request.command('adopt', '--release')}` "
            f"and then `{request.command('adopt')}` take it as it is"
        )
        text = f"adopted already, not as the file says, and in what can not be compared: {_listed(incomparable)}"
        said.append(Problem(text, hint=hint))
    return said


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(sorted(names)[:_MOST_NAMED])}{more}"
