"""A part of an environment by itself: what a rotation touches, and what it leaves as it is. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.model.change import Action
from provisioner.reconcile.diff import diff
from provisioner.reconcile.grouping import group_replicas
from provisioner.reconcile.namespaces import lives_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.state import DesiredState, ObservedState, Resource

# What belongs to a service and is renewed with it; networks, volumes and other services stand by themselves.
_ITS_OWN = ("image", "config", "secret")


def restrict(
    targets: Collection[Address], desired: DesiredState, observed: ObservedState, last: DesiredState | None
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """The changes of the targets, and the other changes that are pending.

    Services bring their images, configs and secrets along, what has to follow them (restarted with them, or living in
    their namespaces), and what they need and is not there.
    """
    chosen = _chosen(targets, desired, observed)
    # Replicas beyond the wanted number go too.
    services = {address.whole for address in chosen if address.kind == "service"}
    mine = diff(
        replace(desired, resources={a: r for a, r in desired.resources.items() if a in chosen}),
        replace(
            observed, resources={a: o for a, o in observed.resources.items() if a in chosen or a.whole in services}
        ),
        last,
    )
    pending = group_replicas([c for c in diff(desired, observed, last) if c.action is not Action.DELETE])
    whole = {address.whole for address in chosen}
    return mine, tuple(c for c in pending if c.action is not Action.UNCHANGED and c.address.whole not in whole)


def _chosen(targets: Collection[Address], desired: DesiredState, observed: ObservedState) -> set[Address]:
    chosen = {address for address in desired.resources if address.whole in targets}
    while more := {address for address in desired.resources if address not in chosen} & {
        *(
            need.address
            for address in chosen
            for need in desired.resources[address].needs
            if _comes(need.address, observed)
        ),
        *(address for address, resource in desired.resources.items() if _follows(resource, chosen)),
    }:
        chosen |= more
    return chosen


def _comes(address: Address, observed: ObservedState) -> bool:
    return address.kind in _ITS_OWN or address not in observed.resources


def _follows(resource: Resource, chosen: Collection[Address]) -> bool:
    services = {address.name for address in chosen if address.kind == "service"}
    restarted = any(need.restart and need.address in chosen for need in resource.needs)
    return restarted or bool(resource.kind == "container" and lives_in(resource) & services)
