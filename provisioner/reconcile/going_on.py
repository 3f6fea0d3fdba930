"""What goes on after a failure of others as it can not go back: it is made, and the run ended before it began. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.hooks import PRE_START

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.state import Observed, Resource


def going_on(
    stuck: Collection[Address],
    broken: Collection[Address],
    here: Mapping[Address, Sequence[Observed]],
    before: Mapping[Address, Observed],
    resources: Mapping[Address, Resource],
) -> list[Address]:
    """Of the services that can not go back (`stuck`), the replicas that were there `before` and need only be started.

    `broken` are the replicas that failed, `here` what is on the engine now. One that waits for a service of either
    waits on.
    """
    unwell = {*stuck, *(address.whole for address in broken)}
    found = []
    for address, wanted in sorted(resources.items()):
        new = next(iter(here.get(address, ())), None)
        if (
            address.whole not in stuck
            or address not in before
            or new is None
            or new.name != wanted.name
            or wanted.spec[PRE_START]
        ):
            continue
        failed = any(one.whole == address.whole for one in broken)
        waits = any(need.condition and need.address.whole in unwell for need in wanted.needs)
        if new.runtime is not None and new.runtime.status == "created" and not failed and not waits:
            found.append(address)
    return found
