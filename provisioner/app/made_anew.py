"""`apply --replace ADDRESS`, `--rerun ADDRESS`: services that are made anew though nothing of them differs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.errors import UsageError
from provisioner.model.change import Action, FieldChange, Impact
from provisioner.reconcile.diff import diff

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.plan import Policy
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import DesiredState, ObservedState

# No image has this name, so that every container differs from what has it.
_NO_IMAGE = ""


def diff_anew(
    desired: DesiredState, observed: ObservedState, applied: DesiredState | None, policy: Policy
) -> tuple[Change, ...]:
    """The changes, with those that make anew what the policy names, and what follows from them for others."""
    asked = {
        address for address, seen in observed.resources.items()
        if seen.kind in ("container", "service") and _is_named(address, (*policy.made_anew, *policy.rerun))
    }  # fmt: skip
    if not asked:
        return diff(desired, observed, applied)
    plain = {change.address: change for change in diff(desired, observed, applied)}
    others = {
        address: replace(seen, spec={**seen.spec, "image": _NO_IMAGE}) if address in asked else seen
        for address, seen in observed.resources.items()
    }
    changes = diff(desired, replace(observed, resources=others), applied)
    return tuple(_as_asked(change, plain) if change.address in asked else change for change in changes)


def anew_alone(changes: tuple[Change, ...], policy: Policy) -> tuple[Change, ...]:
    """Changes of objects by themselves, with those made anew that the policy names; nothing follows for others."""
    return tuple(
        _replaced_on_request(change)
        if change.observed is not None
        and change.observed.kind in ("container", "service")
        and _is_named(change.address, (*policy.made_anew, *policy.rerun))
        else change
        for change in changes
    )


def _is_named(address: Address, named: Collection[Address]) -> bool:
    return address in named or address.whole in named


def _as_asked(change: Change, plain: Mapping[Address, Change]) -> Change:
    """The change without the difference that was made up: with its own ones, and that it was asked for."""
    return _replaced_on_request(plain[change.address])


def _replaced_on_request(own: Change) -> Change:
    if own.observed is None or own.desired is None or own.action in (Action.CREATE, Action.DELETE, Action.REPLACE):
        return own
    in_place = own.observed.kind == "service"
    asked = FieldChange("state", "as it is", "made anew", Impact.IN_PLACE if in_place else Impact.REPLACE)
    reason = "; ".join(filter(None, (own.reason, "it is asked for")))
    return replace(
        own,
        action=Action.UPDATE if in_place else Action.REPLACE,
        reason=reason,
        differences=(*own.differences, asked),
        drift=False,
    )


def require_services_and_jobs(playbook: Playbook, policy: Policy) -> None:
    """UsageError for something to be made anew that is no service, or to be run again that is no job."""
    for option, addresses in (("--replace", policy.made_anew), ("--rerun", policy.rerun)):
        for address in addresses:
            if address.kind != "service" or address.name not in playbook.services:
                known = ", ".join(sorted(playbook.services))
                raise UsageError(f"{option} {address}: it is no service", hint=f"there are: {known}")
    for address in policy.rerun:
        if playbook.services[address.name].job is None:
            raise UsageError(
                f"--rerun {address}: it is no job of the playbook",
                hint="`job: {run: once}` makes a service one; --replace makes a service anew",
            )
