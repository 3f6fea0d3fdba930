"""`up`: an apply as Compose users expect one. It does not ask, and refuses what would lose data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.apply import apply_playbook
from provisioner.app.image_wishes import AS_DECLARED, ImageWishes
from provisioner.app.load import load_document, load_playbook
from provisioner.app.losses import without_losses
from provisioner.app.owned import require_services
from provisioner.app.platform import choose_platform
from provisioner.app.wiring import open_engine
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.app.apply import ApplyResult
    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.ports import Interrupt, Listener


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `up` is asked beside a policy. `grace` is the time (seconds) before what is replaced is killed.

    `recreate` makes everything anew that is named, `recreate_needed` what that needs; nothing of it is left as it is.
    """

    services: tuple[str, ...] = ()
    alone: bool = False
    images: ImageWishes = AS_DECLARED
    recreate: bool = False
    recreate_needed: bool = False
    grace: float | None = None
    verify: bool = True


def up(
    request: Request,
    policy: Policy,
    scale: Mapping[str, int],
    options: UpOptions,
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    interrupt: Interrupt,
) -> ApplyResult:
    """Apply the whole playbook, or the named services with what they need. Unsafe where data would be lost.

    ProvisionError where an image can not be built or pulled: nothing else is done then.
    """
    ready = make_ready(request, policy, scale, options, listener=listener, interrupt=interrupt)
    with ready.platform.acts.stopping_within(ready.engine, ready.playbook.project, options.grace) as engine:

        def agreed(plan: Plan) -> bool:
            options.images.require_allowed(plan.steps)
            return approve(plan) and without_losses(plan)

        return apply_playbook(
            ready.request, ready.playbook, engine, ready.policy, approve=agreed,
            listener=listener, verify=options.verify and not ready.policy.targets, interrupt=interrupt,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadyToApply:
    """What is to be applied, once the images are built and pulled that were to be."""

    request: Request
    playbook: Playbook
    engine: DockerEngine
    platform: Platform
    policy: Policy


def make_ready(
    request: Request,
    policy: Policy,
    scale: Mapping[str, int],
    options: UpOptions,
    *,
    listener: Listener,
    interrupt: Interrupt,
) -> ReadyToApply:
    """Read the playbook, build and pull what is asked for. ProvisionError where an image can not be had."""
    if options.services and load_document(request).inactive & set(options.services):
        request = replace(request, profiles=("*",))
    targets = tuple(Address("service", name) for name in options.services)
    playbook = load_playbook(request, targets=() if options.alone else targets, scale=scale, feasible=not options.alone)
    require_services(playbook, options.services)
    engine = open_engine(request, playbook.engine)
    platform = choose_platform(playbook, engine)
    names = options.services or tuple(playbook.services)
    options.images.require_possible(platform)
    options.images.bring(request, names, listener, interrupt)
    anew = [name for name in playbook.services if options.recreate and name in names]
    anew += [name for name in playbook.services if options.recreate_needed and name not in names]
    permitted = replace(
        policy,
        targets=targets,
        alone=options.alone and bool(targets),
        scaled=frozenset(scale),
        made_anew=tuple(Address("service", name) for name in anew),
    )
    return ReadyToApply(request, playbook, engine, platform, permitted)
