"""`lock status` and `lock release`: who holds the lease of an environment, and taking away one that nobody holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.history import open_environment
from provisioner.app.wiring import SystemClock
from provisioner.errors import LeaseHeld
from provisioner.ledger import lease as leases
from provisioner.ledger.lease import Standing, find_lease, remove_lease, who
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine


@dataclass(frozen=True, slots=True)
class Lock:
    """The lease of one environment. `standing` is None where there is none; `alive`: whether its holder lives."""

    title: str
    project: str
    engine: DockerEngine
    standing: Standing | None
    alive: bool = False

    @property
    def holder(self) -> str:
        """Who has it, as far as that is known."""
        return who(self.standing.holder) if self.standing else ""

    @property
    def since(self) -> str:
        return str(self.standing.holder.get("since", "")) if self.standing else ""

    def require_free(self) -> None:
        """LeaseHeld, naming the holder and its last heartbeat, where that one lives."""
        if self.standing is None or not self.alive:
            return
        beaten = f", last heartbeat {self.standing.beaten_at}" if self.standing.beaten_at else ""
        raise LeaseHeld(
            f"{self.holder} lives, and has been applying to {self.title} since {self.since}{beaten}",
            hint="wait for it or end it there; --force takes the lease away, and that run stops before its next change",
        )

    def release(self) -> None:
        """Take the lease away. From a holder that lives it is away when that one has seen it.

        It does at its next beat, or before its next change where a beat is missing.
        """
        if self.standing is not None:
            remove_lease(self.engine, self.project, self.standing)
            if self.alive:
                SystemClock().sleep(leases.MISSED_AFTER_SECONDS)


def look_at_lock(request: Request) -> Lock:
    """The lease as it is now. Watches a heartbeat from elsewhere for as long as one takes."""
    environment, engine = open_environment(request)
    standing = find_lease(engine, environment.project)
    alive = standing is not None and standing.is_held(SystemClock())
    return Lock(environment.title, environment.project, engine, standing, alive)
