"""The steps of a plan, in an order that respects what they need: what makes way, what is made, what goes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.container_networks import without
from provisioner.kinds.file_volume import FILES_KIND
from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.operation import Build, Confirm, Connect, Create, Disconnect, Pull, Remove, Tag
from provisioner.model.plan import Verb
from provisioner.reconcile.claims import claims_of_network
from provisioner.reconcile.container_steps import ContainerSteps
from provisioner.reconcile.handover_order import order_handovers
from provisioner.reconcile.namespaces import lives_in
from provisioner.reconcile.order import in_dependency_order, needs_first
from provisioner.reconcile.rollout import Rollout
from provisioner.reconcile.steps import Steps
from provisioner.reconcile.swarm_rollout import SwarmRollout, remove_service
from provisioner.reconcile.together import Together, bound_together

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from provisioner.model.change import Change
    from provisioner.model.operation import Operation
    from provisioner.model.plan import Policy, Step
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource

_KINDS_UP = ("image", "network", "volume")
# What goes when nothing uses it any more: to the engine, files are a volume.
_REMOVED = {kind: kind for kind in ("network", "volume", "config", "secret")} | {FILES_KIND: "volume"}


def make_steps(
    todo: Sequence[Change],
    permitted: Sequence[Change],
    desired: DesiredState,
    observed: ObservedState,
    policy: Policy,
    order: Mapping[Address, Resource],
    filled: Collection[str],
) -> list[Step]:
    """The steps of the changes `todo`, and of what else is `permitted`; `filled` as with `Rollout`.

    What goes does so in the `order` of these resources, those that need others first. Unnamed volumes go with their
    containers where the policy lets volumes go.
    """
    steps = Steps()
    swarm = SwarmRollout(todo, desired, observed, policy, steps)
    cleared = swarm.clear_the_way([change for change in todo if change.action is Action.DELETE])
    _clear_networks(todo, observed, cleared, steps)
    for kind in _KINDS_UP:
        for change in _bases_first([c for c in todo if c.address.kind == kind and c.action is not Action.DELETE]):
            _stored(change, steps)
    _reconnect_kept(permitted, desired, observed, steps)
    monitored = Rollout(todo, desired, observed, policy, steps, filled).run()
    swarm.run()
    _remove(todo, order, policy, steps, monitored, bound_together(desired, observed))
    return order_handovers(steps.all, desired, observed, monitored)


def _bases_first(changes: Sequence[Change]) -> list[Change]:
    """In their order, but for images that others are built upon."""
    by_address = {change.address: change for change in changes}

    def needed(address: Address) -> list[Address]:
        wanted = by_address[address].desired
        return [need.address for need in wanted.needs] if wanted is not None else []

    return [by_address[address] for address in needs_first(by_address, needed)]


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
    removed = next((step.id for step in steps.all if step.verb is Verb.REMOVE and step.address == address), None)
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
        for claim in claims_of_network(change.desired)
    ]
    for change in networks:
        existing = change.observed
        if existing is None or change.action not in (Action.REPLACE, Action.DELETE):
            continue
        held = claims_of_network(existing)
        if change.action is Action.DELETE and not any(claim.overlaps(other) for claim in held for other in claimed):
            continue
        because = f"{change.address} is {'replaced' if change.action is Action.REPLACE else 'removed'}"
        detached = [
            steps.add(
                Disconnect(change.address.name, existing.id), container.address, because, object_id=container.id
            )
            for container in _attached(change.address.name, observed)
        ]  # fmt: skip
        steps.add(Remove("network"), change.address, change.reason, needs=[*cleared, *detached], object_id=existing.id)


def _reconnect_kept(changes: Sequence[Change], desired: DesiredState, observed: ObservedState, steps: Steps) -> None:
    """Containers that are not declared any more, and kept, get the networks back that were taken from under them."""
    going = {change.address for change in changes if change.action is Action.DELETE}
    for step in list(steps.all):
        if not isinstance(step.operation, Disconnect):
            continue
        existing, key = observed.resources.get(step.address), step.operation.network
        made = steps.made.get(Address("network", key))
        if (
            existing is None
            or existing.id != step.object_id
            or made is None
            or step.address in {*going, *desired.resources}
        ):
            continue
        entry = without(existing.workload_spec["networks"][key], "mac_address")
        steps.add(
            Connect(key, endpoint=entry), step.address, step.cause, needs=[step.id, made], object_id=existing.id
        )  # fmt: skip


def _attached(network: str, observed: ObservedState) -> list[Observed]:
    everything = [*observed.resources.values(), *observed.leftovers]
    attached = [seen for seen in everything if seen.kind == "container" and network in seen.workload_spec["networks"]]
    return sorted(attached, key=lambda seen: (seen.address, seen.name))


def _remove(
    changes: Sequence[Change],
    order: Mapping[Address, Resource],
    policy: Policy,
    steps: Steps,
    monitored: Mapping[Address, Sequence[int]],
    together: Together,
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
    wanted = {resource.name for resource in staying if resource.kind == "container"}
    names = {c.observed.name: c.address for c in changes if c.observed and c.observed.kind == "container"}
    container_steps = ContainerSteps(steps, names)
    services = {c.address: c for c in gone if c.observed and c.observed.kind == "service"}
    users = _users({*containers, *services}, order, containers.values())
    for address in in_dependency_order(users, lambda address: users[address]):
        dependents = [steps.gone.get(user) for user in users[address]]
        if address in services:
            steps.gone[address] = remove_service(services[address], dependents, steps)
        else:
            # What lives in it moves out; what it was needs it to come back.
            for service in sorted(together.leaders(address.whole)):
                dependents += monitored.get(service, ())
            steps.gone[address] = _remove_container(
                containers[address], dependents, wanted, container_steps, volumes=policy.volumes
            )
    removed = list(steps.gone.values())
    removed += [_remove_container(change, [], wanted, container_steps, volumes=policy.volumes) for change in leftovers]
    moved = [step.id for step in steps.all if step.verb in (Verb.WAIT, Verb.DISCONNECT)]
    moved += [step.id for step in steps.all if step.verb is Verb.REMOVE and step.kind == "container"]
    for change in gone:
        existing = change.observed
        if existing is None or existing.kind not in _REMOVED or existing.id in taken:
            continue
        taken.add(existing.id)
        needs = [*removed, *moved]
        steps.add(Remove(_REMOVED[existing.kind]), change.address, change.reason, needs=needs, object_id=existing.id)


def _users(
    addresses: Collection[Address], order: Mapping[Address, Resource], going: Iterable[Change]
) -> dict[Address, list[Address]]:
    """What needs each of the addresses: that is removed first. What is not declared needs what it lives in."""
    users: dict[Address, list[Address]] = {address: [] for address in addresses}
    for user, resource in order.items():
        for need in dict.fromkeys(need.address for need in resource.needs):
            if need in users:
                users[need].append(user)
    for change in going:
        hosts = lives_in(change.observed) if change.observed is not None and change.address not in order else ()
        for host in addresses if hosts else ():
            if host.name in hosts:
                users[host].append(change.address)
    return users


def _remove_container(
    change: Change,
    dependents: Iterable[int | None],
    wanted: Collection[str],
    container_steps: ContainerSteps,
    *,
    volumes: bool,
) -> int:
    """Stop it and remove it. Where its name is `wanted` it makes room first, and can still come back."""
    container = change.observed
    assert container is not None
    needs = [need for need in dependents if need is not None]
    if container.name in wanted:
        needs = [container_steps.rename_to_previous(change, container, needs)]
    return container_steps.remove(change, container, needs, volumes=volumes)
