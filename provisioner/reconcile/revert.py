"""The way back: the plan that takes a failed rollout back, service by service, to what served before it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.kinds.container_networks import without
from provisioner.kinds.hooks import POST_START, PRE_STOP
from provisioner.kinds.ownership import NEXT, PREVIOUS
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.operation import (
    Connect,
    Disconnect,
    Goal,
    Remove,
    Rename,
    Restart,
    Start,
    Stop,
    UpdateContainer,
    Wait,
)
from provisioner.model.plan import Policy, Verb
from provisioner.model.report import Outcome
from provisioner.reconcile.attachments import addresses_outside, fixed_addresses
from provisioner.reconcile.going_on import going_on
from provisioner.reconcile.handover import find_handovers
from provisioner.reconcile.handover_order import order_handovers
from provisioner.reconcile.hooks import run_hooks
from provisioner.reconcile.namespaces import containers_lived_in
from provisioner.reconcile.order import in_dependency_order, needs_first
from provisioner.reconcile.steps import Steps
from provisioner.reconcile.together import bound_together
from provisioner.reconcile.unproven import had_finished, tolerated_services, unproven_services
from provisioner.reconcile.update_policy import exclusive_claim, shares, starts_first
from provisioner.reconcile.waits import READY_TIMEOUT, timeout_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provisioner.model.operation import Operation
    from provisioner.model.plan import Plan
    from provisioner.model.report import StepResult
    from provisioner.model.specs import Attachment
    from provisioner.model.state import Observed, ObservedState, Resource
    from provisioner.reconcile.handover import Handover

_REASON = "its rollout failed"
_INTERRUPTED = "its rollout was interrupted"


def rollback_plan(
    failed: Plan, results: Sequence[StepResult], observed: ObservedState, *, interrupted: bool = False
) -> Plan:
    """The plan back for the services whose replacement began and was not proven; `observed` is the engine after it.

    Only those that `on_failure: rollback` lets go back, and those that share namespaces with them. Replicas go back
    one after the other, so that what still serves goes on. What was changed in place stays as it is, but for an address
    that is asked back and a network that it left and did not join again. Where a service
    was proven, and the run ended before what it replaced was removed, that is done. What gave up a port, a name or an
    address for one that goes back gets it back, and what has got it from one that goes back gives it up again.
    """
    rollback = _Rollback(failed, observed, results, _INTERRUPTED if interrupted else _REASON)
    rollback.run()
    desired = replace(failed.desired, resources={**failed.desired.resources, **rollback.targets})
    return replace(
        failed,
        desired=desired,
        observed=observed,
        changes=tuple(rollback.changes),
        steps=tuple(order_handovers(rollback.steps.all, desired, observed, {})),
        details=tuple(rollback.changes),
        notes=(),
    )


class _Rollback:
    def __init__(self, failed: Plan, observed: ObservedState, results: Sequence[StepResult], reason: str) -> None:
        self._failed = failed
        self._reason = reason
        pairs = find_handovers(failed.steps, failed.desired, failed.observed)
        self._takers = {pair.taker.whole for pair in pairs if not pair.passing}
        together = bound_together(failed.desired, failed.observed, failed.steps, pairs)
        made = {result.step.id for result in results if result.outcome is Outcome.DONE}
        unproven = unproven_services(failed, results)
        self._services = together.going_back(unproven, made)
        # Neither proven nor able to go back: what they were is left to the next apply.
        self._stuck = unproven - together.able(made)
        self._tolerated = tolerated_services(failed, results)
        self._broken = {result.step.address for result in results if result.outcome is Outcome.FAILED}
        self._actions = {change.address: change.action for change in failed.details}
        self._asked = self._asked_back(pairs)
        self._hosts = containers_lived_in(observed)
        self._here: dict[Address, list[Observed]] = {}
        for seen in (*observed.resources.values(), *observed.leftovers):
            if seen.kind == "container":
                self._here.setdefault(seen.address, []).append(seen)
        self._networks = {seen.address.name: seen for seen in observed.resources.values() if seen.kind == "network"}
        self._before: Mapping[Address, Observed] = failed.observed.resources
        # One step that fails keeps no other service from going back.
        self.steps = Steps(max_failures=dict.fromkeys(self._services, len(failed.details)))
        self.changes: list[Change] = []
        self.targets: dict[Address, Resource] = {}
        self._last: dict[Address, int] = {}

    def run(self) -> None:
        resources = self._failed.desired.resources
        going_back = [address for address in resources if address.whole in self._services]
        ordered = in_dependency_order(going_back, lambda address: [need.address for need in resources[address].needs])
        for address in self._hosts_first([*ordered, *sorted(self._here.keys() - resources.keys())]):
            if address in resources:
                self._take_back(address, resources[address])
            else:
                self._restore(address)
        for address in going_on(self._stuck, self._broken, self._here, self._before, resources):
            self._go_on(address, self._here[address][0])
        # Nothing of these services is taken back.
        for address, over in (*self._tolerated_beside().items(), *self._over().items()):
            self._drop(address, over, ())

    def _tolerated_beside(self) -> dict[Address, list[Observed]]:
        """What failed, as it may, beside what goes on in its place."""
        beside: dict[Address, list[Observed]] = {}
        for address in sorted(address for address in self._broken if address.whole in self._tolerated - self._services):
            here, before = self._here.get(address, []), self._before.get(address)
            if before is not None and any(seen.id == before.id and not seen.name.endswith(PREVIOUS) for seen in here):
                beside[address] = [seen for seen in here if seen.id != before.id and seen.name.endswith(NEXT)]
        return {address: new for address, new in beside.items() if new}

    def _over(self) -> dict[Address, list[Observed]]:
        """What was replaced by what is proven, but for hosts of those that stay in them."""
        previous = {
            seen.id: seen for address, here in sorted(self._here.items()) for seen in here
            if seen.name.endswith(PREVIOUS) and address in self._failed.desired.resources
            and address.whole not in self._services | self._stuck
        }  # fmt: skip
        while needed := {
            host for guest, hosts in self._hosts.items() if guest not in previous for host in hosts & previous.keys()
        }:
            previous = {identity: seen for identity, seen in previous.items() if identity not in needed}
        over: dict[Address, list[Observed]] = {}
        for seen in previous.values():
            over.setdefault(seen.address, []).append(seen)
        return over

    def _hosts_first(self, addresses: Sequence[Address]) -> list[Address]:
        """In their order, but for those in whose namespaces others lived."""
        return needs_first(addresses, lambda guest: [host for host in addresses if self._lived_in(guest, host)])

    def _lived_in(self, address: Address, host: Address) -> bool:
        before = self._before.get(address)
        return before is not None and before.kind == "container" and shares(before, host.name)

    def _take_back(self, address: Address, wanted: Resource) -> None:
        here, before = self._here.get(address, []), self._before.get(address)
        previous = next((seen for seen in here if seen.name.endswith(PREVIOUS)), None)
        old = previous or next((seen for seen in here if before is not None and seen.id == before.id), None)
        new = [seen for seen in here if seen is not old]
        action = self._actions.get(address, Action.UNCHANGED)
        if old is None:
            made_for_it = address.whole in self._takers or self._loses_its_host(wanted)
            if action is Action.CREATE and (self._replaces(address.whole) or made_for_it):
                self._change(address, new, Action.DELETE)
                self._drop(address, new, self._gate(address))
            return
        if previous is None and action is not Action.REPLACE:
            self._give_back(address, wanted, old)
            return
        ran = before is not None and before.is_up
        runs = old.is_up
        known = replace(before, id=old.id) if before is not None and before.id == old.id else old
        # Set aside by an earlier apply, it may have been told to stay stopped: it gets what is declared now.
        stays_stopped = known is old is previous and old.container_spec["restart"] == "no"
        restart = (wanted if stays_stopped else known).container_spec["restart"]
        spec = {**known.spec, "restart": restart, "networks": self._fitting(known.workload_spec["networks"])}
        self.targets[address] = replace(wanted, spec=spec, name=old.made_as or wanted.name)
        # Whether what was set aside was stopped by a hand or by an interrupted apply is not known: it is to run.
        starts = not runs and (ran or (previous is not None and not had_finished(before, old, wanted)))
        restarts = runs and any(shares(self.targets[address], a.name) for a in self._started())
        cut_off = runs and bool(known.workload_spec["networks"].keys() - old.workload_spec["networks"].keys())
        if not new and not starts and not restarts and not cut_off and previous is None:
            return
        self._change(address, new or [old], Action.REPLACE)
        self._bring_back(address, old, known, new, starts=starts, restarts=restarts)

    def _give_back(self, address: Address, wanted: Resource, existing: Observed) -> None:
        """An address that it got while it ran, and that another wants back: it leaves the network, and joins as before.

        So does one that was to join a network anew, and only left it. What else was changed in place stays as it is.
        """
        before = self._before.get(address)
        if before is None or before.id != existing.id:
            return
        was, now = self._fitting(before.workload_spec["networks"]), existing.workload_spec["networks"]
        lost = wanted.workload_spec["networks"].keys() - now.keys()
        asked = address.whole in self._asked
        touched = [
            key for key in sorted(was.keys() & self._networks.keys())
            if key in lost or (asked and fixed_addresses(was[key]) != fixed_addresses(now.get(key)))
        ]  # fmt: skip
        if not touched:
            return
        entries = {key: without(was[key], "mac_address") for key in touched}
        self.targets[address] = replace(wanted, spec={**existing.spec, "networks": {**now, **entries}})
        gate, done = self._gate(address), list[int]()
        for key in touched:
            if key in now:
                done = [self._step(Disconnect(key), address, done, gate, existing.id)]
            done = [self._step(Connect(key, endpoint=entries[key]), address, done, gate, existing.id)]
        self._change(address, [existing], Action.UPDATE)
        self._last[address] = self._ready(address, done, existing.id)

    def _bring_back(
        self, address: Address, old: Observed, known: Observed, new: list[Observed], *, starts: bool, restarts: bool
    ) -> None:
        """The old one first where both can run side by side; it gets its name when nothing else has it."""
        steps, target, gate = self.steps, self.targets[address], self._gate(address)
        together = starts_first(target) and not exclusive_claim(target)
        done: list[int] = []
        if not together:
            done = self._drop(address, new, gate)
        change = Change(address, Action.REPLACE, self._reason, observed=old)
        if old.container_spec["restart"] != target.container_spec["restart"]:
            done = [self._step(UpdateContainer(("restart",)), address, done, gate, old.id)]
        for key in known.workload_spec["networks"]:
            if key not in old.workload_spec["networks"] and key in self._networks:
                done = [self._step(Connect(key), address, done, gate, old.id)]
        if starts or restarts:
            begins = Start() if starts else Restart()
            done = [self._step(begins, address, done, gate, old.id, after=self._former_hosts(address))]
            done = run_hooks(steps, change, POST_START, known.spec, done, object_id=old.id)
        if together:
            done = [self._ready(address, done, old.id)] if starts else done
            done = self._drop(address, new, gate if not done else (), done)
        if old.name != target.name:
            done = [self._step(Rename(target.name), address, done, gate, old.id)]
        if (starts and not together) or restarts:
            done = [self._ready(address, done, old.id)]
        if done:
            self._last[address] = done[-1]

    def _go_on(self, address: Address, new: Observed) -> None:
        """What can not be had back, and has not failed, is begun. Whether it comes to its end the next apply proves."""
        begun = self._step(Start(), address, (), self._gate(address), new.id)
        change = Change(address, Action.UPDATE, self._reason, observed=new)
        self._last[address] = run_hooks(self.steps, change, POST_START, new.spec, [begun], object_id=new.id)[-1]
        self.changes.append(change)

    def _restore(self, address: Address) -> None:
        """What was to be removed, and made room for one that goes back, is there again as it was."""
        before = self._before.get(address)
        old = next((seen for seen in self._here[address] if before is not None and seen.id == before.id), None)
        if old is None or before is None or before.runtime is None or address.whole not in self._services:
            return
        starts = before.is_up and not old.is_up
        done: list[int] = []
        if old.name != before.name:
            done = [self._step(Rename(before.name), address, done, (), old.id)]
        if starts:
            done = [self._step(Start(), address, done, (), old.id, after=self._former_hosts(address))]
            change = Change(address, Action.UPDATE, self._reason, observed=old)
            done = run_hooks(self.steps, change, POST_START, old.spec, done, object_id=old.id)
            done = [self._step(Wait(Goal.READY, READY_TIMEOUT), address, done, (), old.id)]
        if done:
            self._last[address] = done[-1]
            self._change(address, [old], Action.UPDATE)

    def _ready(self, address: Address, needs: Iterable[int], identity: str) -> int:
        target = self.targets[address]
        wait = Wait(Goal.READY, timeout_of(target, Policy()), target.may_finish)
        return self._step(wait, address, needs, (), identity)

    def _drop(self, address: Address, new: list[Observed], gate: Sequence[int], needs: Sequence[int] = ()) -> list[int]:
        """Stop and remove what was to take its place. One that failed is killed: nobody waits for it."""
        done, stop = list(needs), Stop(0.0 if address in self._broken else None)
        for seen in new:
            if seen.is_up:
                change = Change(address, Action.DELETE, self._reason, observed=seen)
                done = run_hooks(
                    self.steps, change, PRE_STOP, seen.spec, done, object_id=seen.id, after=() if done else gate
                )
                done = [self._step(stop, address, done, gate, seen.id)]
            done = [self._step(Remove("container"), address, done, gate, seen.id)]
        if new:
            self._last[address] = done[-1]
        return done

    def _step(
        self,
        operation: Operation,
        address: Address,
        needs: Iterable[int],
        gate: Iterable[int],
        identity: str,
        *,
        after: Iterable[int] = (),
    ) -> int:
        """One step, `after` some; the first of a replica waits for the end of those before it."""
        needed = list(needs)
        return self.steps.add(
            operation, address, self._reason, needs=needed, after=[*after, *(() if needed else gate)],
            object_id=identity,
        )  # fmt: skip

    def _gate(self, address: Address) -> list[int]:
        """The replica before this one, and what it lives in."""
        hosts = [
            step
            for other, step in self._last.items()
            if shares(self._failed.desired.resources[address], other.name) or self._lived_in(address, other)
        ]
        before = [step for other, step in self._last.items() if other.whole == address.whole]
        return [*hosts, *before[-1:]]

    def _former_hosts(self, address: Address) -> list[int]:
        """The last steps of what it lived in: it can not be started before that runs."""
        return [step for other, step in self._last.items() if self._lived_in(address, other)]

    def _started(self) -> set[Address]:
        return {step.address for step in self.steps.all if step.verb in (Verb.START, Verb.RESTART)}

    def _fitting(self, networks: Mapping[str, Attachment]) -> dict[str, Attachment]:
        """How it was attached, without an address that is in no subnet of a network that was made anew."""
        fitting = {}
        for key, entry in networks.items():
            now, before = self._networks.get(key), self._before.get(Address("network", key))
            anew = now is not None and before is not None and now.id != before.id
            subnets = [pool.get("subnet") for pool in (now.network_spec.get("ipam.config") or () if now else ())]
            lost = addresses_outside(entry, subnets) if anew else ()
            fitting[key] = without(entry, *lost)
        return fitting

    def _asked_back(self, pairs: Sequence[Handover]) -> set[Address]:
        """Who has something that one that goes back had, straight or through others that give something back."""
        returning = {
            service for service in self._services
            if self._replaces(service)
            or any(address.whole == service and action is Action.DELETE for address, action in self._actions.items())
        }  # fmt: skip
        asked: set[Address] = set()
        while more := {p.taker.whole for p in pairs if not p.passing and p.holder.whole in returning | asked} - asked:
            asked |= more
        return asked

    def _loses_its_host(self, wanted: Resource) -> bool:
        """Whether it lives in one that goes back."""
        return any(shares(wanted, address.name) and self._replaces(address) for address in self._services)

    def _replaces(self, service: Address) -> bool:
        return any(a.whole == service and action is Action.REPLACE for a, action in self._actions.items())

    def _change(self, address: Address, objects: list[Observed], action: Action) -> None:
        self.changes.append(Change(address, action, self._reason, observed=objects[0] if objects else None))
