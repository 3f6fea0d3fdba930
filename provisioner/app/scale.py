"""`scale`: other numbers of replicas, kept until the file says another one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.apply import apply_playbook
from provisioner.app.load import load_playbook
from provisioner.app.losses import without_losses
from provisioner.app.platform import choose_platform
from provisioner.app.wiring import held_lease, open_engine
from provisioner.ledger.records import intention, read_ledger, record_intentions
from provisioner.model.address import Address
from provisioner.playbook.services import declared_replicas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.app.apply import ApplyResult
    from provisioner.app.request import Request
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.ports import EngineWriter, Interrupt, Listener


def scale(
    request: Request,
    policy: Policy,
    replicas: Mapping[str, int],
    *,
    dependencies: bool,
    approve: Callable[[Plan], bool],
    listener: Listener,
    interrupt: Interrupt,
) -> ApplyResult:
    """Apply the named services with so many replicas, and keep the numbers for the plans that follow.

    With `dependencies` what they need is brought to what is declared too. UsageError for a service that can not have
    so many.
    """
    targets = tuple(Address("service", name) for name in replicas)
    playbook = load_playbook(
        request, targets=targets if dependencies else (), scale=replicas, feasible=dependencies
    )  # fmt: skip
    engine = open_engine(request, playbook.engine)
    permitted = replace(policy, targets=targets, alone=not dependencies, scaled=frozenset(replicas))
    result = apply_playbook(
        request, playbook, engine, permitted, approve=lambda plan: approve(plan) and without_losses(plan),
        listener=listener, verify=False, interrupt=interrupt,
    )  # fmt: skip
    if result.exit_code == 0:
        _keep(engine, playbook, replicas, listener)
    return result


def _keep(engine: EngineWriter, playbook: Playbook, replicas: Mapping[str, int], listener: Listener) -> None:
    known = read_ledger(engine, playbook.project).intentions
    scaled = {
        name: known.scaled[name]
        if name in known.scaled and known.scaled[name].replicas == number
        else intention(number, declared_replicas(playbook.services[name]))
        for name, number in replicas.items()
    }
    kept = known.with_scaled(scaled)
    if kept.same(known):
        return
    platform = choose_platform(playbook, engine)
    with held_lease(engine, playbook.project, platform, listener):
        record_intentions(engine, playbook.project, platform.mode, kept)
