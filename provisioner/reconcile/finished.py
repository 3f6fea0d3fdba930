"""When a container that ended has done what it is for: a one-shot that nobody waits for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.values import moment

if TYPE_CHECKING:
    from provisioner.model.state import MayFinish, Observed, Resource, Runtime

FINISHED = "finished, exit 0"
# What ran for longer before it ended was no one-shot, as long as no restart policy says that it is one (seconds).
LONGEST_ONE_SHOT = 300.0


def has_finished(state: Runtime, may_finish: MayFinish, *, exposes: bool) -> bool:
    """Whether a container that ended has done what it is for, and is not to run again.

    Where no restart policy is declared, one that `exposes` ports or has run for long is a server that was stopped.
    """
    if not may_finish or state.status != "exited" or state.exit_code != 0:
        return False
    return may_finish == "declared" or not (exposes or _ran_for(state) > LONGEST_ONE_SHOT)


def _ran_for(state: Runtime) -> float:
    """Seconds from its start to its end, by the engine's clock."""
    began, ended = moment(state.started_at), moment(state.finished_at)
    return (ended - began).total_seconds() if began and ended else 0.0


def is_unready(wanted: Resource, existing: Observed) -> bool:
    """Whether a container that needs no change is on its way up, or down."""
    if existing.runtime is None:
        return False
    if wanted.job:
        return existing.runtime.status == "running"
    if existing.runtime.status == "exited":
        return False
    # One that was started again by the engine may be on its way down again at this moment.
    flapping = existing.runtime.restarts > 0 and not existing.runtime.health
    return flapping or existing.runtime.status == "restarting" or existing.runtime.health in ("starting", "unhealthy")
