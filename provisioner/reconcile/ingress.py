"""Ports through ingress that pass from one service of a Swarm to another. Pure.

A manager gives a port to one service at a time, and takes a failed update back to the spec before it, ports included.
So a service keeps what it gives up, and does without what it gets, until its new tasks have proven themselves; then
the ports pass in updates of their own. Those make the tasks anew once more, since a manager does so for any port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Action
from provisioner.model.operation import Stage
from provisioner.reconcile.claims import claims_of_ports

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.operation import Ports
    from provisioner.model.state import ObservedState
    from provisioner.reconcile.claims import Claim


class PassingPorts:
    """Which ports pass between the services of `changes`."""

    def __init__(self, changes: Sequence[Change], observed: ObservedState) -> None:
        held = {seen.address: set(claims_of_ports(seen.service_spec["ports"])) for seen in observed.resources.values()
                if seen.kind == "service"}  # fmt: skip
        wanted = {c.address: set(claims_of_ports(c.desired.service_spec["ports"])) for c in changes
                  if c.desired is not None and c.desired.kind == "service"}  # fmt: skip
        self._taken: dict[Address, set[Claim]] = {}
        self._given: dict[Address, set[Claim]] = {}
        for taker, claims in wanted.items():
            for holder, others in held.items():
                if holder != taker and (passing := (claims & others) - wanted.get(holder, set())):
                    self._taken.setdefault(taker, set()).update(passing)
                    self._given.setdefault(holder, set()).update(passing)

    def stages(self, change: Change) -> list[Stage]:
        """The updates of a service in their order, the first of which may make it; empty where no port passes.

        Where nothing but its ports differs, no update comes before those that pass them.
        """
        taken, given = self._taken.get(change.address, set()), self._given.get(change.address, set())
        wanted, existing = change.desired, change.observed
        if wanted is None or not (taken or given):
            return []
        declared: Ports = wanted.service_spec["ports"] or {}
        without = _leave_out(declared, taken)
        stages: list[Stage] = []
        updates = change.action is Action.UPDATE and existing is not None
        if not updates or any(difference.path.partition(".")[0] != "ports" for difference in change.differences):
            # Ports can not be kept in another endpoint mode.
            live = existing.service_spec if updates and existing is not None else None
            keeps = live is not None and live["endpoint_mode"] == wanted.service_spec["endpoint_mode"]
            kept = _keep(live["ports"] or {}, given) if keeps and live is not None else {}
            stages.append(Stage(_joined(without, kept), yields=bool(given and updates and not keeps)))
        if updates and given and not any(stage.yields for stage in stages):
            stages.append(Stage(without, yields=True))
        if taken:
            stages.append(Stage(declared, takes=True))
        return stages


def _claimed(target: str, entry: str, claims: Collection[Claim]) -> bool:
    return bool(set(claims_of_ports({target: [entry]})) & set(claims))


def _leave_out(ports: Ports, claims: Collection[Claim]) -> Ports:
    left = {target: [e for e in entries if not _claimed(target, e, claims)] for target, entries in ports.items()}
    return {target: entries for target, entries in left.items() if entries}


def _keep(ports: Ports, claims: Collection[Claim]) -> Ports:
    kept = {target: [e for e in entries if _claimed(target, e, claims)] for target, entries in ports.items()}
    return {target: entries for target, entries in kept.items() if entries}


def _joined(ports: Ports, other: Ports) -> Ports:
    return {
        target: sorted({*ports.get(target, ()), *other.get(target, ())}) for target in sorted({*ports, *other})
    }  # fmt: skip
