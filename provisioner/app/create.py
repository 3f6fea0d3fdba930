"""`create`: what is not there of services is made, and not started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from provisioner.app.part import carry_out_part
from provisioner.app.plan import prepare
from provisioner.app.secret_inputs import persist_new_values
from provisioner.app.swarm_acts import at_rest
from provisioner.app.up import make_ready
from provisioner.errors import Unsafe
from provisioner.ledger.records import intention, read_ledger, record_intentions
from provisioner.model.change import Action
from provisioner.model.operation import Connect, CreateContainer, CreateService, Rename
from provisioner.model.plan import Policy, Verb

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from provisioner.app.request import Request
    from provisioner.app.up import UpOptions
    from provisioner.model.address import Address
    from provisioner.model.plan import Plan, Step
    from provisioner.ports import EngineWriter, Interrupt, Listener

_SHARED = ("network", "volume", "config", "secret")
_BRINGS = (Verb.PULL, Verb.BUILD, Verb.PUSH, Verb.TAG, Verb.FILL)


def create(
    request: Request, options: UpOptions, scale: Mapping[str, int], *, listener: Listener, interrupt: Interrupt
) -> list[str]:
    """Make the containers of the named services, or of all, that are not there, and what they need; start none.

    On a Swarm services without tasks, and no jobs, which would run at once. They count as stopped on purpose, until
    `start` or an apply. The services that were made. Unsafe where a plan is refused.
    """
    ready = make_ready(request, Policy(), scale, options, listener=listener, interrupt=interrupt)
    request, playbook, engine, policy = ready.request, ready.playbook, ready.engine, ready.policy
    prepared = prepare(request, playbook, engine, policy)
    if prepared.plan.refusals:
        raise Unsafe("\n".join(str(problem) for problem in prepared.plan.refusals))
    if prepared.materials.needs_persisting:
        persist_new_values(request, playbook, prepared.materials)
        prepared = prepare(request, playbook, engine, policy)
    jobs = {
        name
        for name, service in playbook.services.items()
        if service.job is not None and prepared.platform.starts_what_is_made
    }
    made = {
        change.address
        for change in prepared.plan.details
        if change.address.kind == "service" and change.action is Action.CREATE and change.address.name not in jobs
    }
    names = sorted({address.name for address in made})
    wanted = _makes(prepared.plan, made)
    options.images.require_allowed(step for step in prepared.plan.steps if step.id in wanted)

    def keep(writer: EngineWriter) -> None:
        known = read_ledger(writer, playbook.project).intentions
        record_intentions(writer, playbook.project, prepared.platform.mode, known.with_stopped(names, intention()))

    maker = cast("EngineWriter", _AtRest(engine))
    carry_out_part(prepared, lambda step: step.id in wanted, maker, listener, interrupt, keep)
    return names


def _makes(plan: Plan, made: Collection[Address]) -> set[int]:
    """The ids of the steps that make the containers or services at these addresses, and what is new of what they need.

    Commands before a start and waits are left out: nothing is started.
    """
    by_id = {step.id: step for step in plan.steps}
    own = {
        step.id
        for step in plan.steps
        if isinstance(step.operation, CreateContainer | CreateService) and step.address in made
    }
    own |= {
        step.id for step in plan.steps if step.made_by in own and isinstance(step.operation, Connect | Rename)
    }  # fmt: skip
    needed: set[int] = set()
    pending = list(own)
    while pending:
        step = by_id[pending.pop()]
        further = {*step.needs, *step.after} - needed
        needed |= further
        pending += further
    return own | {step_id for step_id in needed if _is_new(by_id[step_id], plan)}


def _is_new(step: Step, plan: Plan) -> bool:
    if step.verb in _BRINGS:
        return True
    # A further version of a config or secret stands beside the one before it.
    absent = step.kind in ("config", "secret") or step.address not in plan.observed.resources
    return step.verb is Verb.CREATE and step.kind in _SHARED and absent


class _AtRest:
    """An engine whose new Swarm services run nowhere. A container that is made does not run by itself."""

    def __init__(self, engine: EngineWriter) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def create(self, kind: str, name: str, body: Mapping[str, Any]) -> str:
        return self._engine.create(kind, name, at_rest(body) if kind == "service" else body)
