"""`apply` of what the command line names. The engine answers while the rest of it is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.begin import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.app.apply import ApplyResult, ApprovedPlan
    from provisioner.app.external_inputs import Collect
    from provisioner.app.request import Request
    from provisioner.model.plan import Plan, Policy
    from provisioner.ports import Interrupt, Listener


def apply(
    request: Request,
    policy: Policy,
    scale: Mapping[str, int],
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    verify: bool,
    interrupt: Interrupt,
    saved: ApprovedPlan | None = None,
    gathering: Collect | None = None,
) -> ApplyResult:
    """Plan, ask, carry out, look again, verify. Nothing is written to the engine when nothing differs.

    PlanStale when `saved` is not the plan of now.
    """
    targets = () if policy.alone else policy.targets
    playbook, engine = begin(request, targets=targets, scale=scale, feasible=not policy.alone)
    from provisioner.app.apply import apply_playbook
    from provisioner.app.external_inputs import collect_inputs

    policy = replace(policy, scaled=frozenset(scale))
    return apply_playbook(
        request, playbook, engine, policy, approve=approve, listener=listener, verify=verify, interrupt=interrupt,
        saved=saved, gathering=gathering or collect_inputs,
    )  # fmt: skip
