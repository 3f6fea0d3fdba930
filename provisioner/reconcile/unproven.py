"""What a rollout left unproven that failed or was interrupted, from the results of its steps. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.plan import Verb
from provisioner.model.report import Outcome
from provisioner.reconcile.finished import has_finished
from provisioner.reconcile.update_policy import max_failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address
    from provisioner.model.plan import Plan
    from provisioner.model.report import StepResult
    from provisioner.model.state import Observed, Resource


def unproven_services(failed: Plan, results: Sequence[StepResult]) -> set[Address]:
    """The services of which a replica is not proven."""
    # What was made for a replica, and did not get to its end, has not taken its place.
    ended = {
        r.step.address.whole
        for r in results
        if (r.step.verb is Verb.WAIT or r.step.made_by is not None)
        and r.step.kind != "files"
        and r.outcome is not Outcome.DONE
    }
    declared = {address.whole for address, resource in failed.desired.resources.items() if resource.kind == "container"}
    return (ended & declared) - tolerated_services(failed, results)


def tolerated_services(failed: Plan, results: Sequence[StepResult]) -> set[Address]:
    """The services of which no more replicas failed than may, and whose others got to their end: nothing is left of
    what they were.
    """
    allowed = max_failures(failed.details)
    broken: dict[Address, set[Address]] = {}
    for result in results:
        if result.outcome is Outcome.FAILED:
            broken.setdefault(result.step.address.whole, set()).add(result.step.address)
    ended = {address for replicas in broken.values() for address in replicas}
    begun = {r.step.address.whole for r in results if r.outcome is Outcome.SKIPPED and r.step.address not in ended}
    return {
        whole for whole, replicas in broken.items() if whole not in begun and len(replicas) <= allowed.get(whole, 0)
    }


def had_finished(before: Observed | None, old: Observed, wanted: Resource) -> bool:
    """Whether a previous container had done what it is for before it was stopped."""
    if before is None or before.id != old.id or before.runtime is None:
        return False
    return has_finished(before.runtime, wanted.may_finish, exposes=bool(before.container_spec["expose"]))
