"""What needs what, sorted: by level, or as near as may be to the order that it has. Pure."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, TypeVar

from provisioner.errors import ProvisionError
from provisioner.model.address import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

Item = TypeVar("Item", Address, str)


def in_dependency_order(items: Collection[Item], needs: Callable[[Item], Iterable[Item]]) -> list[Item]:
    """The items, each after those of its needs that are among them; else by level, in their own order.

    Raises ProvisionError for items that need each other: there is no order for them.
    """
    return [item for level in in_levels(items, needs) for item in level]


def in_levels(items: Collection[Item], needs: Callable[[Item], Iterable[Item]]) -> list[list[Item]]:
    """The items that need none of the others first, then those that need only these, and so on; errors as above."""
    known = set(items)
    sorter = TopologicalSorter({item: [need for need in needs(item) if need in known] for item in sorted(known)})
    try:
        sorter.prepare()
    except CycleError as error:
        raise _circle(error.args[1]) from None
    levels: list[list[Item]] = []
    while sorter.is_active():
        levels.append(sorted(sorter.get_ready()))
        sorter.done(*levels[-1])
    return levels


def needs_first(items: Iterable[Item], needs: Callable[[Item], Iterable[Item]]) -> list[Item]:
    """The items in their own order, but for those that an earlier one needs, which come right before it; errors as
    above.
    """
    known = list(items)
    ordered: dict[Item, None] = {}
    waiting: list[Item] = []

    def put(item: Item) -> None:
        if item in waiting:
            raise _circle([*waiting[waiting.index(item) :], item])
        waiting.append(item)
        for need in needs(item):
            if need in known and need not in ordered:
                put(need)
        ordered.setdefault(waiting.pop())

    for item in known:
        put(item)
    return list(ordered)


def _circle(items: Iterable[object]) -> ProvisionError:
    circle = " → ".join(map(str, items))
    return ProvisionError(f"these need each other, so that none can be the first: {circle}")
