"""Recipes: how containers are attached to networks, and found there under their service's name. Pure."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from provisioner.kinds.container_networks import joined_later
from provisioner.model.address import Address
from provisioner.model.operation import Connect, Disconnect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.model.change import Change
    from provisioner.model.specs import Attachment
    from provisioner.model.state import Observed, ObservedState, Resource
    from provisioner.reconcile.steps import Steps


def fixed_addresses(entry: Attachment | None) -> tuple[str | None, ...]:
    """The addresses that a container is to have on a network: IPv4, then IPv6; None for one that the engine chooses."""
    return (entry.get("ipv4_address"), entry.get("ipv6_address")) if entry else (None, None)


def addresses_outside(entry: Attachment, subnets: Iterable[str | None]) -> list[str]:
    """The options of an attachment whose address is in none of a network's subnets."""
    pools = [ip_network(subnet, strict=False) for subnet in subnets if subnet]
    fixed = zip(("ipv4_address", "ipv6_address"), fixed_addresses(entry), strict=True)
    return [key for key, address in fixed if address and not any(ip_address(address) in pool for pool in pools)]


class Attachments:
    """Adds the steps that connect and disconnect to `steps`; each method tells the steps that it added."""

    def __init__(self, observed: ObservedState, steps: Steps) -> None:
        self._observed = observed
        self._steps = steps

    def connected(self, change: Change, wanted: Resource, made: int, *, aliases: bool = True) -> list[int]:
        """The networks that are joined once it is created."""
        return [
            self._steps.add(
                Connect(key, aliases), change.address, change.reason, needs=[self._made_network(key)], made_by=made
            )
            for key in joined_later(wanted.workload_spec["networks"], self._observed.facts.api_version)
        ]  # fmt: skip

    def renewed(self, change: Change, wanted: Resource, existing: Observed) -> list[int]:
        """The networks of a container that goes on running, where they differ or were made anew."""
        steps, address, done = self._steps, change.address, []
        touched = {d.path.split(".")[1] for d in change.differences if d.path.startswith("networks.")}
        left = {
            step.operation.network
            for step in steps.all
            if isinstance(step.operation, Disconnect) and step.object_id == existing.id
        }
        replaced = {key for key in wanted.workload_spec["networks"] if key in left}
        for key in sorted(touched - left):
            if key in existing.workload_spec["networks"]:
                left_network = Disconnect(key, self._network_id(key))
                done.append(steps.add(left_network, address, change.reason, object_id=existing.id))
        for key in sorted((touched | replaced) & wanted.workload_spec["networks"].keys()):
            done.append(
                steps.add(
                    Connect(key), address, change.reason, object_id=existing.id, needs=[*done, self._made_network(key)]
                )
            )  # fmt: skip
        return done

    def add_aliases(self, change: Change, wanted: Resource, made: int, ready: int) -> list[int]:
        """The steps after which a replacement is found under its service's name: aliases come with an attachment."""
        done = [ready]
        for key in wanted.workload_spec["networks"]:
            for operation in (Disconnect(key), Connect(key)):
                done.append(self._steps.add(operation, change.address, change.reason, needs=[done[-1]], made_by=made))
        return done

    def _made_network(self, key: str) -> int | None:
        return self._steps.made.get(Address("network", key))

    def _network_id(self, key: str) -> str:
        existing = self._observed.resources.get(Address("network", key))
        return existing.id if existing is not None else key
