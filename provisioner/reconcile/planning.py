"""Changes to a plan: what is permitted, refused and noted. Pure: the same changes give the same plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.model.change import Action, Change
from provisioner.model.plan import Plan, Policy
from provisioner.model.span import Problem
from provisioner.reconcile.claims import merge_holders, network_names, own_holders
from provisioner.reconcile.clashes import find_clashes, find_names_in_the_way
from provisioner.reconcile.diff import LEFT_BEHIND, UNDECLARED
from provisioner.reconcile.finished import is_unready
from provisioner.reconcile.grouping import group_replicas
from provisioner.reconcile.outdated import (
    EMPTY_LEDGER,
    FILES_OF_SWARM,
    LedgerFacts,
    as_file_changes,
    outdated_objects,
    outdated_volumes,
)
from provisioner.reconcile.retained import NOTHING_RETAINED, Retained, deletes_volume, is_protected, without_external
from provisioner.reconcile.safety import check
from provisioner.reconcile.update_policy import exclusive_claim, starts_first

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.plan import Step
    from provisioner.model.state import DesiredState, ObservedState, Resource
    from provisioner.reconcile.claims import Holder


def plan(
    title: str,
    changes: Sequence[Change],
    desired: DesiredState,
    observed: ObservedState,
    policy: Policy,
    order: Mapping[Address, Resource] | None = None,
    notes: Sequence[Problem] = (),
    ledger: LedgerFacts = EMPTY_LEDGER,
    gone: str = UNDECLARED,
    listed: Sequence[Holder] = (),
    retained: Retained = NOTHING_RETAINED,
) -> Plan:
    """The plan that carries out `changes` as far as `policy` permits.

    `order` gives the resources by which removals are ordered, dependents first; by default those desired.
    `notes` are told with the plan. `ledger` is what the ledger knows, `gone` why what is not desired goes, `listed` the
    holders of exclusive claims that the engine lists, ours or not, `retained` what does not go all the same.
    """
    permitted, kept = _permitted(changes, policy, retained)
    holders = merge_holders(own_holders(observed, network_names(desired, observed)), listed)
    refusals = (
        *check(permitted, observed, policy, retained),
        *find_clashes(permitted, desired, observed, holders, policy, retained),
    )
    volumes = outdated_volumes(permitted, desired, observed, policy, ledger)
    volumes = [volume for volume in volumes if not retained.is_external(replace(volume, kind="volume"))]
    outdated, _ = without_external(outdated_objects(permitted, changes, desired, observed, policy, ledger), retained)
    permitted += outdated
    collected = as_file_changes(volumes, desired, observed, gone)
    leftovers = [Change(o.address, Action.DELETE, LEFT_BEHIND, observed=o) for o in observed.leftovers]
    todo = [change for change in (*permitted, *leftovers, *collected) if change.action is not Action.UNCHANGED]
    # What is in these is said to go with another one.
    todo += [Change(volume.address, Action.DELETE, "nothing needs it", observed=volume) for volume in volumes]
    steps: Sequence[Step] = ()
    if not refusals and (todo or _awaits(desired, observed)):
        # What makes the steps is not even imported where nothing is to be done.
        from provisioner.reconcile.recipes import make_steps

        spares = _sparing_external(policy, todo, retained)
        steps = make_steps(todo, permitted, desired, observed, spares, order or desired.resources, ledger.filled)
        refusals = tuple(find_names_in_the_way(steps, desired, holders))
        steps = () if refusals else steps
    grouped = group_replicas([*permitted, *collected])
    return Plan(
        title=title,
        desired=desired,
        observed=observed,
        changes=tuple(c for c in (*grouped, *leftovers) if c.action is not Action.UNCHANGED),
        steps=tuple(steps),
        notes=(*notes, *kept, *_lost_data(grouped, observed), *_left_behind(grouped), *_stopped_first(grouped)),
        refusals=refusals,
        unchanged=sum(1 for change in grouped if change.action is Action.UNCHANGED),
        details=tuple(permitted),
    )


def _awaits(desired: DesiredState, observed: ObservedState) -> bool:
    """Whether something that needs no change is not ready yet, or something is left over."""
    return bool(observed.leftovers) or any(
        existing.not_converged_reason or (wanted.kind == "container" and is_unready(wanted, existing))
        for address, existing in observed.resources.items()
        if (wanted := desired.resources.get(address)) is not None
    )


def _permitted(changes: Sequence[Change], policy: Policy, retained: Retained) -> tuple[list[Change], list[Problem]]:
    """The changes without the removals that nobody asked for; those are told instead."""
    kept, notes = without_external(list(changes), retained)
    changes, kept = kept, []
    declared = {change.address.whole for change in changes if change.desired is not None}
    for change in changes:
        if change.action is not Action.DELETE:
            kept.append(change)
        elif change.observed is not None and change.observed.kind in FILES_OF_SWARM:
            continue  # what nothing refers to is collected; see outdated_objects
        elif change.observed is not None and change.observed.kind == "volume":
            if deletes_volume(change, policy):
                kept.append(change)
            elif not policy.targets:
                notes.append(_kept_volume(change, retained))
        elif change.address.whole not in declared and change.observed and (why := retained.reason(change.observed)):
            if not policy.targets:
                notes.append(Problem(f"{why}, and it is kept", path=str(change.address)))
        elif change.address.whole in declared or _prunes(policy):
            kept.append(change)
        elif not policy.targets:
            notes.append(
                Problem("is no longer declared, and kept", path=str(change.address), hint="`--prune` removes it")
            )
    return kept, notes


def _kept_volume(change: Change, retained: Retained) -> Problem:
    """What is said of a volume that nobody asked to delete."""
    existing = change.observed
    assert existing is not None
    path = str(change.address)
    guard = ", as it is protected" if is_protected(change) else ""
    if change.desired is not None:
        return Problem(f"kept{guard}" if guard else "kept: only `destroy --volumes` deletes it", path=path)
    if why := retained.reason(existing):
        return Problem(f"{why}, and it is kept{guard}", path=path)
    how = guard or f": only `destroy --volume {existing.name}` deletes it"
    return Problem(f"is no longer declared, and kept with its data{how}", path=path)


def _sparing_external(policy: Policy, changes: Sequence[Change], retained: Retained) -> Policy:
    """The policy, unless a container would take an unnamed volume along that a file calls external."""
    anonymous = {name for c in changes if c.observed is not None for name in c.observed.anonymous.values()}
    spares = any(("volume", name) in retained.external for name in anonymous)
    return replace(policy, volumes=False) if spares else policy


def _lost_data(changes: Sequence[Change], observed: ObservedState) -> list[Problem]:
    """Volumes that were there at the last apply: making them anew is not bringing their data back.

    One in whose place a volume of somebody else stands is not gone: the plan is refused for that.
    """
    foreign = {foreign_object.address for foreign_object in observed.foreign}
    return [
        Problem(
            "ALARM: it was there at the last apply and is gone, and its data with it; a new one will be empty",
            change.span,
            str(change.address),
            "stop here if that was not meant, and restore it from a backup",
        )
        for change in changes
        if change.address.kind == "volume"
        and change.action is Action.CREATE
        and change.drift
        and change.address not in foreign
    ]


def _left_behind(changes: Sequence[Change]) -> list[Problem]:
    """Volumes without a name in whose place something else is mounted: what is in them is kept, and not moved."""
    return [
        Problem(
            f"what is in the volume {name} at {target} stays there, and the new container does not have it",
            change.span,
            str(change.address),
            "copy it, if it is needed",
        )
        for change in changes
        if change.action is Action.REPLACE and change.observed is not None and change.desired is not None
        if change.desired.kind == "container"
        for target, name in change.observed.anonymous.items()
        if (entry := change.desired.workload_spec["volumes"].get(target))
        if entry.get("source") or entry["type"] != "volume"
    ]


def _stopped_first(changes: Sequence[Change]) -> list[Problem]:
    """Replacements that were asked to start first, and can not."""
    return [
        Problem(
            f"the old one is stopped first, in spite of `order: start-first`: only one can have the {held}",
            change.span,
            str(change.address),
        )
        for change in changes
        if change.action is Action.REPLACE and change.desired is not None and change.desired.kind == "container"
        if starts_first(change.desired) and (held := exclusive_claim(change.desired))
    ]


def _prunes(policy: Policy) -> bool:
    """What `--target` leaves out is declared all the same: a narrowed playbook prunes nothing."""
    return policy.prune and not policy.targets
