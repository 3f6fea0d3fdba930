"""The plan of what the command line names. The engine answers while the rest of what makes it is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.begin import begin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request
    from provisioner.model.plan import Plan, Policy


def make_plan(request: Request, policy: Policy, scale: Mapping[str, int], *, output: Path | None = None) -> Plan:
    """The plan for a request, against the live engine; `output` keeps it in a file, unless it would be refused."""
    prepared = prepared_plan(request, policy, scale)
    from provisioner.app.approved_digest import digest_text

    if output is not None and not prepared.plan.refusals:
        from provisioner.app.saved_plan import save

        save(output, request, policy, scale, prepared)
    return replace(prepared.plan, digest=digest_text(prepared))


def prepared_plan(request: Request, policy: Policy, scale: Mapping[str, int]) -> Prepared:
    """The plan of now with all that it was made from. `scale`: replicas in the place of those declared, by service.

    PlaybookInvalid for an invalid playbook.
    """
    playbook, engine = begin(request, targets=policy.targets, scale=scale, feasible=True)
    from provisioner.app.plan import prepare

    return prepare(request, playbook, engine, replace(policy, scaled=frozenset(scale)))
