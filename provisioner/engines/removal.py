"""Objects taken from an engine: gone is what it no longer shows, whatever it answered to the removal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from provisioner.errors import EngineConflict, EngineRefused, Reason, Unreachable
from provisioner.reconcile.retry import retried

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.engines.engine_http import EngineHttp
    from provisioner.model.edges import EngineJson

    Inspect = Callable[[str, str], EngineJson | None]

# How often a removal is asked for while something else is still under way, and the pause before (seconds).
_REMOVALS, _REMOVAL_PAUSE = 20, 0.25
# Seconds in which a node lets go of a network that its manager has removed; its tasks are gone by then, or stopping.
_RELEASE = 60.0


def remove(wire: EngineHttp, inspect: Inspect, kind: str, object_id: str, parameters: Mapping[str, str]) -> None:
    """Remove an object; what is not there any more counts as removed.

    Raises EngineRefused where the engine refuses to the end, or says that the object is not there and shows it all the
    same; Unreachable.
    """

    def delete() -> bool:
        wire.send("DELETE", f"/{kind}s/{quote(object_id, safe='')}", parameters)
        return True

    def attempt() -> bool:
        try:
            return retried(delete, _removable_soon, attempts=_REMOVALS, pause=_REMOVAL_PAUSE)
        except EngineRefused as error:
            raise _refined(inspect, kind, object_id, error) from error

    try:
        wire.send_then_verify(attempt, lambda: True if inspect(kind, object_id) is None else None)
    except EngineRefused as error:
        if error.status != 404:
            raise
        raw = inspect(kind, object_id)
        # A node's copy of what a manager has removed is waited for.
        if raw is not None and not (kind == "network" and raw.get("Scope") == "swarm"):
            raise _contradicted(kind, object_id, error) from error
    if kind == "network":
        _vanish(inspect, object_id)


def _contradicted(kind: str, object_id: str, error: EngineRefused) -> EngineRefused:
    return EngineRefused(
        f"the engine says that the {kind} {object_id} is not there, and goes on showing it: it is not removed",
        status=error.status,
        reason=error.reason,
        hint=f"look at it (docker {kind} inspect {object_id}), then run the command again",
        detail=error.message,
    )


def _refined(inspect: Inspect, kind: str, object_id: str, error: EngineRefused) -> EngineRefused:
    """The error of a removal that was refused to the end, with what an inspection makes of it."""
    raw = inspect("network", object_id) if kind == "network" and error.reason is Reason.ENDPOINTS else None
    return miscounted(raw, error) if raw is not None and is_miscounted(raw, error.reason) else error


def _vanish(inspect: Inspect, network_id: str) -> None:
    """Wait until a network is gone: an overlay stands in the way of another of its name while a node has it.

    Raises EngineRefused, naming what is still on it, when the node does not let go of it in time.
    """
    until = time.monotonic() + _RELEASE
    while (raw := inspect("network", network_id)) is not None:
        if time.monotonic() > until:
            on_it = sorted(str(container.get("Name")) for container in (raw.get("Containers") or {}).values())
            what = f"with {', '.join(on_it)} on it" if on_it else "and nothing is on it"
            raise EngineRefused(
                f"the network {raw['Name']} was removed, and is still on this node after {_RELEASE:g} s, {what}",
                hint="apply again when that is gone (docker network inspect)",
            )
        time.sleep(_REMOVAL_PAUSE)


def is_miscounted(network: EngineJson, reason: Reason) -> bool:
    """Whether an engine refuses to remove a network for endpoints that the network does not have.

    Engines up to 20.10 keep a count beside the endpoints, and can lose a decrement while many containers go at once
    (moby/moby#42119).
    """
    return reason is Reason.ENDPOINTS and not network.get("Containers") and network.get("Scope") != "swarm"


def miscounted(network: EngineJson, refusal: EngineRefused) -> EngineRefused:
    """The refusal with what is behind it, and what mends it."""
    return EngineRefused(
        f"the engine counts endpoints on the network {network['Name']} that are not there, and so does not remove it; "
        "no container is on it, and nothing else of the environment is left there",
        status=refusal.status,
        reason=Reason.MISCOUNTED,
        hint="restart the engine once nothing else needs it, then destroy again; until then the next apply uses the "
        "network as it is",
        detail=refusal.message,
    )


def _removable_soon(error: EngineRefused | Unreachable) -> bool:
    """Whether another removal is under way, or what just went is still counted as a user."""
    soon = (Reason.UNDER_WAY, Reason.ENDPOINTS, Reason.IN_USE)
    return isinstance(error, EngineConflict) and error.reason in soon
