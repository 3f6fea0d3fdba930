"""Changes to ordered steps. Pure: the same changes give the same steps, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.kinds.hooks import PRE_STOP
from provisioner.kinds.ownership import PREVIOUS
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.operation import Build, Confirm, Connect, Create, Disconnect, Pull, Remove, Rename, Stop, Tag
from provisioner.model.plan import Plan, Policy, Verb
from provisioner.model.span import Problem
from provisioner.reconcile.claims import claims_of_network, merge_holders, network_names, own_holders
from provisioner.reconcile.clashes import find_clashes
from provisioner.reconcile.diff import UNDECLARED
from provisioner.reconcile.grouping import group_replicas
from provisioner.reconcile.handover import order_handovers
from provisioner.reconcile.hooks import run_hooks
from provisioner.reconcile.order import in_dependency_order
from provisioner.reconcile.outdated import FILES_OF_SWARM, NOTHING_KNOWN, Past, outdated_objects, outdated_volumes, told
from provisioner.reconcile.retained import NOTHING_RETAINED, Retained, deletes_volume, is_protected, without_external
from provisioner.reconcile.rollout import LEFT_BEHIND, Rollout
from provisioner.reconcile.safety import check
from provisioner.reconcile.steps import Steps
from provisioner.reconcile.swarm_rollout import SwarmRollout, remove_service
from provisioner.reconcile.update_policy import stands_alone, starts_first

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from provisioner.model.operation import Operation
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource
    from provisioner.reconcile.claims import Holder

_KINDS_UP = ("image", "network", "volume")


def plan(
    title: str,
    changes: Sequence[Change],
    desired: DesiredState,
    observed: ObservedState,
    policy: Policy,
    order: Mapping[Address, Resource] | None = None,
    notes: Sequence[Problem] = (),
    past: Past = NOTHING_KNOWN,
    gone: str = UNDECLARED,
    listed: Sequence[Holder] = (),
    retained: Retained = NOTHING_RETAINED,
) -> Plan:
    """The plan that carries out `changes` as far as `policy` permits.

    `order` gives the resources by which removals are ordered, dependents first; by default those desired.
    `notes` are told with the plan. `past` is what the ledger knows, `gone` why what is not desired goes, `listed` the
    holders of exclusive claims that the engine lists, ours or not, `retained` what does not go all the same.
    """
    permitted, kept = _permitted(changes, policy, retained)
    holders = merge_holders(own_holders(observed, network_names(desired, observed)), listed)
    refusals = (
        *check(permitted, observed, policy, retained),
        *find_clashes(permitted, desired, observed, holders, policy, retained),
    )
    volumes = outdated_volumes(permitted, desired, observed, policy, past)
    volumes = [one for one in volumes if not retained.is_external(replace(one, kind="volume"))]
    outdated, _ = without_external(outdated_objects(permitted, changes, desired, observed, policy, past), retained)
    permitted += outdated
    collected = told(volumes, desired, observed, gone)
    leftovers = [Change(o.address, Action.DELETE, LEFT_BEHIND, observed=o) for o in observed.leftovers]
    todo = [change for change in permitted if change.action is not Action.UNCHANGED] + leftovers
    steps = Steps()
    if not refusals:
        swarm = SwarmRollout(todo, desired, observed, policy, steps)
        cleared = swarm.clear_the_way([change for change in todo if change.action is Action.DELETE])
        _clear_networks(todo, observed, cleared, steps)
        for kind in _KINDS_UP:
            for change in _bases_first([c for c in todo if c.address.kind == kind and c.action is not Action.DELETE]):
                _stored(change, steps)
        _reconnect_kept(permitted, desired, observed, steps)
        proven = Rollout(todo, desired, observed, policy, steps, past.filled).run()
        swarm.run()
        _remove(todo, order or desired.resources, _sparing_external(policy, todo, retained), steps, proven)
        _collect(volumes, collected, steps)
        steps.all = order_handovers(steps.all, desired, observed, proven)
    grouped = group_replicas([*permitted, *collected])
    return Plan(
        title=title,
        desired=desired,
        observed=observed,
        changes=tuple(c for c in (*grouped, *leftovers) if c.action is not Action.UNCHANGED),
        steps=tuple(steps.all),
        notes=(*notes, *kept, *_lost_data(grouped, observed), *_stopped_first(grouped)),
        refusals=refusals,
        unchanged=sum(1 for change in grouped if change.action is Action.UNCHANGED),
        details=tuple(permitted),
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
    found = change.observed
    assert found is not None
    path = str(change.address)
    guard = ", as it is protected" if is_protected(change) else ""
    if change.desired is not None:
        return Problem(f"kept{guard}" if guard else "kept: only `destroy --volumes` deletes it", path=path)
    if why := retained.reason(found):
        return Problem(f"{why}, and it is kept{guard}", path=path)
    how = guard or f": only `destroy --volume {found.name}` deletes it"
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
    foreign = {one.address for one in observed.strangers}
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
        if starts_first(change.desired) and (held := stands_alone(change.desired))
    ]


def _prunes(policy: Policy) -> bool:
    """What `--target` leaves out is declared all the same: a narrowed playbook prunes nothing."""
    return policy.prune and not policy.targets


def _bases_first(changes: Sequence[Change]) -> list[Change]:
    """In their order, but for images that others are built upon."""
    by_address = {change.address: change for change in changes}
    ordered: dict[Address, Change] = {}

    def put(change: Change) -> None:
        for need in change.desired.needs if change.desired is not None else ():
            if need.address in by_address and need.address not in ordered:
                put(by_address[need.address])
        ordered.setdefault(change.address, change)

    for change in changes:
        put(change)
    return list(ordered.values())


def _stored(change: Change, steps: Steps) -> None:
    """Networks, volumes and images: made, replaced, pulled or built."""
    address, wanted = change.address, change.desired
    if wanted is None:
        return
    if address.kind == "image":
        operation: Operation = Tag() if wanted.image.earlier else Build() if wanted.image.recipe else Pull()
        needs = [steps.made.get(need.address) for need in wanted.needs]
        steps.made[address] = steps.add(operation, address, change.reason, needs=needs)
        return
    if change.action is Action.UPDATE and address.kind == "volume" and change.observed is not None:
        steps.made[address] = steps.add(Confirm(), address, change.reason, object_id=change.observed.id)
        return
    # What has to make way has been taken off its containers already.
    removed = next((one.id for one in steps.all if one.verb is Verb.REMOVE and one.address == address), None)
    if removed is None and change.action is Action.REPLACE and change.observed is not None:
        removed = steps.add(Remove(address.kind), address, change.reason, object_id=change.observed.id)
    steps.made[address] = steps.add(Create(address.kind), address, change.reason, needs=[removed])


def _clear_networks(changes: Sequence[Change], observed: ObservedState, cleared: Sequence[int], steps: Steps) -> None:
    """Remove the networks that others replace, or whose name or subnet others get.

    One can not be removed while containers are on it: ours are taken off first, while they go on running. Tasks of a
    Swarm can not be; `cleared` are the steps after which those in the way are gone.
    """
    networks = [change for change in changes if change.address.kind == "network"]
    claimed = [
        claim
        for change in networks
        if change.desired is not None and change.action in (Action.CREATE, Action.REPLACE)
        for claim in claims_of_network(change.desired.name, change.desired.spec)
    ]
    for change in networks:
        found = change.observed
        if found is None or change.action not in (Action.REPLACE, Action.DELETE):
            continue
        held = claims_of_network(found.name, found.spec)
        if change.action is Action.DELETE and not any(one.overlaps(other) for one in held for other in claimed):
            continue
        because = f"{change.address} is {'replaced' if change.action is Action.REPLACE else 'removed'}"
        detached = [
            steps.add(
                Disconnect(change.address.name, found.id), container.address, because, object_id=container.id
            )
            for container in _attached(change.address.name, observed)
        ]  # fmt: skip
        steps.add(Remove("network"), change.address, change.reason, needs=[*cleared, *detached], object_id=found.id)


def _reconnect_kept(changes: Sequence[Change], desired: DesiredState, observed: ObservedState, steps: Steps) -> None:
    """Containers that are not declared any more, and kept, get the networks back that were taken from under them."""
    going = {change.address for change in changes if change.action is Action.DELETE}
    for step in list(steps.all):
        if not isinstance(step.operation, Disconnect):
            continue
        found, key = observed.resources.get(step.address), step.operation.network
        made = steps.made.get(Address("network", key))
        if found is None or found.id != step.object_id or made is None or step.address in {*going, *desired.resources}:
            continue
        entry = {name: value for name, value in found.spec["networks"][key].items() if name != "mac_address"}
        steps.add(
            Connect(key, endpoint=entry), step.address, step.cause, needs=[step.id, made], object_id=found.id
        )  # fmt: skip


def _attached(network: str, observed: ObservedState) -> list[Observed]:
    everything = [*observed.resources.values(), *observed.leftovers]
    attached = [one for one in everything if one.kind == "container" and network in one.spec["networks"]]
    return sorted(attached, key=lambda one: (one.address, one.name))


def _remove(
    changes: Sequence[Change],
    order: Mapping[Address, Resource],
    policy: Policy,
    steps: Steps,
    proven: Mapping[Address, Sequence[int]],
) -> None:
    """Removals: containers with those that depend on them first, then what they used.

    Replicas too many go when those that stay have proven themselves.
    """
    # What a replacement had in its way is gone by then.
    taken = {step.object_id for step in steps.all if step.verb is Verb.REMOVE}
    gone = [c for c in changes if c.action is Action.DELETE and c.observed is not None and c.observed.id not in taken]
    containers = {c.address: c for c in gone if c.observed and c.observed.kind == "container"}
    leftovers = [c for c in gone if c.observed and c.observed.kind == "container" and c is not containers[c.address]]
    # What a destroy removes is declared too, and nothing takes its name.
    staying = [c.desired for c in changes if c.action is not Action.DELETE and c.desired is not None]
    wanted = {one.name for one in staying if one.kind == "container"}
    services = {c.address: c for c in gone if c.observed and c.observed.kind == "service"}
    users = _users({*containers, *services}, order)
    for address in in_dependency_order(users, lambda one: users[one]):
        dependents = [steps.gone.get(user) for user in users[address]]
        if address in services:
            steps.gone[address] = remove_service(services[address], dependents, steps)
        else:
            dependents += proven.get(address.whole, ())
            steps.gone[address] = _remove_container(containers[address], dependents, wanted, policy, steps)
    removed = list(steps.gone.values())
    removed += [_remove_container(change, [], wanted, policy, steps) for change in leftovers]
    moved = [one.id for one in steps.all if one.verb in (Verb.WAIT, Verb.DISCONNECT)]
    moved += [one.id for one in steps.all if one.verb is Verb.REMOVE and one.kind == "container"]
    for change in gone:
        found = change.observed
        if found is None or found.kind == "container":
            continue
        if found.kind in ("network", "volume", "config", "secret"):
            needs = [*removed, *moved]
            steps.add(Remove(found.kind), change.address, change.reason, needs=needs, object_id=found.id)


def _collect(volumes: Sequence[Observed], collected: Sequence[Change], steps: Steps) -> None:
    """Volumes of files that nothing needs go last, once no container has them."""
    moved = [one.id for one in steps.all if one.verb is Verb.WAIT]
    moved += [one.id for one in steps.all if one.verb is Verb.REMOVE and one.kind == "container"]
    for volume in volumes:
        change = next((c for c in collected if c.observed is volume), None)
        address = change.address if change else volume.address
        steps.add(
            Remove("volume"), address, change.reason if change else "nothing needs it", needs=moved,
            object_id=volume.id,
        )  # fmt: skip


def _users(addresses: Collection[Address], order: Mapping[Address, Resource]) -> dict[Address, list[Address]]:
    """What needs each of the addresses: that is removed first."""
    users: dict[Address, list[Address]] = {address: [] for address in addresses}
    for user, resource in order.items():
        for need in dict.fromkeys(need.address for need in resource.needs):
            if need in users:
                users[need].append(user)
    return users


def _remove_container(
    change: Change, dependents: Sequence[int | None], wanted: Collection[str], policy: Policy, steps: Steps
) -> int:
    """Stop it and remove it. Where its name is `wanted` it makes room first, and can still come back."""
    found = change.observed
    assert found is not None
    before = [need for need in dependents if need is not None]
    if found.name in wanted:
        before = [
            steps.add(
                Rename((found.made_as or found.name) + PREVIOUS), change.address, change.reason,
                needs=before, object_id=found.id,
            )
        ]  # fmt: skip
    if found.runtime is not None and found.runtime.status in ("running", "restarting", "paused"):
        hooked = run_hooks(steps, change, PRE_STOP, found.spec, before, object_id=found.id)
        before.append(steps.add(Stop(), change.address, change.reason, needs=hooked, object_id=found.id))
    return steps.add(
        Remove("container", policy.volumes), change.address, change.reason, needs=before, object_id=found.id
    )  # fmt: skip
