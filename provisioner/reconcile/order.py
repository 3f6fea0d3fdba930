"""The one ordering by needs. Pure."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from provisioner.model.address import Address


def in_dependency_order(addresses: Collection[Address], needs: Callable[[Address], Iterable[Address]]) -> list[Address]:
    """The addresses, each after those of its needs that are among them; else by level, in their own order.

    Raises ProvisionError for addresses that need each other: there is no order for them.
    """
    known = set(addresses)
    sorter = TopologicalSorter(
        {address: [need for need in needs(address) if need in known] for address in sorted(known)}
    )
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(str(one) for one in error.args[1])
        raise ProvisionError(f"these need each other, so that none can be the first: {circle}") from None
    ordered: list[Address] = []
    while sorter.is_active():
        level = sorted(sorter.get_ready())
        ordered += level
        sorter.done(*level)
    return ordered
