"""A container's `pre_start`: containers that run to their end, one after the other, before it is started.

Each is the service's container with another command, and with what else the entry says; it mounts what that one
mounts, is on the same networks, and nobody finds it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.hooks import POST_START, PRE_START, PRE_STOP
from provisioner.model.address import Address

if TYPE_CHECKING:
    from provisioner.model.specs import Hook
    from provisioner.model.state import Spec

PRE_START_KIND = "initial"
# What one container alone has, or what the mounts of the service's container give.
_NOTHING: Spec = {
    "ports": {}, "expose": [], "links": [], "labels": {}, "volumes": {}, "volumes_from": [], "configs": {},
    "secrets": {}, "mac_address": None, "healthcheck": {"test": ["NONE"]}, "restart": "no",
    PRE_START: [], POST_START: [], PRE_STOP: [],
}  # fmt: skip


def pre_start_address(of: Address, number: int) -> Address:
    """The address of the `number`-th (from 1) of a replica; it has no resource: what is found there is left over."""
    return Address(PRE_START_KIND, f"{of.name}.{of.index}.{number}")


def pre_start_name(container: str, number: int) -> str:
    """The name of the `number`-th (from 1) container that runs before `container`."""
    return f"{container}.initial.{number}"


def pre_start_spec(spec: Spec, entry: Hook) -> Spec:
    """The spec of one such container. Another image has an entrypoint of its own."""
    other = entry.get("image")
    changed: Spec = {
        "image": other or spec["image"],
        "entrypoint": None if other else spec["entrypoint"],
        "command": list(entry["command"]) or (None if other else spec["command"]),
        "environment": {**spec["environment"], **entry.get("environment", {})},
        "networks": {key: {"aliases": []} for key in spec["networks"]},
    }
    own = {key: entry[key] for key in ("user", "working_dir", "privileged") if entry.get(key)}
    return {**spec, **_NOTHING, **changed, **own}
