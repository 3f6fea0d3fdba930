"""External objects that another environment makes before a plan is carried out. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.model.state import Observed

if TYPE_CHECKING:
    from collections.abc import Set

    from provisioner.model.state import DesiredState, ObservedState, Resource


def missing_externals(observed: ObservedState, desired: DesiredState) -> tuple[Resource, ...]:
    """The external objects that are not on the engine."""
    return tuple(
        wanted for address, wanted in desired.resources.items() if wanted.external and address not in observed.resources
    )


def assume_present(observed: ObservedState, desired: DesiredState, expected: Set[tuple[str, str]]) -> ObservedState:
    """The observation as it will be once the `expected` objects (kind and name) are there."""
    assumed = {
        wanted.address: Observed(wanted.address, wanted.kind, "", wanted.name, wanted.spec)
        for wanted in missing_externals(observed, desired)
        if (wanted.kind, wanted.name) in expected
    }
    return replace(observed, resources={**observed.resources, **assumed}) if assumed else observed
