"""Which steps a run that stops early still has to make, so that what it took away is given back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Action
from provisioner.model.operation import Stage, stage_of
from provisioner.model.plan import Verb
from provisioner.reconcile.update_policy import rolls_back

if TYPE_CHECKING:
    from collections.abc import Collection

    from provisioner.model.plan import Plan, Step

_TAKES = (Verb.STOP, Verb.DISCONNECT, Verb.REMOVE)
# What brings a container back into service once its steps before are done.
_GIVES = (Verb.UPDATE, Verb.CONNECT, Verb.START, Verb.RENAME, Verb.EXECUTE)


def steps_to_finish(plan: Plan, done: Collection[int]) -> frozenset[int]:
    """The ids of the steps that are still made, given those that are done.

    A container that was stopped, removed or taken off a network gets its successor or its network, a network that
    was removed is made anew, and a port that a service of a Swarm gave up gets to the one that is to have it, each with
    what that needs. Not those of a replacement that goes back: its way back is a
    plan of its own (`rollback_plan`). What is deleted stays away.
    """
    by_id = {step.id: step for step in plan.steps}
    actions = {change.address: change.action for change in plan.details}
    wanted: set[int] = set()
    taken = [by_id[identity] for identity in done if _takes(by_id[identity])]
    while taken:
        step = taken.pop()
        for other in _given_back(step, plan, actions.get(step.address)):
            pending = [other.id]
            while pending:
                identity = pending.pop()
                if identity in wanted or identity in done:
                    continue
                wanted.add(identity)
                pending += [*by_id[identity].needs, *by_id[identity].after]
                if _takes(by_id[identity]):
                    taken.append(by_id[identity])
    return frozenset(wanted)


def _takes(step: Step) -> bool:
    """Whether a step takes something out of service: of a container or a service that exists already, or a network."""
    if step.kind == "service":
        return step.verb is Verb.REMOVE or _stage(step).yields
    return step.verb in _TAKES and step.made_by is None and step.kind in ("container", "network")


def _given_back(step: Step, plan: Plan, action: Action | None) -> list[Step]:
    """The steps that bring back what `step` took away."""
    if step.kind == "service":
        return [one for one in plan.steps if _stage(one).takes and step.id in one.needs]
    if action is Action.DELETE or action is None:
        return []
    own = [one for one in plan.steps if one.address == step.address and one.kind == step.kind]
    if step.kind == "network":
        return [one for one in own if one.verb is Verb.CREATE]
    wanted = plan.desired.resources.get(step.address)
    if wanted is None or (action is Action.REPLACE and rolls_back(wanted)):
        return []
    return [one for one in own if one.verb in _GIVES]


def _stage(step: Step) -> Stage:
    """The stage in which ports pass that a step is; one in which none do, for all others."""
    return stage_of(step.operation) or Stage({})
