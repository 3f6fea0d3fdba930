"""What follows from the change of another object: who lives in it, is made of it, or is restarted with it. Pure."""

from __future__ import annotations

from dataclasses import replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from provisioner.kinds.container_networks import keeps_address_when_joining
from provisioner.model.change import Action, Change
from provisioner.model.state import ImageWork
from provisioner.reconcile.namespaces import LOST_PATHS, lives_in, lost_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.address import Address
    from provisioner.model.state import Resource


def cascade(changes: dict[Address, Change], api_version: tuple[int, int]) -> None:
    """Changes that follow from others, on an engine of this API: they say why, beside what differs in themselves.

    In rounds, each in the order of addresses; after the first only what may follow from a change of the one before.
    """
    restarting = {address for address, change in changes.items() if _stops(change)}
    users = _users(changes)
    ahead = sorted(changes)
    waiting, later = set(ahead), set(ahead[:0])
    while ahead:
        address = heappop(ahead)
        waiting.discard(address)
        change = changes[address]
        follow = _follow(change, changes, api_version)
        restart = None if follow else _restart(change, restarting)
        if follow or restart:
            changes[address] = follow or restart or change
            if restart or (follow and _stops(follow)):
                restarting.add(address)
            for user in (address, *users.get(address.name, ())):
                if not address < user:
                    later.add(user)
                elif user not in waiting:
                    waiting.add(user)
                    heappush(ahead, user)
        if not ahead:
            ahead, later = sorted(later), set()
            waiting = set(ahead)


def _users(changes: Mapping[Address, Change]) -> dict[str, list[Address]]:
    """What may follow from a change of an object, by the object's name."""
    users: dict[str, list[Address]] = {}
    for address, change in changes.items():
        if change.desired is not None:
            for name in {*(need.address.name for need in change.desired.needs), *_hosts(change.desired)}:
                users.setdefault(name, []).append(address)
    return users


def _hosts(wanted: Resource) -> set[str]:
    return lives_in(wanted) if wanted.kind == "container" else set()


def _stops(change: Change) -> bool:
    """Whether the processes of a container are started anew."""
    paths = {difference.path for difference in change.differences}
    return change.action in (Action.CREATE, Action.REPLACE) or bool(paths & {"state", *LOST_PATHS})


def _starts_anew(change: Change) -> bool:
    """Whether a container that stays is started by its own differences; one that is paused only goes on."""
    paths = {difference.path for difference in change.differences if difference.before != "paused"}
    return bool(paths & {"state", *LOST_PATHS})


def _follow(change: Change, changes: Mapping[Address, Change], api_version: tuple[int, int]) -> Change | None:
    """What a change becomes because of another one; None when it stays what it is."""
    wanted = change.desired
    if wanted is None or change.action not in (Action.UNCHANGED, Action.UPDATE):
        return None
    if wanted.kind == "service":
        return _follow_on_swarm(change, wanted, changes)
    if wanted.kind != "container":
        return None
    for need in wanted.needs:
        cause = changes.get(need.address)
        if cause is None or cause.action in (Action.UNCHANGED, Action.DELETE):
            continue
        if need.address.kind == "image":
            word = _renewal(cause)
            return _because(change, Action.REPLACE, f"{need.address} is {word}")
        if need.address.kind == "network" and cause.action is Action.REPLACE:
            attached = wanted.container_spec["networks"].get(need.address.name)
            if not keeps_address_when_joining(attached, api_version):
                reason = f"{need.address} is replaced, and only what is made on it gets its hardware address"
                return _because(change, Action.REPLACE, reason)
            if change.action is Action.UNCHANGED:
                return _because(change, Action.UPDATE, f"{need.address} is replaced")
        if need.address.kind != "service":
            continue
        replaced = cause.action in (Action.REPLACE, Action.CREATE)
        if replaced and need.address.name in lives_in(wanted):
            return _because(change, Action.REPLACE, f"{need.address.whole} is replaced, and it lives in it")
    return None


def _renewal(cause: Change) -> str:
    """How an image becomes another one, in a word."""
    work = cause.desired.image if cause.desired else ImageWork()
    return "an earlier build again" if work.earlier else "rebuilt" if work.recipe else "pulled"


def _follow_on_swarm(change: Change, wanted: Resource, changes: Mapping[Address, Change]) -> Change | None:
    """Networks can not be replaced under a service, and a rebuilt image needs new tasks."""
    for need in wanted.needs:
        cause = changes.get(need.address)
        if cause is None or cause.action in (Action.UNCHANGED, Action.DELETE):
            continue
        if need.address.kind == "network" and cause.action is Action.REPLACE:
            return _because(change, Action.REPLACE, f"{need.address} is replaced")
        rebuilt = cause.desired is not None and cause.desired.image.recipe
        if need.address.kind == "image" and rebuilt and change.action is Action.UNCHANGED:
            return _because(change, Action.UPDATE, f"{need.address} is {_renewal(cause)}")
    return None


def _restart(change: Change, restarting: set[Address]) -> Change | None:
    """An unchanged container is restarted with one that it asked to be restarted with (`depends_on`, `restart`).

    One that is mended while it runs, too, as far as it would lose what it shares with the other.
    """
    if change.desired is None:
        return None
    if change.action is Action.UPDATE and change.desired.kind == "container" and not _starts_anew(change):
        left = lost_with(change.desired, {address.name for address in restarting})
        said = "; ".join(str(difference.before) for difference in left)
        differences = (*change.differences, *left)
        return replace(change, differences=differences, reason=f"{change.reason}; {said}") if left else None
    if change.action is not Action.UNCHANGED:
        return None
    for need in change.desired.needs:
        if need.restart and need.address in restarting:
            return _because(change, Action.UPDATE, f"restarted with {need.address.whole}")
    return None


def _because(change: Change, action: Action, reason: str) -> Change:
    return replace(change, action=action, reason=f"{change.reason}; {reason}" if change.differences else reason)
