"""What the tags that a plan takes from registries are now, so that what was approved is what is run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.service import pinned
from provisioner.model.change import Action
from provisioner.model.plan import Verb

if TYPE_CHECKING:
    from provisioner.model.change import Change
    from provisioner.model.plan import Plan
    from provisioner.model.state import Resource


def taken_from_registries(plan: Plan) -> dict[str, str]:
    """Every reference without a digest that the plan pulls, or gives a service of a Swarm anew. Each with the digest
    that is declared for it already (`pull_policy`), or with an empty text.
    """
    pulled = [plan.desired.resources.get(step.address) for step in plan.steps if step.verb is Verb.PULL]
    wanted = [(resource.name, resource) for resource in pulled if resource is not None]
    if plan.steps:
        wanted += [
            (str(resource.workload_spec["image"]), resource)
            for resource in map(_given_anew, plan.details)
            if resource is not None
        ]
    return {reference: str(resource.spec.get("digest") or "") for reference, resource in wanted if "@" not in reference}


def _given_anew(change: Change) -> Resource | None:
    """The service of a Swarm whose image is looked up: not one that was built here, nor one that keeps its own."""
    wanted, existing = change.desired, change.observed
    if wanted is None or wanted.kind != "service" or change.action in (Action.UNCHANGED, Action.DELETE):
        return None
    before = pinned({"Spec": existing.base}) if existing is not None and existing.base else ""
    keeps = "@" in before and before.partition("@")[0] == wanted.service_spec["image"] and not wanted.spec.get("digest")
    return None if wanted.spec.get("build") or keeps else wanted
