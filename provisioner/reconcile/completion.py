"""Which steps a run that stops early still has to make, so that what it took away is given back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Action
from provisioner.model.operation import Fill, FillPart, Stage, stage_of
from provisioner.model.plan import Verb
from provisioner.reconcile.handover import find_handovers
from provisioner.reconcile.together import TAKES, bound_together
from provisioner.reconcile.update_policy import shares

if TYPE_CHECKING:
    from collections.abc import Collection

    from provisioner.model.address import Address
    from provisioner.model.plan import Plan, Step
    from provisioner.reconcile.together import Together

# What brings a container back into service once its steps before are done.
_GIVES = (Verb.UPDATE, Verb.CONNECT, Verb.START, Verb.RENAME, Verb.EXECUTE)


def steps_to_finish(plan: Plan, done: Collection[int], lost: Collection[int] = ()) -> frozenset[int]:
    """The ids of the steps that are still made, given those that are `done`, and those that failed or were skipped.

    A container that was stopped, removed or taken off a network gets its successor or its network, a network that
    was removed is made anew, a port that a service of a Swarm gave up gets to the one that is to have it, and what
    carries files into a volume is removed, each with what that needs. Not those of a replacement that can go back, nor
    of one that needs what is `lost`: the way back is a plan of its own (`rollback_plan`). What is deleted stays away.
    """
    pairs = find_handovers(plan.steps, plan.desired, plan.observed)
    return _Completion(plan, done, lost, bound_together(plan.desired, plan.observed, plan.steps, pairs)).run()


class _Completion:
    def __init__(self, plan: Plan, done: Collection[int], lost: Collection[int], together: Together) -> None:
        self._plan = plan
        self._done = done
        self._together = together
        self._steps = {step.id: step for step in plan.steps}
        self._actions = {change.address: change.action for change in plan.details}
        self._out_of_reach = set(lost)
        for step in plan.steps:
            if not self._out_of_reach.isdisjoint(step.needs):
                self._out_of_reach.add(step.id)

    def run(self) -> frozenset[int]:
        wanted: frozenset[int] = frozenset()
        # What is made to finish one service can keep another from going back.
        while more := self._steps_to_finish(self._together.able({*self._done, *wanted})) - wanted:
            wanted |= more
        return wanted

    def _steps_to_finish(self, able: Collection[Address]) -> set[int]:
        """The steps to finish, where the services that are `able` to go back do so."""
        wanted: set[int] = set()
        taken = [self._steps[identity] for identity in self._done if _takes(self._steps[identity])]
        while taken:
            pending = self._given_back(taken.pop(), able)
            while pending:
                identity = pending.pop()
                if identity in wanted or identity in self._done:
                    continue
                wanted.add(identity)
                pending += [*self._steps[identity].needs, *self._steps[identity].after]
                if _takes(self._steps[identity]):
                    taken.append(self._steps[identity])
        return wanted

    def _given_back(self, step: Step, able: Collection[Address]) -> list[int]:
        """The steps that bring back what `step` took away: from those who live in a container that stops as well."""
        steps = self._plan.steps
        if step.kind == "files":
            return [other.id for other in steps if other.made_by == step.id]
        if step.kind == "service":
            return [other.id for other in steps if _stage(other).takes and step.id in other.needs]
        if step.kind == "network":
            gone = self._actions.get(step.address) in (None, Action.DELETE)
            return [
                other.id for other in steps if other.address == step.address and other.verb is Verb.CREATE and not gone
            ]
        guests: set[Address] = set()
        if step.verb is not Verb.DISCONNECT:
            observed = self._plan.observed.resources.items()
            guests = {a for a, seen in observed if seen.kind == "container" and shares(seen, step.address.name)}
        addresses = {address for address in guests if address.whole not in able}
        returns = step.address.whole in self._together.returning.intersection(able)
        if self._actions.get(step.address) is not Action.REPLACE or not returns:
            addresses.add(step.address)
        return [step_id for address in addresses for step_id in self._successor(address)]

    def _successor(self, address: Address) -> list[int]:
        """The steps with which a container comes back into service as it is declared, if they can be made."""
        if self._actions.get(address) in (None, Action.DELETE) or address not in self._plan.desired.resources:
            return []
        own = [step for step in self._plan.steps if step.address == address and step.kind == "container"]
        if any(step.verb is Verb.START and step.id in self._out_of_reach for step in own):
            return []
        return [step.id for step in own if step.verb in _GIVES]


def _takes(step: Step) -> bool:
    """Whether a step takes something out of service: of a container or a service that exists already, or a network. Or
    makes what is not to stay."""
    if step.kind == "service":
        return step.verb is Verb.REMOVE or _stage(step).yields
    if isinstance(step.operation, Fill):
        return step.operation.part is FillPart.CREATE_CARRIER
    return step.verb in TAKES and step.made_by is None and step.kind in ("container", "network")


def _stage(step: Step) -> Stage:
    """The stage in which ports pass that a step is; one in which none do, for all others."""
    return stage_of(step.operation) or Stage({})
