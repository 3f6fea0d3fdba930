"""What commands that only look find: processes, images in use, environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.address import Address


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of one container, in the columns of `ps`."""

    address: Address
    container: str
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class UsedImage:
    """The image that one container was made from, as the engine has it. `size` is bytes."""

    address: Address
    container: str
    repository: str
    tag: str
    id: str
    platform: str
    size: int
    created: str


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment. `states` counts its containers, or the tasks of its services, by what they do.

    `applied_at` is RFC 3339 and empty where no apply is known, `directory` where that one was made from.
    """

    project: str
    states: tuple[tuple[str, int], ...]
    applied_at: str = ""
    applied_by: str = ""
    directory: str = ""
    title: str = ""

    @property
    def runs(self) -> bool:
        return any(state == "running" for state, _ in self.states)


@dataclass(frozen=True, slots=True)
class ListedContainer:
    """One container as `ps` tells of it. `created` is Unix seconds, `running_for` and `status` are for people.

    `ports` are the container's port, the host's (0 where it is not published), the host's address, the protocol.
    """

    address: Address
    id: str
    name: str
    project: str
    image: str
    command: str
    created: float
    running_for: str
    state: str
    status: str
    health: str
    exit_code: int
    ports: tuple[tuple[int, int, str, str], ...]
    labels: tuple[tuple[str, str], ...]
    networks: tuple[str, ...]
    mounts: tuple[str, ...]
