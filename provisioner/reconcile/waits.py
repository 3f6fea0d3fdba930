"""The waits of a rollout: until a container is ready, while it is watched, until others may follow. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.kinds.healthcheck import check_times
from provisioner.model.operation import Goal, Pause, Stop, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.plan import Policy
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource
    from provisioner.reconcile.steps import Steps

# Without a declared limit: how long a container may take to become ready, and a job to complete (seconds).
READY_TIMEOUT = 60.0
RECOVERY_TIMEOUT = 5.0
JOB_TIMEOUT = 1800.0


class Waits:
    """Adds waits to `steps`. `monitored` gives, by service, the last wait of each of its replicas, in their order, and
    `away` by such a wait the step after which the container that was replaced is stopped.
    """

    def __init__(self, desired: DesiredState, observed: ObservedState, policy: Policy, steps: Steps) -> None:
        self._desired = desired
        self._observed = observed
        self._policy = policy
        self._steps = steps
        self._batch_gates: dict[tuple[Address, int], int] = {}
        # By batch, of each replica that starts first: the step after which it has its address, and what it replaces.
        self._attached: dict[tuple[Address, int], list[tuple[int, str]]] = {}
        self.monitored: dict[Address, list[int]] = {}
        self.away: dict[int, int] = {}

    def until_ready(
        self, change: Change, wanted: Resource, needs: Sequence[int], *, made_by: int | None = None, object_id: str = ""
    ) -> int:
        """Until a container that was started is ready, or a job completed."""
        goal = Goal.COMPLETED if wanted.job else Goal.READY
        return self._ready(goal, timeout_of(wanted, self._policy), change, wanted, needs, made_by, object_id)

    def until_recovered(self, change: Change, wanted: Resource, needs: Sequence[int], existing: Observed) -> int:
        """Until one that went on running is ready; its health check is given time for another verdict.

        One whose check has not decided yet, or that needs what this plan changes, has as long as one that is started:
        what it needs may be what it fails for, and is ready first.
        """
        if wanted.job:
            return self.until_ready(change, wanted, needs, object_id=existing.id)
        mended = [self._steps.ready[need.address] for need in wanted.needs if need.address in self._steps.ready]
        starting = existing.runtime is not None and existing.runtime.health == "starting"
        timeout = timeout_of(wanted, self._policy)
        if not (mended or starting or self._policy.wait_timeout):
            times = check_times(wanted.workload_spec["healthcheck"])
            timeout = times.start_period + times.interval + times.timeout + RECOVERY_TIMEOUT
        return self._ready(Goal.READY, timeout, change, wanted, [*needs, *mended], None, existing.id, goes_on=True)

    def _ready(
        self,
        goal: Goal,
        timeout: float,
        change: Change,
        wanted: Resource,
        needs: Sequence[int],
        made_by: int | None,
        object_id: str,
        *,
        goes_on: bool = False,
    ) -> int:
        ready = self._steps.add(
            Wait(goal, timeout, wanted.may_finish, goes_on=goes_on), change.address, change.reason, needs=needs,
            made_by=made_by, object_id=object_id,
        )  # fmt: skip
        self._steps.ready[change.address] = ready
        return ready

    def watched(
        self, change: Change, wanted: Resource, needs: Sequence[int], *, made_by: int | None = None, object_id: str = ""
    ) -> int:
        """As long as `monitor` says a replacement that is ready must stay so; the step after which it is proven."""
        seconds = wanted.update.monitor if wanted.update and not wanted.job else 0.0
        if not seconds:
            return needs[-1]
        return self._steps.add(
            Wait(Goal.STAYS_READY, seconds, wanted.may_finish), change.address, change.reason, needs=needs,
            made_by=made_by, object_id=object_id,
        )  # fmt: skip

    def batch_gate(self, change: Change) -> list[int]:
        """The steps after which a replica may be replaced: `parallelism` at a time (0: all), `delay` in between.

        Where replicas may fail, the others wait for their end, well or not. Those that start first also wait until what
        was replaced is stopped; `keep_addresses` says why.
        """
        update = change.desired.update if change.desired else None
        parallelism, delay = (update.parallelism, update.delay) if update else (1, 0.0)
        service, group = self._batch(change)
        before = self.monitored.get(service, [])
        if group == 0:
            return []
        ends = before[(group - 1) * parallelism : group * parallelism]
        ends += [self.away[end] for end in ends if end in self.away]
        if not delay and not self._steps.max_failures.get(service):
            return ends
        if (service, group) not in self._batch_gates:
            self._batch_gates[service, group] = self._steps.add(Pause(delay), service, "the others follow", after=ends)
        return [self._batch_gates[service, group]]

    def _batch(self, change: Change) -> tuple[Address, int]:
        """The service and the number of the batch to which its next replica belongs."""
        update = change.desired.update if change.desired else None
        parallelism = update.parallelism if update else 1
        service = change.address.whole
        return service, len(self.monitored.get(service, [])) // parallelism if parallelism else 0

    def attached(self, change: Change, step: int, existing: Observed) -> None:
        """After `step` a replacement that starts first has its aliases, and with them the address that it will have."""
        self._attached.setdefault(self._batch(change), []).append((step, existing.id))

    def keep_addresses(self) -> None:
        """What replicas of one batch replace is stopped once all of them have their aliases.

        Engines give out the lowest address that is free: one that comes free between a start and the attachment with
        aliases would take a container's address, and all its connections, from it.
        """
        batches = {object_id: batch for batch in self._attached.values() for _, object_id in batch if len(batch) > 1}
        for number, step in enumerate(self._steps.all):
            if isinstance(step.operation, Stop) and step.object_id in batches:
                others = {attached for attached, object_id in batches[step.object_id] if object_id != step.object_id}
                self._steps.all[number] = replace(step, after=tuple(sorted({*step.after, *others} - {*step.needs})))

    def conditions(self, wanted: Resource) -> list[int]:
        """The steps after which the conditions of `depends_on` hold, waits on unchanged services among them."""
        gates: list[int] = []
        for need in wanted.needs:
            if need.condition is None:
                continue
            if need.condition == "service_started":
                gate = self._steps.started.get(need.address)
            else:
                gate = self._steps.ready.get(need.address)
                if gate is None or need.condition == "service_healthy":
                    gate = self._until(need.address, need.condition, gate)
            if gate is not None:
                gates.append(gate)
        return gates

    def _until(self, address: Address, condition: str, after: int | None) -> int | None:
        """Wait until a dependency meets a condition; None when it is not there to wait for."""
        goal = {"service_healthy": Goal.HEALTHY, "service_completed_successfully": Goal.COMPLETED}[condition]
        if (waited := self._steps.waits.get((address, goal))) is not None:
            return waited
        wanted, existing = self._desired.resources.get(address), self._observed.resources.get(address)
        if wanted is None or (after is None and existing is None):
            return None
        made = None if after is None else self._steps.all[after - 1]
        goes_on = made is None or (isinstance(made.operation, Wait) and made.operation.goes_on)
        return self._steps.add(
            Wait(goal, timeout_of(wanted, self._policy), goes_on=goes_on), address, f"others wait until it is {goal}",
            needs=[] if after is None else [after],
            made_by=made.made_by if made else None,
            object_id=made.object_id if made else existing.id if existing else "",
        )  # fmt: skip


def timeout_of(wanted: Resource, policy: Policy) -> float:
    """Seconds after which a wait has failed: what the user said, or what the health check needs at most."""
    if policy.wait_timeout:
        return policy.wait_timeout
    if wanted.job:
        return JOB_TIMEOUT
    times = check_times(wanted.workload_spec["healthcheck"])
    return READY_TIMEOUT + times.start_period + (times.interval + times.timeout) * times.retries
