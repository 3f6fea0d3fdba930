"""Where an engine keeps the lease and the revisions of an environment: one small protocol, and which store is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.ledger.config_store import ConfigStore, SwarmRecords
from provisioner.ledger.container_store import ContainerRecords, ContainerStore
from provisioner.ledger.labels import REVISION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader, EngineWriter


class Records(Protocol):
    """What can be looked at."""

    def holder(self) -> tuple[str, str] | None:
        """The lease that stands: its id, and what its holder said of itself; None where there is none.

        LeaseHeld where something stands in its place that is not ours.
        """

    def pulse(self, identity: str) -> str:
        """The text of the last heartbeat of a lease; empty before the first."""

    def entries(self) -> Iterator[tuple[str, bytes]]:
        """The series and the content of every record, in no order."""


class Store(Records, Protocol):
    """What is kept, for one environment."""

    def take(self, holder: str) -> str:
        """Make the lease and return its id. EngineConflict where it is taken: two never both have it."""

    def beat(self, identity: str, text: str) -> None:
        """Keep the text of a heartbeat, another one each time. EngineRefused (404) where the lease is gone."""

    def release(self, identity: str) -> None:
        """Remove this very lease; already gone is fine."""

    def keep(self, number: int, content: bytes, kept: int, series: str = REVISION) -> None:
        """Keep a record, and only the newest `kept` of its series."""

    def forget(self) -> None:
        """Remove all records but the lease."""


def records(engine: EngineReader, project: str, *, manager: bool | None = None) -> tuple[Records, ...]:
    """Every place on this engine where an environment's records may be. `manager`: whether it is known to be one."""
    on_engine = ContainerRecords(engine, project)
    on_swarm = engine.facts().swarm_manager if manager is None else manager
    return (on_engine, SwarmRecords(engine, project)) if on_swarm else (on_engine,)


def store(engine: EngineWriter, project: str, mode: Mode) -> Store:
    """Where the records of an environment in this mode are written: on a Swarm, where every manager sees them."""
    if mode == "swarm" and engine.facts().swarm_manager:
        return ConfigStore(engine, project)
    return ContainerStore(engine, project)


def stores(engine: EngineWriter, project: str) -> tuple[Store, ...]:
    """Every place on this engine where an environment's records may be, to remove them."""
    on_engine = ContainerStore(engine, project)
    return (on_engine, ConfigStore(engine, project)) if engine.facts().swarm_manager else (on_engine,)
