"""What a service's update policy, and what it shares with others, mean for its replacement. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.service import TASK, part_of
from provisioner.model.change import Action
from provisioner.reconcile.namespaces import lives_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.state import Observed, Resource


def rolls_back(wanted: Resource) -> bool:
    """Whether what a replacement was to replace comes back when it fails. A job that ran is not run again for that."""
    return wanted.update is not None and wanted.update.on_failure == "rollback" and not wanted.job


def starts_first(wanted: Resource) -> bool:
    """Whether a replacement is to run before the old container is stopped."""
    return wanted.update is not None and wanted.update.order == "start-first" and not wanted.job


def exclusive_claim(wanted: Resource) -> str:
    """What only one container can have at a time, so that two can not run side by side; empty if there is nothing."""
    for target, bindings in sorted(wanted.workload_spec["ports"].items()):
        for binding in bindings:
            if binding.rpartition(":")[2]:
                return f"host port {binding} for {target}"
    for key, entry in wanted.workload_spec["networks"].items():
        for kind in ("ipv4_address", "ipv6_address", "mac_address"):
            if entry.get(kind):
                return f"address {entry[kind]} on network {key}"
    return "" if wanted.container_spec["network_mode"] != "host" else "network of the host"


def serves_on(wanted: Resource) -> bool:
    """Whether the old one goes on serving until its replacement does: asked for, and not kept from it."""
    asked = wanted.update is not None and wanted.update.order == "start-first"
    return asked and (wanted.kind != "container" or not exclusive_claim(wanted))


def max_failures(changes: Iterable[Change]) -> dict[Address, int]:
    """How many replicas of each service may fail to be replaced before the rollout is over."""
    replaced: dict[Address, list[Change]] = {}
    for change in changes:
        if change.action is Action.REPLACE:
            replaced.setdefault(change.address.whole, []).append(change)
    allowed = {}
    for service, those in replaced.items():
        update = those[0].desired.update if those[0].desired else None
        if update is not None:
            share = 1.0 if update.on_failure == "continue" else update.max_failure_ratio
            allowed[service] = int(share * len(those) + 1e-9)
    return {service: count for service, count in allowed.items() if count}


def shares(wanted: Resource | Observed, service: str) -> bool:
    """Whether a container lives in the namespaces of a service's, or mounts what it mounts."""
    return service in lives_in(wanted)


def changed_parts(change: Change) -> frozenset[str]:
    """The parts of a Swarm service's spec that its update changes (`provisioner/kinds/service.py`)."""
    parts = {part_of(difference.path) for difference in change.differences}
    return frozenset(parts | {TASK} if change.caused or not parts else parts)
