"""`create`: what is not there of services is made, and not started."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.intentions import with_kept_scale
from provisioner.app.load import load_playbook
from provisioner.app.owned import require_services
from provisioner.app.part import carry_out_part
from provisioner.app.plan import prepare
from provisioner.app.secret_inputs import persist_new_values
from provisioner.app.wiring import open_engine
from provisioner.errors import Unsafe
from provisioner.ledger.records import intention, read_ledger, record_intentions
from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.plan import Policy, Verb
from provisioner.platforms.choice import choose_mode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.model.plan import Step
    from provisioner.ports import EngineWriter, Interrupt, Listener

_SHARED = ("network", "volume", "config", "secret")
_MAKES = (Verb.PULL, Verb.BUILD, Verb.TAG, Verb.FILL, Verb.CREATE, Verb.CONNECT, Verb.RENAME)


def create(
    request: Request, services: Sequence[str], scale: Mapping[str, int], *, listener: Listener, interrupt: Interrupt
) -> list[str]:
    """Make the containers of the named services, or of all, that are not there, and what they need; start none.

    On a Swarm a service without tasks. They count as stopped on purpose, until `start` or an apply. The services that
    were made. Unsafe where a plan is refused.
    """
    targets = tuple(Address("service", name) for name in services)
    playbook = load_playbook(request, targets=targets, scale=scale, feasible=True)
    require_services(playbook, services)
    engine = open_engine(request, playbook.engine)
    manager = engine.facts().swarm_manager
    policy = Policy(targets=targets, scaled=frozenset(scale))
    if choose_mode(playbook, swarm_manager=manager) == "swarm":
        playbook = with_kept_scale(playbook, read_ledger(engine, playbook.project), scale)
        there = {address.name for address in prepare(request, playbook, engine, policy).plan.observed.resources}
        absent = {name: one for name, one in playbook.services.items() if name not in there and one.job is None}
        still = {name: replace(one, replicas=0) for name, one in absent.items()}
        playbook = replace(playbook, services={**playbook.services, **still})
        policy = replace(policy, scaled=frozenset({*scale, *absent}))
    prepared = prepare(request, playbook, engine, policy)
    if prepared.plan.refusals:
        raise Unsafe("\n".join(str(problem) for problem in prepared.plan.refusals))
    if prepared.materials.unsettled:
        persist_new_values(request, playbook, prepared.materials)
        prepared = prepare(request, playbook, engine, policy)
    made = {c.address for c in prepared.plan.details if c.address.kind == "service" and c.action is Action.CREATE}
    observed = prepared.plan.observed.resources

    def wanted(step: Step) -> bool:
        if step.address.kind == "service":
            return step.verb in _MAKES and (step.address in made or step.address.whole in {a.whole for a in made})
        if step.kind in _SHARED:
            is_new = step.kind in ("config", "secret") or step.address not in observed
            return step.verb is Verb.CREATE and is_new
        return step.verb in _MAKES

    def keep(writer: EngineWriter) -> None:
        known = read_ledger(writer, playbook.project).intentions
        kept = known.with_stopped(sorted({address.name for address in made}), intention())
        record_intentions(writer, playbook.project, prepared.mode, kept)

    carry_out_part(prepared, wanted, engine, listener, interrupt, keep)
    return sorted({address.name for address in made})
