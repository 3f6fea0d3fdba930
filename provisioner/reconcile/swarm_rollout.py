"""Recipes for Swarm: configs and secrets before the services that use them, one update for each service. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.healthcheck import check_times
from provisioner.kinds.service import ENDPOINT
from provisioner.kinds.values import nanoseconds
from provisioner.model.change import Action, Change
from provisioner.model.operation import Create, CreateService, Goal, Relabel, Remove, UpdateService, WaitForService
from provisioner.reconcile.ingress import PassingPorts
from provisioner.reconcile.order import in_dependency_order
from provisioner.reconcile.swarm_tasks import RESTARTING, UNDER_WAY
from provisioner.reconcile.update_policy import changed_parts
from provisioner.reconcile.waits import JOB_TIMEOUT, READY_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioner.model.address import Address
    from provisioner.model.operation import Operation
    from provisioner.model.plan import Policy
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource
    from provisioner.reconcile.steps import Steps

_FILES = ("config", "secret")
_PASS = "its ports pass"


class SwarmRollout:
    """Adds the steps of every changed service, config and secret to `steps`, dependencies first."""

    def __init__(
        self, changes: Sequence[Change], desired: DesiredState, observed: ObservedState, policy: Policy, steps: Steps
    ) -> None:
        self._changes = [c for c in changes if c.action is not Action.DELETE and c.desired is not None]
        self._desired = desired
        self._observed = observed
        self._policy = policy
        self._steps = steps
        self._removed: dict[Address, int] = {}
        self._passing = PassingPorts(self._changes, observed)

    def clear_the_way(self, going: Sequence[Change]) -> list[int]:
        """Services that have to be replaced go first: a network can not be removed under them, nor under their tasks.

        So do those of `going` that are on a network that is replaced. The steps after which their tasks are gone.
        """
        networks = {c.address.name for c in self._changes if c.address.kind == "network" and c.action is Action.REPLACE}
        replaced = [c for c in self._changes if c.action is Action.REPLACE]
        for change in (*replaced, *going):
            existing = change.observed
            if existing is None or existing.kind != "service":
                continue
            if change.action is Action.REPLACE or networks & existing.workload_spec["networks"].keys():
                self._removed[change.address] = remove_service(change, (), self._steps)
        return list(self._removed.values())

    def run(self) -> None:
        for change in self._changes:
            wanted, existing = change.desired, change.observed
            if wanted is None or wanted.kind not in _FILES:
                continue
            # Another version is another object; labels are all that the object that is there can take.
            kept = existing if existing is not None and existing.name == wanted.name else None
            operation: Operation = Relabel(wanted.kind) if kept is not None else Create(wanted.kind)
            self._steps.made[change.address] = self._steps.add(
                operation, change.address, change.reason, object_id=kept.id if kept is not None else ""
            )
        services = {c.address: c for c in self._changes if c.desired is not None and c.desired.kind == "service"}
        for address in in_dependency_order(services, self._needs):
            self._carry_out(services[address])
        self._await_unsettled()

    def _await_unsettled(self) -> None:
        """Services that need no change and do not run as they should: an apply does not end well before they do."""
        for address, existing in sorted(self._observed.resources.items()):
            if existing.not_converged_reason and address not in self._steps.ready:
                self._gate(address, existing.not_converged_reason)

    def _needs(self, address: Address) -> list[Address]:
        return [need.address for need in self._desired.resources[address].needs]

    def _carry_out(self, change: Change) -> None:
        wanted, existing = change.desired, change.observed
        assert wanted is not None
        needs: list[int | None] = [self._steps.made.get(need.address) for need in wanted.needs]
        needs += [self._gate(need.address, need.condition) for need in wanted.needs if need.condition]
        stages = self._passing.stages(change)
        first = stages[0] if stages else None
        if change.action is Action.UPDATE and existing is not None:
            force = not change.differences or any(d.path in ("state", "job") for d in change.differences)
            force = force or _gets_its_first_port(change, existing)
            acted = self._steps.add(
                UpdateService(existing.version, existing.base, force, changed_parts(change), first), change.address,
                change.reason, needs=needs, object_id=existing.id,
            )  # fmt: skip
            made_by, object_id = None, existing.id
        else:
            needs.append(self._removed.get(change.address))
            acted = self._steps.add(CreateService(first), change.address, change.reason, needs=needs)
            made_by, object_id = acted, ""
        self._steps.made[change.address] = acted
        proof = WaitForService(
            _goal(wanted), self._timeout(wanted), may_finish=wanted.may_finish, failed_before=_failed(existing)
        )

        def prove(step: int, cause: str) -> int:
            return self._steps.add(proof, change.address, cause, needs=[step], made_by=made_by, object_id=object_id)

        # What only gives up ports is what it was, and the sooner it gets others the better.
        alone = not stages or stages[0].yields
        waited = None if alone else prove(acted, change.reason)
        last = acted
        for stage in stages[1:]:
            last = self._steps.add(
                UpdateService(stage=stage, follows=True), change.address, _PASS, needs=[last, waited], made_by=made_by,
                object_id=object_id,
            )  # fmt: skip
        if waited is None or last != acted:
            passed = prove(last, _PASS if last != acted else change.reason)
            waited = waited or passed
        self._steps.ready[change.address] = waited

    def _gate(self, address: Address, condition: str | None) -> int | None:
        """The step after which a dependency's condition holds; on Swarm a running task is a healthy one."""
        ready = self._steps.ready.get(address)
        if ready is not None:
            return ready
        wanted, existing = self._desired.resources.get(address), self._observed.resources.get(address)
        if wanted is None or existing is None or existing.kind != "service" or condition == "service_started":
            return None
        self._steps.ready[address] = self._steps.add(
            WaitForService(
                _goal(wanted), self._timeout(wanted), updated=existing.not_converged_reason in UNDER_WAY.values(),
                may_finish=wanted.may_finish, failed_before=existing.not_converged_reason == RESTARTING,
            ),
            address, existing.not_converged_reason or f"others wait until it is {condition}", object_id=existing.id,
        )  # fmt: skip
        return self._steps.ready[address]

    def _timeout(self, wanted: Resource) -> float:
        """Seconds after which a wait has failed: every replica's health check and delay, one batch after the other."""
        if self._policy.wait_timeout:
            return self._policy.wait_timeout
        if wanted.job:
            return JOB_TIMEOUT
        check, update = wanted.workload_spec["healthcheck"], wanted.service_spec["update_config"]
        times = check_times(check)
        until_healthy = (times.start_period + times.interval + times.timeout) * times.retries if check else 0.0
        pauses = (update["delay"], update["monitor"]) if update else ()
        pause = sum(nanoseconds(duration) / 1e9 for duration in pauses)
        batches = -(-(wanted.service_spec["replicas"] or 1) // max(1, update["parallelism"] if update else 1))
        # Twice: a rollback takes as long as the update that failed.
        return float(READY_TIMEOUT + 2 * batches * (until_healthy + pause + 10))


def remove_service(change: Change, needs: Iterable[int | None], steps: Steps) -> int:
    """Remove a service and wait for the end of its tasks, which have their grace; the step after which all is gone."""
    existing = change.observed
    assert existing is not None
    removed = steps.add(Remove("service"), change.address, change.reason, needs=needs, object_id=existing.id)
    grace = nanoseconds(existing.workload_spec.get("stop_grace_period") or "10s") / 1e9
    return steps.add(
        WaitForService(Goal.GONE, READY_TIMEOUT + grace), change.address, "its tasks stop", needs=[removed],
        object_id=existing.id,
    )  # fmt: skip


def _gets_its_first_port(change: Change, existing: Observed) -> bool:
    """Whether a service without an endpoint gets one: its tasks know of none, and a Swarm leaves them as they are."""
    live = existing.service_spec
    return live["endpoint_mode"] == "dnsrr" and not live["ports"] and ENDPOINT in changed_parts(change)


def _goal(wanted: Resource) -> Goal:
    return Goal.COMPLETED if wanted.job else Goal.READY


def _failed(existing: Observed | None) -> bool:
    return existing is not None and existing.runtime is not None and existing.runtime.exit_code != 0
