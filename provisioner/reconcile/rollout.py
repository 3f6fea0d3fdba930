"""Recipes: how the containers of services are created, replaced and mended, in which order. Pure."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from provisioner.kinds.hooks import POST_START, PRE_STOP
from provisioner.kinds.ownership import NEXT, PREVIOUS
from provisioner.model.change import Action, Change, Impact
from provisioner.model.operation import (
    CreateContainer,
    Remove,
    Restart,
    Start,
    Unpause,
    UpdateContainer,
)
from provisioner.reconcile.attachments import Attachments
from provisioner.reconcile.container_steps import ContainerSteps, names_of_containers, never_served
from provisioner.reconcile.diff import LEFT_BEHIND
from provisioner.reconcile.file_fills import FileFills
from provisioner.reconcile.finished import is_unready
from provisioner.reconcile.hooks import run_hooks
from provisioner.reconcile.namespaces import LOST_PATHS
from provisioner.reconcile.order import in_dependency_order
from provisioner.reconcile.pre_start import PreStart
from provisioner.reconcile.together import bound_together
from provisioner.reconcile.update_policy import exclusive_claim, max_failures, rolls_back, shares, starts_first
from provisioner.reconcile.waits import Waits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.plan import Policy
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource
    from provisioner.reconcile.steps import Steps

_RESOURCE_FIELDS_SEPARATELY = ("networks", "state", "container_name", *LOST_PATHS)
_NOTHING: Mapping[str, str] = MappingProxyType({})


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
        self._steps = steps
        self._together = bound_together(desired, observed)
        self._attachments = Attachments(observed, steps)
        self._waits = Waits(desired, observed, policy, steps)
        self._pre_start = PreStart(observed, policy, steps, self._waits)
        self._fills = FileFills(desired.project, observed, steps, filled)
        self._names = names_of_containers(observed)
        self._container = ContainerSteps(steps, self._names)
        # Previous containers are kept until their service has proven itself; with the step after which they wait.
        self._previous: dict[Address, tuple[Change, Observed, int | None]] = {
            left.address: (Change(left.address, Action.UNCHANGED, LEFT_BEHIND, observed=left), left, None)
            for left in observed.leftovers
            if left.name.endswith(PREVIOUS) and left.address in desired.resources
        }
        steps.max_failures.update(max_failures(self._changes.values()))

    def run(self) -> dict[Address, list[int]]:
        """Adds the steps; the last wait of each replica by service."""
        unready = self._unready()
        recovered: dict[Address, int] = {}
        needs = {
            address: [need.address for need in wanted.needs] for address, wanted in self._desired.resources.items()
        }
        for address in in_dependency_order({**self._changes, **unready}, needs.__getitem__):
            if address in unready:
                recovered[address] = self._recovered(unready[address], [])
            else:
                self._carry_out(self._changes[address])
        # Replicas that are replaced do not wait for those that stay.
        for address, last_wait in recovered.items():
            self._waits.monitored.setdefault(address.whole, []).append(last_wait)
        self._remove_previous()
        self._waits.keep_addresses()
        return self._waits.monitored

    def _unready(self) -> dict[Address, Change]:
        """Containers that need no change and are not ready: an apply does not end well before they are."""
        return {
            address: Change(address, Action.UNCHANGED, "it was not ready yet", desired=wanted, observed=existing)
            for address, existing in self._observed.resources.items()
            if (wanted := self._desired.resources.get(address)) is not None
            and wanted.kind == "container"
            and address not in self._changes
            and (is_unready(wanted, existing) or address in self._previous)
        }

    def _remove_previous(self) -> None:
        """What was replaced goes once its service has proven itself, and all with which it would have to go back."""
        for address, (change, existing, previous) in sorted(self._previous.items()):
            leaders = sorted(self._together.leaders(address.whole))
            ends = [end for service in leaders for end in self._waits.monitored.get(service, [])]
            if existing.is_up and previous is None:
                self._container.remove(change, existing, ends)
                continue
            allowed = self._steps.max_failures.get(address.whole)
            self._steps.add(
                Remove("container"), address, change.reason, needs=[previous, *([] if allowed else ends)],
                after=ends if allowed else (), object_id=existing.id,
            )  # fmt: skip

    def _carry_out(self, change: Change) -> None:
        wanted, existing = change.desired, change.observed
        assert wanted is not None
        if change.action is Action.CREATE or existing is None:
            self._create(change, wanted)
        elif change.action is Action.REPLACE and never_served(existing):
            self._create(change, wanted, existing.anonymous, self._container.remove(change, existing, []))
        elif change.action is Action.REPLACE:
            if starts_first(wanted) and not exclusive_claim(wanted):
                self._start_first(change, wanted, existing)
            else:
                self._stop_first(change, wanted, existing)
        else:
            self._update_in_place(change, wanted, existing)

    # Recipes ---------------------------------------------------------------------------------------------------

    def _create(
        self, change: Change, wanted: Resource, anonymous: Mapping[str, str] = _NOTHING, after: int | None = None
    ) -> None:
        # One whose post_start commands have not run yet has not taken its place, nor has one whose name another has.
        held = self._names.get(wanted.name, change.address) != change.address
        name = wanted.name + NEXT if wanted.spec[POST_START] or held else wanted.name
        made = self._make(change, wanted, name, anonymous, needs=[after])
        needs = [made, *self._attachments.connected(change, wanted, made)]
        needs += self._pre_start.run(change, wanted, needs, before=made)
        self._start(change, wanted, made, needs, rename=name != wanted.name)

    def _stop_first(self, change: Change, wanted: Resource, existing: Observed) -> None:
        """Create beside it, then stop it, set it aside, start: a failed creation never costs the running one."""
        made = self._make(
            change,
            wanted,
            wanted.name + NEXT,
            existing.anonymous,
            needs=self._container.free_next_name(change, existing),
        )
        gate = [made, *self._attachments.connected(change, wanted, made), *self._waits.conditions(wanted)]
        gate += self._waits.batch_gate(change)
        gate += self._pre_start.run(change, wanted, gate, before=made)
        if self._keeps(change, wanted):
            stopped = self._container.keep_stopped(
                change, existing, [*gate, *self._container.stop(change, existing, gate)]
            )
            gone = self._container.rename_to_previous(change, existing, stopped)
            self._previous[change.address] = (change, existing, gone)
        else:
            gone = self._container.remove(change, existing, gate)
        self._start(change, wanted, made, [*gate, gone], rename=True)

    def _start_first(self, change: Change, wanted: Resource, existing: Observed) -> None:
        """The new one proves itself beside the old one, which goes on serving until then.

        Until it is ready nobody finds it: it has no alias on its networks. While it is watched both serve.
        """
        needs = self._container.free_next_name(change, existing)
        made = self._make(change, wanted, wanted.name + NEXT, existing.anonymous, aliases=False, needs=needs)
        connected = self._attachments.connected(change, wanted, made, aliases=False)
        gate = [made, *connected, *self._waits.batch_gate(change)]
        gate += self._pre_start.run(change, wanted, gate, before=made)
        ready = self._started(change, wanted, made, gate)
        attached = self._attachments.add_aliases(change, wanted, made, ready)
        self._waits.attached(change, attached[-1], existing)
        last_wait = self._waits.watched(change, wanted, attached, made_by=made)
        self._waits.monitored.setdefault(change.address.whole, []).append(last_wait)
        if self._keeps(change, wanted):
            previous = self._container.rename_to_previous(change, existing, [last_wait])
            renamed = self._container.rename(change, wanted.name, [previous], made_by=made)
            stopped = self._container.keep_stopped(
                change, existing, [renamed, *self._container.stop(change, existing, [renamed])]
            )
            self._previous[change.address] = (change, existing, stopped[-1])
            self._waits.away[last_wait] = stopped[-1]
        else:
            self._waits.away[last_wait] = self._container.remove(change, existing, [last_wait])
            self._container.rename(change, wanted.name, [self._waits.away[last_wait]], made_by=made)

    def _keeps(self, change: Change, wanted: Resource) -> bool:
        """Whether what is replaced is kept for a way back. Where something waits aside already, that is the way."""
        return rolls_back(wanted) and change.address not in self._previous

    def _update_in_place(self, change: Change, wanted: Resource, existing: Observed) -> None:
        """Differences that a live container can take: limits, networks, its state, its name."""
        steps, address = self._steps, change.address
        done: list[int] = []
        paths = tuple(d.path for d in change.differences if d.path.partition(".")[0] not in _RESOURCE_FIELDS_SEPARATELY)
        if paths:
            done.append(steps.add(UpdateContainer(paths), address, change.reason, object_id=existing.id))
        hooks, renamed = bool(wanted.spec[POST_START]), any(d.impact is Impact.METADATA for d in change.differences)
        if renamed and not hooks:
            done.append(self._container.rename(change, wanted.name, [], object_id=existing.id))
        done += self._attachments.renewed(change, wanted, existing)
        status = existing.runtime.status if existing.runtime else ""
        joins = any(d.path in LOST_PATHS for d in change.differences)
        if status == "paused":
            done.append(steps.add(Unpause(), address, change.reason, object_id=existing.id))
        if not existing.is_up:
            if hooks:
                done += self._rename_to_next(change, wanted, existing)
            if status == "created":
                done += self._pre_start.run(change, wanted, done, before_id=existing.id)
            self._start(change, wanted, None, done, object_id=existing.id, rename=hooks)
            return
        if joins or not (change.differences or done):
            gate = [*done, *self._waits.conditions(wanted)]
            gate = run_hooks(steps, change, PRE_STOP, existing.spec, gate, object_id=existing.id)
            if hooks:
                gate += self._rename_to_next(change, wanted, existing, gate)
            done.append(steps.add(Restart(), address, change.reason, needs=gate, object_id=existing.id))
            renamed = hooks
        if renamed and hooks:
            done = run_hooks(steps, change, POST_START, wanted.spec, done, object_id=existing.id)
            done.append(self._container.rename(change, wanted.name, done, object_id=existing.id))
        if done:
            steps.started[address] = done[-1]
        self._waits.monitored.setdefault(address.whole, []).append(self._recovered(change, done))

    def _rename_to_next(
        self, change: Change, wanted: Resource, existing: Observed, needs: Iterable[int | None] = ()
    ) -> list[int]:
        """Take a container's name until its post_start commands have run: a killed apply leaves it so."""
        if existing.name.endswith((NEXT, PREVIOUS)):
            return []
        dropped = self._drop_leftover(change) if self._replaces_leftover(change) else None
        return [self._container.rename(change, wanted.name + NEXT, [*needs, dropped], object_id=existing.id)]

    # Parts of recipes ------------------------------------------------------------------------------------------

    def _make(
        self,
        change: Change,
        wanted: Resource,
        name: str,
        anonymous: Mapping[str, str],
        *,
        aliases: bool = True,
        needs: Iterable[int | None] = (),
    ) -> int:
        """Create the container under `name`, once everything it is made of is there."""
        needs = [*needs, *(self._steps.made.get(need.address) for need in wanted.needs)]
        if self._replaces_leftover(change):
            needs.append(self._drop_leftover(change))
        needs += self._fills.fill(change, wanted, needs)
        hosts = [n.address for n in wanted.needs if n.condition and shares(wanted, n.address.name)]
        needs += [self._steps.made.get(address) for address in hosts]
        made = self._steps.add(
            CreateContainer(name, dict(anonymous), aliases), change.address, change.reason, needs=needs
        )
        self._steps.made[change.address] = made
        return made

    def _replaces_leftover(self, change: Change) -> bool:
        return any(o.address == change.address and o.name.endswith(NEXT) for o in self._observed.leftovers)

    def _drop_leftover(self, change: Change) -> int:
        """What an interrupted apply left under the name that this replacement needs."""
        leftover = next(o for o in self._observed.leftovers if o.address == change.address and o.name.endswith(NEXT))
        return self._container.remove(replace(change, reason=LEFT_BEHIND), leftover, [])

    def _start(
        self,
        change: Change,
        wanted: Resource,
        made: int | None,
        needs: Iterable[int | None],
        *,
        object_id: str = "",
        rename: bool = False,
    ) -> None:
        """Start it when its dependencies allow, give it its name, and wait until it is ready, and proven."""
        ready = self._started(change, wanted, made, needs, object_id=object_id, rename=rename)
        if change.action is Action.REPLACE or change.address in self._previous:
            ready = self._waits.watched(change, wanted, [ready], made_by=made, object_id=object_id)
        self._waits.monitored.setdefault(change.address.whole, []).append(ready)

    def _started(
        self,
        change: Change,
        wanted: Resource,
        made: int | None,
        needs: Iterable[int | None],
        *,
        object_id: str = "",
        rename: bool = False,
    ) -> int:
        """Start it and wait until it is ready. Its name is its own only after its post_start commands."""
        steps, hooks = self._steps, wanted.spec[POST_START]
        gate = list(needs)
        if rename and not hooks:
            gate = [self._container.rename(change, wanted.name, gate, made_by=made, object_id=object_id)]
        started = steps.add(
            Start(), change.address, change.reason, needs=[*gate, *self._waits.conditions(wanted)],
            made_by=made, object_id=object_id,
        )  # fmt: skip
        ran = run_hooks(steps, change, POST_START, wanted.spec, [started], made_by=made, object_id=object_id)
        if rename and hooks:
            ran = [self._container.rename(change, wanted.name, ran, made_by=made, object_id=object_id)]
        steps.started[change.address] = ran[-1]
        return self._waits.until_ready(change, wanted, ran, made_by=made, object_id=object_id)

    def _recovered(self, change: Change, needs: Sequence[int]) -> int:
        """Wait for a container that went on running; the step after which it is proven."""
        wanted, existing = change.desired, change.observed
        assert wanted is not None
        assert existing is not None
        ready = self._waits.until_recovered(change, wanted, needs, existing)
        if change.address not in self._previous:
            return ready
        return self._waits.watched(change, wanted, [ready], object_id=existing.id)
