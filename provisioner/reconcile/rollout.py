"""Recipes: how the containers of services are created, replaced and mended, in which order. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.kinds.container_mounts import ROOTS
from provisioner.kinds.hooks import POST_START, PRE_STOP
from provisioner.kinds.ownership import NEXT
from provisioner.kinds.values import nanoseconds
from provisioner.model.change import Action, Change, Impact
from provisioner.model.plan import Policy, Verb
from provisioner.reconcile.files import file_volume
from provisioner.reconcile.hooks import run_hooks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from provisioner.model.address import Address
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource
    from provisioner.reconcile.steps import Steps

_RESOURCE_FIELDS_SEPARATELY = ("networks", "state", "container_name")
LEFT_BEHIND = "an interrupted apply left it"
# Without a declared limit: how long a container may take to become ready, and a job to complete (seconds).
READY_TIMEOUT = 60.0
RECOVERY_TIMEOUT = 5.0
JOB_TIMEOUT = 1800.0


class Rollout:
    """Adds the steps of every changed container to `steps`, dependencies before those that wait for them."""

    def __init__(
        self,
        changes: Sequence[Change],
        desired: DesiredState,
        observed: ObservedState,
        policy: Policy,
        steps: Steps,
        filled: Collection[str] = (),
    ) -> None:
        self._changes = {
            c.address: c
            for c in changes
            if c.action is not Action.DELETE and c.desired is not None and c.desired.kind == "container"
        }
        self._desired = desired
        self._observed = observed
        self._policy = policy
        self._steps = steps
        self._filled: dict[tuple[str, str], int] = {}
        # A container is made when its files are complete, and a volume that is complete is left alone.
        self._complete = {v.name for v in observed.files if v.users or v.spec["operation"] in filled}
        self._batches: dict[Address, list[int]] = {}

    def run(self) -> None:
        pending = dict(sorted(self._changes.items()))
        while pending:
            free = [a for a in pending if not self._waits_for(a, pending)]
            for address in free or list(pending):
                self._carry_out(pending.pop(address))
        self._await_unready()

    def _await_unready(self) -> None:
        """Containers that need no change and are not ready: an apply does not end well before they are."""
        for address, found in sorted(self._observed.resources.items()):
            wanted = self._desired.resources.get(address)
            if wanted is None or address in self._changes or not _unready(wanted, found):
                continue
            change = Change(address, Action.UNCHANGED, "it was not ready yet", desired=wanted, observed=found)
            self._recover(change, wanted, [], found)

    def _waits_for(self, address: Address, pending: dict[Address, Change]) -> bool:
        wanted = pending[address].desired
        return wanted is not None and any(need.address in pending for need in wanted.needs)

    def _carry_out(self, change: Change) -> None:
        wanted, found = change.desired, change.observed
        assert wanted is not None
        if change.action is Action.CREATE or found is None:
            self._create(change, wanted)
        elif change.action is Action.REPLACE:
            if starts_first(wanted) and not stands_alone(wanted):
                self._start_first(change, wanted, found)
            else:
                self._stop_first(change, wanted, found)
        else:
            self._mend(change, wanted, found)

    # Recipes ---------------------------------------------------------------------------------------------------

    def _create(self, change: Change, wanted: Resource) -> None:
        made = self._make(change, wanted, wanted.name, {})
        self._start(change, wanted, made, [made, *self._connected(change, wanted, made)])

    def _stop_first(self, change: Change, wanted: Resource, found: Observed) -> None:
        """Create beside it, then stop, remove, rename, start: a failed creation never costs the running one."""
        steps, address = self._steps, change.address
        made = self._make(change, wanted, wanted.name + NEXT, found.anonymous)
        connected = self._connected(change, wanted, made)
        gate = [made, *connected, *self._conditions(wanted), *self._batch(change)]
        removed = self._retire(change, found, gate)
        renamed = steps.add(
            Verb.RENAME, "container", address, change.reason, needs=[removed], made_by=made,
            arguments={"name": wanted.name},
        )  # fmt: skip
        self._start(change, wanted, made, [renamed])

    def _start_first(self, change: Change, wanted: Resource, found: Observed) -> None:
        """The new one proves itself beside the old one, which goes on serving until then.

        Until it is ready nobody finds it: it has no alias on its networks.
        """
        made = self._make(change, wanted, wanted.name + NEXT, found.anonymous, hidden=True)
        connected = self._connected(change, wanted, made, hidden=True)
        ready = self._start(change, wanted, made, [made, *connected, *self._batch(change)])
        removed = self._retire(change, found, self._introduced(change, wanted, made, ready))
        self._steps.add(
            Verb.RENAME, "container", change.address, change.reason, needs=[removed], made_by=made,
            arguments={"name": wanted.name},
        )  # fmt: skip

    def _introduced(self, change: Change, wanted: Resource, made: int, ready: int) -> list[int]:
        """The steps after which a replacement is found under its service's name: aliases come with an attachment."""
        done = [ready]
        for key in wanted.spec["networks"]:
            for verb in (Verb.DISCONNECT, Verb.CONNECT):
                step = self._steps.add(
                    verb, "container", change.address, change.reason, needs=[done[-1]], made_by=made,
                    arguments={"network": key},
                )  # fmt: skip
                done.append(step)
        return done

    def _mend(self, change: Change, wanted: Resource, found: Observed) -> None:
        """Differences that a live container can take: limits, networks, its state, its name."""
        steps, address = self._steps, change.address
        done: list[int] = []
        paths = [d.path for d in change.differences if d.path.partition(".")[0] not in _RESOURCE_FIELDS_SEPARATELY]
        if paths:
            done.append(
                steps.add(
                    Verb.UPDATE, "container", address, change.reason, object_id=found.id, arguments={"fields": paths}
                )
            )
        if any(d.impact is Impact.METADATA for d in change.differences):
            done.append(
                steps.add(
                    Verb.RENAME, "container", address, change.reason, object_id=found.id,
                    arguments={"name": wanted.name},
                )
            )  # fmt: skip
        done += self._reattach(change, wanted, found)
        status = found.runtime.status if found.runtime else ""
        if status == "paused":
            done.append(steps.add(Verb.UNPAUSE, "container", address, change.reason, object_id=found.id))
        elif status not in ("running", "restarting"):
            self._start(change, wanted, None, [*done, *self._conditions(wanted)], object_id=found.id)
            return
        elif not change.differences and not done:
            gate = run_hooks(steps, change, PRE_STOP, found.spec, self._conditions(wanted), object_id=found.id)
            done.append(steps.add(Verb.RESTART, "container", address, change.reason, needs=gate, object_id=found.id))
            done = run_hooks(steps, change, POST_START, wanted.spec, done, object_id=found.id)
        self._started(address, done[-1] if done else None)
        self._recover(change, wanted, done, found)

    def _reattach(self, change: Change, wanted: Resource, found: Observed) -> list[int]:
        steps, address, done = self._steps, change.address, []
        touched = {d.path.split(".")[1] for d in change.differences if d.path.startswith("networks.")}
        left = {s.arguments["network"] for s in steps.all if s.verb is Verb.DISCONNECT and s.object_id == found.id}
        replaced = {key for key in wanted.spec["networks"] if key in left}
        for key in sorted(touched - replaced):
            if key in found.spec["networks"]:
                network_id = self._network_id(key)
                done.append(
                    steps.add(
                        Verb.DISCONNECT, "container", address, change.reason, object_id=found.id,
                        arguments={"network": key, "network_id": network_id},
                    )
                )  # fmt: skip
        for key in sorted((touched | replaced) & wanted.spec["networks"].keys()):
            done.append(
                steps.add(
                    Verb.CONNECT, "container", address, change.reason, object_id=found.id,
                    needs=[*done, self._made_network(key)], arguments={"network": key},
                )
            )  # fmt: skip
        return done

    # Parts of recipes ------------------------------------------------------------------------------------------

    def _make(self, change: Change, wanted: Resource, name: str, anonymous: Any, *, hidden: bool = False) -> int:
        """Create the container under `name`, once everything it is made of is there."""
        needs: list[int | None] = [self._steps.made.get(need.address) for need in wanted.needs]
        if self._replaces_leftover(change):
            needs.append(self._drop_leftover(change))
        needs += [self._fill(change, wanted, kind, needs) for kind in sorted(ROOTS) if wanted.spec[kind]]
        shares = [n.address for n in wanted.needs if n.condition and _shares(wanted, n.address.name)]
        needs += [self._steps.made.get(address) for address in shares]
        made = self._steps.add(
            Verb.CREATE, "container", change.address, change.reason, needs=needs,
            arguments={"name": name, "anonymous": dict(anonymous), "hidden": hidden},
        )  # fmt: skip
        self._steps.made[change.address] = made
        return made

    def _replaces_leftover(self, change: Change) -> bool:
        return any(one.address == change.address and one.name.endswith(NEXT) for one in self._observed.leftovers)

    def _drop_leftover(self, change: Change) -> int:
        """What an interrupted apply left under the name that this replacement needs."""
        leftover = next(o for o in self._observed.leftovers if o.address == change.address and o.name.endswith(NEXT))
        return self._retire(replace(change, reason=LEFT_BEHIND), leftover, [])

    def _fill(self, change: Change, wanted: Resource, kind: str, needs: Sequence[int | None]) -> int | None:
        """The volume with the service's configs or secrets; its replicas share it."""
        if file_volume(self._desired.project, change.address.name, kind, wanted.spec[kind]) in self._complete:
            return None
        key = (change.address.name, kind)
        if key not in self._filled:
            self._filled[key] = self._steps.add(
                Verb.FILL, "files", change.address.whole, change.reason, needs=needs, arguments={"kind": kind}
            )
        return self._filled[key]

    def _connected(self, change: Change, wanted: Resource, made: int, *, hidden: bool = False) -> list[int]:
        """The networks after the first: API versions before 1.44 take one at creation."""
        return [
            self._steps.add(
                Verb.CONNECT, "container", change.address, change.reason, needs=[self._made_network(key)],
                made_by=made, arguments={"network": key, "hidden": hidden},
            )
            for key in list(wanted.spec["networks"])[1:]
        ]  # fmt: skip

    def _retire(self, change: Change, found: Observed, needs: Iterable[int | None]) -> int:
        stop = None
        gate = list(needs)
        if found.runtime is not None and found.runtime.status in ("running", "restarting", "paused"):
            before = run_hooks(self._steps, change, PRE_STOP, found.spec, gate, object_id=found.id)
            stop = self._steps.add(
                Verb.STOP, "container", change.address, change.reason, needs=before, object_id=found.id
            )
        return self._steps.add(
            Verb.REMOVE, "container", change.address, change.reason, needs=[*gate, stop], object_id=found.id,
            arguments={"volumes": False},
        )  # fmt: skip

    def _start(
        self, change: Change, wanted: Resource, made: int | None, needs: Iterable[int | None], object_id: str = ""
    ) -> int:
        """Start it when its dependencies allow, and wait until it is ready; returns the step after which it is."""
        started = self._steps.add(
            Verb.START, "container", change.address, change.reason, needs=[*needs, *self._conditions(wanted)],
            made_by=made, object_id=object_id,
        )  # fmt: skip
        ran = run_hooks(self._steps, change, POST_START, wanted.spec, [started], made_by=made, object_id=object_id)
        self._started(change.address, ran[-1])
        return self._wait(change, wanted, ran, made_by=made, object_id=object_id)

    def _started(self, address: Address, step: int | None) -> None:
        if step is not None:
            self._steps.started[address] = step

    def _wait(
        self, change: Change, wanted: Resource, needs: Sequence[int], *, made_by: int | None, object_id: str
    ) -> int:
        goal = "completed" if wanted.job else "ready"
        return self._wait_until(goal, self._timeout(wanted), change, needs, made_by=made_by, object_id=object_id)

    def _recover(self, change: Change, wanted: Resource, needs: Sequence[int], found: Observed) -> int:
        """Wait for a container that went on running; its health check is given time for another verdict."""
        if wanted.job:
            return self._wait(change, wanted, needs, made_by=None, object_id=found.id)
        start, interval, duration = self._check_times(wanted)
        timeout = self._policy.wait_timeout or start + interval + duration + RECOVERY_TIMEOUT
        return self._wait_until("recovered", timeout, change, needs, made_by=None, object_id=found.id)

    def _wait_until(
        self, goal: str, timeout: float, change: Change, needs: Sequence[int], *, made_by: int | None, object_id: str
    ) -> int:
        ready = self._steps.add(
            Verb.WAIT, "container", change.address, change.reason, needs=needs, made_by=made_by, object_id=object_id,
            arguments={"until": goal, "timeout": timeout},
        )  # fmt: skip
        self._steps.ready[change.address] = ready
        self._batches.setdefault(change.address.whole, []).append(ready)
        return ready

    def _batch(self, change: Change) -> list[int]:
        """Replicas are replaced `parallelism` at a time; 0 means all at once."""
        wanted = change.desired
        parallelism = wanted.update.parallelism if wanted and wanted.update else 1
        before = self._batches.get(change.address.whole, [])
        if parallelism == 0 or not before:
            return []
        return before[: len(before) - len(before) % parallelism][-parallelism:]

    def _conditions(self, wanted: Resource) -> list[int]:
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
        goal = {"service_healthy": "healthy", "service_completed_successfully": "completed"}[condition]
        for step in self._steps.all:
            if step.verb is Verb.WAIT and step.address == address and step.arguments["until"] == goal:
                return step.id
        wanted, found = self._desired.resources.get(address), self._observed.resources.get(address)
        if wanted is None or (after is None and found is None):
            return None
        made = next((s for s in self._steps.all if s.id == after), None)
        return self._steps.add(
            Verb.WAIT, "container", address, f"others wait until it is {goal}",
            needs=[] if after is None else [after],
            made_by=made.made_by if made else None,
            object_id=made.object_id if made else found.id if found else "",
            arguments={"until": goal, "timeout": self._timeout(wanted)},
        )  # fmt: skip

    def _timeout(self, wanted: Resource) -> float:
        """Seconds after which a wait has failed: what the user said, or what the health check needs at most."""
        if self._policy.wait_timeout:
            return self._policy.wait_timeout
        if wanted.job:
            return JOB_TIMEOUT
        start, interval, duration = self._check_times(wanted)
        retries = (wanted.spec["healthcheck"] or {}).get("retries", 3)
        return float(READY_TIMEOUT + start + (interval + duration) * retries)

    def _check_times(self, wanted: Resource) -> tuple[float, float, float]:
        """Start period, interval and timeout of the health check, in seconds."""
        check = wanted.spec["healthcheck"] or {}
        start, interval, duration = (nanoseconds(check.get(key, default)) / 1e9 for key, default in _HEALTH_DEFAULTS)
        return start, interval, duration

    def _made_network(self, key: str) -> int | None:
        return next((made for address, made in self._steps.made.items() if str(address) == f"network.{key}"), None)

    def _network_id(self, key: str) -> str:
        return next((o.id for a, o in self._observed.resources.items() if a.kind == "network" and a.name == key), key)


_HEALTH_DEFAULTS = (("start_period", "0s"), ("interval", "30s"), ("timeout", "30s"))


def starts_first(wanted: Resource) -> bool:
    """Whether a replacement is to run before the old container is stopped."""
    return wanted.update is not None and wanted.update.order == "start-first" and not wanted.job


def stands_alone(wanted: Resource) -> str:
    """What only one container can have at a time, so that two can not run side by side; empty if there is nothing."""
    for target, bindings in sorted(wanted.spec["ports"].items()):
        for binding in bindings:
            if binding.rpartition(":")[2]:
                return f"host port {binding} for {target}"
    for key, entry in wanted.spec["networks"].items():
        for kind in ("ipv4_address", "ipv6_address", "mac_address"):
            if entry.get(kind):
                return f"address {entry[kind]} on network {key}"
    return "" if wanted.spec["network_mode"] != "host" else "network of the host"


def _unready(wanted: Resource, found: Observed) -> bool:
    if found.runtime is None:
        return False
    if wanted.job:
        return found.runtime.status == "running"
    # One that was started again by the engine may be on its way down again at this moment.
    flapping = found.runtime.restarts > 0 and not found.runtime.health
    return flapping or found.runtime.status == "restarting" or found.runtime.health in ("starting", "unhealthy")


def _shares(wanted: Resource, service: str) -> bool:
    spec = wanted.spec
    modes = [spec["network_mode"], spec["pid"], spec["ipc"], *spec["volumes_from"]]
    return any(mode and mode.split(":")[:2] == ["service", service] for mode in modes)
