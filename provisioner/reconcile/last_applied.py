"""What was applied last, as far as one object of today is concerned. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.model.state import DesiredState, Resource


def last_applied(wanted: Resource, last: DesiredState | None) -> Resource | None:
    """The same object in what was applied last: of networks and volumes the one of that name, whatever its key was."""
    if last is None:
        return None
    if wanted.kind not in ("network", "volume"):
        return last.resources.get(wanted.address)
    named = (r for r in last.resources.values() if (r.kind, r.name) == (wanted.kind, wanted.name))
    return next(named, None)


def moved_tier(wanted: Resource, before: Resource | None) -> str:
    """That a secret's value comes from another tier than it did; empty where it does not, or nobody knows."""
    then, now = before.tier if before else "", wanted.tier
    return f"it came from {then}, and comes from {now} now" if then and now and then != now else ""
