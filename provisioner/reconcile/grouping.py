"""Changes of replicas as one change of their service, so that both modes show the same. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.model.change import Action, Change, FieldChange, Impact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address

_WEIGHT = [Action.UNCHANGED, Action.CREATE, Action.DELETE, Action.UPDATE, Action.REPLACE]


def group_replicas(changes: Sequence[Change]) -> tuple[Change, ...]:
    """One change for each service; another kind's change stays as it is. Sorted by address."""
    services: dict[Address, list[Change]] = defaultdict(list)
    result: list[Change] = []
    for change in changes:
        if change.address.kind == "service" and change.address.index:
            services[change.address.whole].append(change)
        else:
            result.append(change)
    result += [_one_change(address, replicas) for address, replicas in services.items()]
    return tuple(sorted(result, key=lambda change: (change.address, change.reason)))


def _one_change(address: Address, replicas: list[Change]) -> Change:
    actions = {change.action for change in replicas}
    first = replicas[0]
    changed = [change for change in replicas if change.action is not Action.UNCHANGED]
    wanted = [change for change in replicas if change.desired is not None]
    if not changed:
        return replace(first, address=address)
    if len(actions) == 1 and actions <= {Action.CREATE, Action.DELETE}:
        return replace(first, address=address)
    if len(changed) == 1 and len(wanted) > 1 and changed[0].action in (Action.UPDATE, Action.REPLACE):
        return changed[0]
    action = max(actions - {Action.CREATE, Action.DELETE}, key=_WEIGHT.index, default=Action.UPDATE)
    differences = [*_count(replicas, wanted), *_differences(replicas)]
    reasons = list(dict.fromkeys(change.reason for change in changed if change.reason and change.differences))
    if _count(replicas, wanted):
        reasons = ["replicas changed", *(r for r in reasons if r)]
    reason = "; ".join(reasons) or changed[0].reason
    return Change(
        address=address,
        action=Action.UPDATE if action is Action.UNCHANGED else action,
        reason=reason,
        differences=tuple(differences),
        drift=all(change.drift for change in changed),
        desired=(wanted or replicas)[0].desired,
        observed=next((change.observed for change in replicas if change.observed), None),
    )


def _count(replicas: list[Change], wanted: list[Change]) -> list[FieldChange]:
    here = sum(1 for change in replicas if change.observed is not None)
    if here == len(wanted):
        return []
    drift = any(change.drift for change in replicas if change.action is Action.CREATE)
    span = wanted[0].span if wanted else None
    return [FieldChange("replicas", here, len(wanted), Impact.IN_PLACE, drift=drift, span=span)]


def _differences(replicas: list[Change]) -> list[FieldChange]:
    """Differences that all replicas share once; others under the replica's index."""
    present = [c for c in replicas if c.desired is not None and c.observed is not None]
    by_content: dict[tuple[str, str, str], list[tuple[int, FieldChange]]] = defaultdict(list)
    for change in present:
        for difference in change.differences:
            by_content[(difference.path, repr(difference.before), repr(difference.after))].append(
                (change.address.index, difference)
            )
    result: list[FieldChange] = []
    for occurrences in by_content.values():
        if len(occurrences) == len(present):
            result.append(occurrences[0][1])
        else:
            result += [replace(difference, path=f"[{index}].{difference.path}") for index, difference in occurrences]
    return result
