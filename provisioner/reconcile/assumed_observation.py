"""A desired state as if an engine had it: so the one diff compares what was applied with what was applied before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.compare import declared_fields
from provisioner.kinds.tables import FIELDS_OF
from provisioner.model.state import Facts, ImageFacts, Observed, ObservedState

if TYPE_CHECKING:
    from provisioner.model.state import DesiredState, Resource


def assumed_observation(desired: DesiredState) -> ObservedState:
    """Every object of the state, as it would be seen right after it was made."""
    return ObservedState(Facts(), {address: _seen(resource) for address, resource in desired.resources.items()})


def _seen(resource: Resource) -> Observed:
    spec = resource.spec
    made_from = None
    if resource.kind == "container":
        # An image of which nothing is known but what it runs on: both sides are compared as they are declared.
        made_from = ImageFacts(id="", platform=spec["platform"] or "")
    return Observed(
        address=resource.address,
        kind=resource.kind,
        id=resource.name,
        name=resource.name,
        spec=spec,
        image=made_from,
        protected=resource.protect,
        declared=frozenset(declared_fields(FIELDS_OF[resource.kind], spec)),
    )
