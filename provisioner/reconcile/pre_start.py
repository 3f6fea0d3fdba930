"""The steps of `pre_start`: containers that run to their end before the first replica of a service starts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.container_pre_start import pre_start_address, pre_start_name
from provisioner.kinds.hooks import PRE_START
from provisioner.model.operation import Connect, CreatePreStart, Goal, Remove, Start, Stop, Wait
from provisioner.reconcile.waits import JOB_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.plan import Policy
    from provisioner.model.state import ObservedState, Resource
    from provisioner.reconcile.steps import Steps
    from provisioner.reconcile.waits import Waits


class PreStart:
    """Adds them to `steps`: once for a service, with its first replica, or for each replica that asks for it."""

    def __init__(self, observed: ObservedState, policy: Policy, steps: Steps, waits: Waits) -> None:
        self._left = {leftover.address: leftover for leftover in observed.leftovers}
        self._policy = policy
        self._steps = steps
        self._waits = waits
        self._first: dict[Address, int] = {}

    def run(
        self, change: Change, wanted: Resource, needs: Sequence[int], *, before: int | None = None, before_id: str = ""
    ) -> list[int]:
        """Run those of one replica whose container was made (`before`, or is there already) and never started.

        Each is made, started, waited for and removed; one that fails stays, so that it can be looked at. The steps
        that must have ended well before the replica starts.
        """
        service, first = change.address.whole, change.address.index in (0, 1)
        done = [*needs, *self._waits.conditions(wanted)] if wanted.spec[PRE_START] else list(needs)
        last = None
        for number, entry in enumerate(wanted.spec[PRE_START], 1):
            if first or entry.get("per_replica"):
                last = self._run_pre_start(change, wanted, CreatePreStart(number, before, before_id), done)
                done = [last]
        if first and last is not None:
            self._first[service] = last
        return [step for step in (last, self._first.get(service)) if step is not None]

    def _run_pre_start(self, change: Change, wanted: Resource, create: CreatePreStart, needs: Sequence[int]) -> int:
        steps, address, cause, number = self._steps, change.address, "runs before it", create.number
        made = steps.add(create, address, cause, needs=[*needs, *self._dropped(address, number)])
        done = [made]
        for key in list(wanted.workload_spec["networks"])[1:]:
            done.append(steps.add(Connect(key, pre_start=number), address, cause, needs=done, made_by=made))
        started = steps.add(Start(), address, cause, needs=done, made_by=made)
        ended = steps.add(
            Wait(
                Goal.COMPLETED, self._policy.wait_timeout or JOB_TIMEOUT, pre_start=pre_start_name(wanted.name, number)
            ),
            address, cause, needs=[started], made_by=made,
        )  # fmt: skip
        return steps.add(Remove("container", volumes=True), address, cause, needs=[ended], made_by=made)

    def _dropped(self, address: Address, number: int) -> list[int]:
        """One of an earlier apply that failed, or was interrupted, has the name."""
        left = self._left.get(pre_start_address(address, number))
        if left is None:
            return []
        stop = []
        if left.is_up:
            stop = [self._steps.add(Stop(), address, "runs before it", object_id=left.id)]
        return [
            self._steps.add(
                Remove("container", volumes=True), address, "runs before it", needs=stop, object_id=left.id
            )
        ]  # fmt: skip
