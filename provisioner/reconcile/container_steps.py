"""What recipes are made of: a container renamed, stopped and removed, with what goes with each. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.hooks import PRE_STOP
from provisioner.kinds.ownership import NEXT, PREVIOUS
from provisioner.model.operation import Remove, Rename, Stop, UpdateContainer
from provisioner.reconcile.hooks import run_hooks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.state import Observed, ObservedState
    from provisioner.reconcile.steps import Steps


def names_of_containers(observed: ObservedState) -> dict[str, Address]:
    """The names that containers of this environment have, by whose they are."""
    everything = (*observed.resources.values(), *observed.leftovers)
    return {seen.name: seen.address for seen in everything if seen.kind == "container"}


def previous_name(container: Observed, names: Mapping[str, Address]) -> str:
    """What a container is called while it waits as the previous one; `names` are `names_of_containers`.

    Of two that were made under one `container_name` another may wait already.
    """
    name, address = container.made_as or container.name, container.address
    if names.get(name + PREVIOUS, address) != address:
        name = f"{name}-{address.name}-{address.index or 1}"
    return name + PREVIOUS


def never_served(container: Observed) -> bool:
    """Whether an interrupted apply made a container and came no further: there is nothing in it to go back to."""
    return (
        container.name.endswith(NEXT) and container.runtime is not None and container.runtime.status == "created"
    )  # fmt: skip


class ContainerSteps:
    """Adds such steps to `steps`; each method returns the ids of those that others wait for."""

    def __init__(self, steps: Steps, names: Mapping[str, Address]) -> None:
        self._steps = steps
        self._names = names

    def rename(
        self, change: Change, name: str, needs: Iterable[int | None], *, made_by: int | None = None, object_id: str = ""
    ) -> int:
        return self._steps.add(
            Rename(name), change.address, change.reason, needs=needs, made_by=made_by, object_id=object_id
        )

    def rename_to_previous(self, change: Change, container: Observed, needs: Iterable[int | None]) -> int:
        """Give a container the name of a previous one. Where it has that, it is the last of `needs`."""
        gate = [need for need in needs if need is not None]
        name = previous_name(container, self._names)
        return gate[-1] if container.name == name else self.rename(change, name, gate, object_id=container.id)

    def free_next_name(self, change: Change, container: Observed) -> list[int]:
        """Rename a leftover `.next` container back to its final name, since the replacement needs `.next`."""
        if not container.name.endswith(NEXT):
            return []
        return [self.rename(change, container.made_as, [], object_id=container.id)]

    def stop(self, change: Change, container: Observed, needs: Iterable[int | None]) -> list[int]:
        """Stop a container that runs, after its `pre_stop`; the last step, if there is anything to stop."""
        if not container.is_up:
            return []
        before = run_hooks(self._steps, change, PRE_STOP, container.spec, needs, object_id=container.id)
        return [self._steps.add(Stop(), change.address, change.reason, needs=before, object_id=container.id)]

    def keep_stopped(self, change: Change, container: Observed, needs: list[int]) -> list[int]:
        """Take its restart policy from a previous container; `needs`, and that step.

        An engine that starts, after a power cut, starts what its policy lets it, stopped by hand or not. Beside its
        replacement, on the same volumes, the previous container must not run.
        """
        if container.container_spec["restart"].partition(":")[0] not in ("always", "on-failure"):
            return needs
        step = self._steps.add(
            UpdateContainer(("restart",), {"restart": "no"}), change.address, change.reason, needs=needs,
            object_id=container.id,
        )  # fmt: skip
        return [*needs, step]

    def remove(self, change: Change, container: Observed, needs: Iterable[int | None], *, volumes: bool = False) -> int:
        """Stop a container and remove it, with its unnamed `volumes` or without."""
        gate = list(needs)
        gate += self.stop(change, container, gate)
        return self._steps.add(
            Remove("container", volumes), change.address, change.reason, needs=gate, object_id=container.id
        )
