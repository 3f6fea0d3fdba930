"""What a container uses of the machine that it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.address import Address


@dataclass(frozen=True, slots=True)
class Usage:
    """What one container uses. `cpu` is a part of one processor (1.0 is all of it), sizes are bytes.

    Everything is 0 for one that does not run. `memory` leaves out what the kernel could drop of the file cache.
    """

    address: Address
    id: str
    name: str
    cpu: float = 0.0
    memory: int = 0
    memory_limit: int = 0
    received: int = 0
    sent: int = 0
    read: int = 0
    written: int = 0
    processes: int = 0
