"""`up`: an apply as Compose users expect one. It does not ask, and refuses what would lose data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from provisioner.app.apply import apply_playbook
from provisioner.app.build import build
from provisioner.app.grace import WithGrace
from provisioner.app.load import load_document, load_playbook
from provisioner.app.losses import without_losses
from provisioner.app.owned import require_services
from provisioner.app.pull import pull
from provisioner.app.wiring import open_engine
from provisioner.errors import ProvisionError, UsageError
from provisioner.model.address import Address
from provisioner.model.plan import Verb
from provisioner.platforms.choice import choose_mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.app.apply import ApplyResult
    from provisioner.app.request import Request
    from provisioner.model.plan import Plan, Policy
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineWriter, Interrupt, Listener


@dataclass(frozen=True, slots=True)
class UpManner:
    """What `up` is asked beside a policy. `grace` is the time (seconds) before what is replaced is killed.

    `build` builds what is built first, `pull` pulls what is pulled; `recreate` makes everything anew, and with it
    nothing is left as it is. Nothing is done where an image would have to be built with `never_build`, or pulled with
    `never_pull`.
    """

    services: tuple[str, ...] = ()
    alone: bool = False
    build: bool = False
    pull: bool = False
    recreate: bool = False
    grace: float | None = None
    verify: bool = True
    never_build: bool = False
    never_pull: bool = False


def up(
    request: Request,
    policy: Policy,
    scale: Mapping[str, int],
    manner: UpManner,
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    interrupt: Interrupt,
) -> ApplyResult:
    """Apply the whole playbook, or the named services with what they need. Unsafe where data would be lost.

    ProvisionError where an image can not be built or pulled: nothing else is done then.
    """
    if manner.services and load_document(request).inactive & set(manner.services):
        request = replace(request, profiles=("*",))
    targets = tuple(Address("service", name) for name in manner.services)
    playbook = load_playbook(request, targets=() if manner.alone else targets, scale=scale, feasible=not manner.alone)
    require_services(playbook, manner.services)
    engine: EngineWriter = open_engine(request, playbook.engine)
    if manner.grace is not None or manner.never_pull:
        _require_no_swarm(manner, choose_mode(playbook, swarm_manager=engine.facts().swarm_manager))
    if manner.grace is not None:
        engine = cast("EngineWriter", WithGrace(engine, manner.grace))
    names = manner.services or tuple(playbook.services)
    if manner.pull:
        _require(pull(request, names, built=False, missing=False, listener=listener, interrupt=interrupt))
    if manner.build:
        _require(
            build(
                request, names, no_cache=False, pull=False, push=False, listener=listener, interrupt=interrupt
            )
        )  # fmt: skip
    anew = tuple(Address("service", name) for name in names) if manner.recreate else ()
    permitted = replace(
        policy, targets=targets, alone=manner.alone and bool(targets), scaled=frozenset(scale), made_anew=anew
    )

    def agreed(plan: Plan) -> bool:
        return _may(plan, manner) and approve(plan) and without_losses(plan)

    return apply_playbook(
        request, playbook, engine, permitted, approve=agreed,
        listener=listener, verify=manner.verify and not targets, interrupt=interrupt,
    )  # fmt: skip


def _require_no_swarm(manner: UpManner, mode: Mode) -> None:
    """UsageError for what can not be said to a Swarm."""
    if mode == "swarm" and manner.grace is not None:
        raise UsageError(
            "--timeout can not be said to a Swarm, which has the time with the service",
            hint="`stop_grace_period:` of the service",
        )
    if mode == "swarm":
        raise UsageError(
            "--pull never can not be said to a Swarm, whose nodes pull by themselves what they do not have",
            hint="leave it out",
        )


def _may(plan: Plan, manner: UpManner) -> bool:
    """True; ProvisionError where the plan builds or pulls what is not to be built or pulled."""
    for verb, never, option in (
        (Verb.BUILD, manner.never_build, "--no-build"),
        (Verb.PULL, manner.never_pull, "--pull never"),
    ):
        names = sorted({str(step.address.whole) for step in plan.steps if never and step.verb is verb})
        if names:
            raise ProvisionError(
                f"{', '.join(names)} would have to be {'built' if verb is Verb.BUILD else 'pulled'}, and {option} is "
                "given: nothing was done",
                hint=f"leave {option} out; provision plan shows why",
            )
    return True


def _require(results: Sequence[Any]) -> None:
    for one in results:
        if one.error is not None:
            raise ProvisionError(f"{one.address}: {one.error.message}", hint=one.error.hint)
