"""`run`: one container or task made from a service, for one command; its exit code is the command's.

The container is made by the same calls as a plan's, from the same networks, volumes, configs and secrets; only what
is missing of those is made. Nothing that runs is changed, but for what the service depends on.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from provisioner.app.apply import apply_playbook
from provisioner.app.external_inputs import collect_inputs
from provisioner.app.image_wishes import AS_DECLARED, ImageWishes
from provisioner.app.load import load_document, load_playbook
from provisioner.app.losses import without_losses
from provisioner.app.owned import require_services
from provisioner.app.part import carry_out_part
from provisioner.app.plan import prepare
from provisioner.app.platform import choose_platform
from provisioner.app.secret_inputs import persist_new_values
from provisioner.app.wiring import SystemClock, open_engine
from provisioner.errors import ProvisionError, Unsafe
from provisioner.kinds.container_networks import joined_later
from provisioner.kinds.ownership import ONE_OFF
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.operation import Connect, CreateContainer, CreateService
from provisioner.model.plan import Policy, Step, Verb
from provisioner.playbook.one_off import with_one_off
from provisioner.playbook.select import target
from provisioner.reconcile.dispatch import Calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import Resource
    from provisioner.playbook.one_off import OneOff
    from provisioner.ports import Interrupt, Listener

# Letters that the engine of a Swarm takes for the name of a service.
_LONGEST_NAME = 63
_SHARED = ("network", "volume", "config", "secret")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How it is run, beside what is run. `name` is the container's, empty for one that is made up."""

    name: str = ""
    detach: bool = False
    remove: bool = False
    dependencies: bool = True
    images: ImageWishes = AS_DECLARED


@dataclass(frozen=True, slots=True)
class MadeOnce:
    """A run and what makes it: `create` gives the id of a container or service called `name`, made by an engine.

    `tell` is told the id of what is detached.
    """

    engine: DockerEngine
    name: str
    create: Callable[[DockerEngine], str]
    run: OneOff
    options: RunOptions
    tell: Callable[[str], object]


def run_one_off(
    request: Request,
    run: OneOff,
    options: RunOptions,
    *,
    home: str,
    open_listener: Callable[[], AbstractContextManager[Listener]],
    tell: Callable[[str], object],
    interrupt: Interrupt,
) -> int:
    """Run it and return its exit code; 0 at once where it is detached, after `tell` was told its id.

    `open_listener` opens the listener of what is made before it. Interrupted, what was made for this run is gone again.
    UsageError for an unknown service or a wrong mount, Unsafe where something it needs can not be had.
    """
    playbook = _load(request, run.service)
    engine = open_engine(request, playbook.engine)
    platform = choose_platform(playbook, engine)
    one_offs = platform.one_offs
    # A part of the playbook may not show what the whole one needs.
    playbook = replace(playbook, engine=replace(playbook.engine, mode=platform.mode))
    options.images.require_possible(platform)
    with ExitStack() as shown:
        listener = shown.enter_context(open_listener())
        options.images.bring(request, [run.service], listener, interrupt)
        run = one_offs.possible(run, options, listener)
        if options.dependencies:
            _start_dependencies(request, playbook, engine, run.service, listener, interrupt)
        prepared = _prepare(request, playbook, engine, run, home)
        _make_shared(prepared, options.images, engine, listener, interrupt)
        if not one_offs.IS_SHOWN:
            shown.close()
        resource = _as_one_off(prepared, run, options.name or _name(playbook, run.service, one_offs.SEPARATOR))
        create = partial(_create, prepared, resource)
        return one_offs.carry_out(MadeOnce(engine, resource.name, create, run, options, tell), listener, interrupt)


def _load(request: Request, service: str) -> Playbook:
    """The playbook with the service, switched on for this run where no profile does."""
    if service in load_document(request).inactive:
        request = replace(request, profiles=("*",))
    playbook = load_playbook(request)
    require_services(playbook, [service])
    return playbook


def _start_dependencies(
    request: Request, playbook: Playbook, engine: DockerEngine, service: str, listener: Listener, interrupt: Interrupt
) -> None:
    needed = [Address("service", dependency.service) for dependency in playbook.services[service].depends_on]
    needed = [address for address in needed if address.name in playbook.services]
    if not needed:
        return
    narrowed = target(playbook, [str(address) for address in needed])
    result = apply_playbook(
        request, narrowed, engine, Policy(targets=tuple(needed)), approve=without_losses, listener=listener,
        verify=False, interrupt=interrupt,
    )  # fmt: skip
    if result.exit_code:
        failures = result.report.failures if result.report else ()
        reasons = [f"{failure.step.address}: {failure.error.message}" for failure in failures if failure.error]
        reasons += [str(problem) for problem in result.plan.refusals]
        raise ProvisionError(
            f"{service} is not run, since what it depends on is not ready" + "".join(f"\n{text}" for text in reasons),
            hint="provision plan shows what is pending; --no-deps runs it without",
        )


def _prepare(request: Request, playbook: Playbook, engine: DockerEngine, run: OneOff, home: str) -> Prepared:
    """A plan whose desired state has the service as it is to run once. Unsafe where it can not be had."""
    changed = with_one_off(playbook, run, directory=request.directory, home=home)
    address = Address("service", run.service)
    alone = target(changed, [str(address)])
    environment = alone.services[run.service].body.get("environment")
    entries = environment.mapping.values() if environment is not None and environment.is_mapping else ()
    revealed = {str(secret.value) for entry in entries if (secret := entry.get("secret")) is not None}
    collect = partial(collect_inputs, read=revealed)
    # One, whatever number `scale` has kept for the service.
    policy = Policy(targets=(address,), scaled=frozenset({run.service}))
    prepared = prepare(request, alone, engine, policy, collect, feasible=False)
    if prepared.plan.refusals:
        raise Unsafe("\n".join(str(problem) for problem in prepared.plan.refusals))
    if prepared.materials.needs_persisting:
        persist_new_values(request, alone, prepared.materials)
        prepared = prepare(request, alone, engine, policy, collect, feasible=False)
    return prepared


def _make_shared(
    prepared: Prepared, images: ImageWishes, engine: DockerEngine, listener: Listener, interrupt: Interrupt
) -> None:
    """Make what the run uses and what is not there: images, networks, volumes, configs, secrets; nothing else."""
    observed = prepared.plan.observed.resources

    def brings(step: Step) -> bool:
        if step.verb in (Verb.PULL, Verb.BUILD, Verb.TAG, Verb.FILL):
            return True
        # A further version of a config or secret stands beside the one before it.
        is_new = step.kind in ("config", "secret") or step.address not in observed
        return step.verb is Verb.CREATE and step.kind in _SHARED and is_new

    images.require_allowed(filter(brings, prepared.plan.steps))
    carry_out_part(prepared, brings, engine, listener, interrupt)


def _name(playbook: Playbook, service: str, separator: str) -> str:
    """`<project>-<service>-run-<12 digits>`, as Compose names it; the service is cut where it would be too long."""
    end = f"-run-{secrets.token_hex(6)}"
    room = _LONGEST_NAME - len(playbook.project) - len(separator) - len(end)
    return f"{playbook.project}{separator}{service[: max(room, 1)]}{end}"


def _as_one_off(prepared: Prepared, run: OneOff, name: str) -> Resource:
    """The service's resource under the name of this run, with the label that keeps it apart from the service's own."""
    resources = prepared.plan.desired.resources
    address = Address("service", run.service)
    resource = resources.get(address) or resources[replace(address, index=1)]
    spec = dict(resource.spec)
    key = "deploy.labels" if resource.kind == "service" else "labels"
    spec[key] = {**spec[key], ONE_OFF: run.service}
    if not run.use_aliases:
        spec["networks"] = {key: {**entry, "aliases": []} for key, entry in spec["networks"].items()}
    return replace(resource, name=name, spec=spec)


def _create(prepared: Prepared, resource: Resource, engine: DockerEngine) -> str:
    """Make the container or the service, and join its networks; the id."""
    plan = prepared.plan
    desired = replace(plan.desired, resources={**plan.desired.resources, resource.address: resource})
    materials = prepared.materials
    calls = Calls(replace(plan, desired=desired), engine, materials.contents, SystemClock(), materials.origins)
    operation = CreateService() if resource.kind == "service" else CreateContainer(resource.name)
    identity = calls(Step(1, operation, resource.address, "run"), {}, lambda text: None, lambda: False)
    if resource.kind == "service":
        return identity
    try:
        for key in joined_later(resource.workload_spec["networks"], plan.observed.facts.api_version):
            join = Step(2, Connect(key), resource.address, "run", object_id=identity)
            calls(join, {}, lambda text: None, lambda: False)
    except ProvisionError:
        engine.force_remove(identity, volumes=True)
        raise
    return identity
