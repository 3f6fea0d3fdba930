"""What goes on after a failure of others as it can not go back: it is made, and the run ended before it began. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.hooks import PRE_START

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence, Set

    from provisioner.model.address import Address
    from provisioner.model.state import Observed, Resource


def going_on(
    stuck: Set[Address],
    broken: Collection[Address],
    here: Mapping[Address, Sequence[Observed]],
    before: Mapping[Address, Observed],
    resources: Mapping[Address, Resource],
) -> list[Address]:
    """Of the services that can not go back (`stuck`), the replicas that were there `before` and need only be started.

    `broken` are the replicas that failed, `here` what is on the engine now. One that waits for a service of either
    waits on.
    """
    failed = {address.whole for address in broken}
    addresses = []
    for address, wanted in sorted(resources.items()):
        new = next(iter(here.get(address, ())), None)
        if address.whole not in stuck - failed or address not in before or new is None or wanted.spec[PRE_START]:
            continue
        is_made = new.name == wanted.name and new.runtime is not None and new.runtime.status == "created"
        waits = any(need.condition and need.address.whole in stuck | failed for need in wanted.needs)
        if is_made and not waits:
            addresses.append(address)
    return addresses
