"""One plan over all plays of a list: each environment's own, after what two of them can not both have was ruled out."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.plan import prepare
from provisioner.app.platform import choose_platform
from provisioner.app.possible import refused_all_the_same
from provisioner.app.wiring import open_engine
from provisioner.errors import PlaybookInvalid, ProvisionError, UsageError
from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Verb
from provisioner.model.play import PlayPlan
from provisioner.model.span import Problem
from provisioner.platforms.clashes import PlacedEnvironment, clashes
from provisioner.reconcile.expected import missing_externals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.platform import Platform
    from provisioner.app.plays import PlayList, PlayRequest
    from provisioner.app.prepared import Prepared
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.model.address import Address
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import Resource


@dataclass(frozen=True, slots=True)
class OpenedPlay:
    """A play with its playbook read and its engine open."""

    play: PlayRequest
    playbook: Playbook
    engine: DockerEngine
    engine_id: str
    platform: Platform


@dataclass(frozen=True, slots=True)
class PlannedPlay:
    """A play with its plan. `policy` is what it was planned with."""

    opened: OpenedPlay
    prepared: Prepared
    policy: Policy

    @property
    def shown(self) -> PlayPlan:
        """The plan under the play's name."""
        return PlayPlan(self.opened.play.name, self.prepared.plan)


def plan_plays(
    plays: PlayList, policy: Policy, scale: Mapping[str, int], *, in_order: bool = True
) -> tuple[PlannedPlay, ...]:
    """The plans of all plays. Nothing is changed.

    Where they are to be applied `in_order`, an external object that an earlier play makes counts as present, and what
    an earlier play stops or removes holds no port, no address and no subnet any more. Raises
    what is wrong with any of them: every problem of every playbook at once, clashes between plays (PlaybookInvalid),
    or what stops a play from being planned.
    """
    policy = replace(policy, scaled=frozenset(scale))
    opened = open_plays(plays, policy, scale)
    planned: list[PlannedPlay] = []
    errors: list[tuple[str, ProvisionError]] = []
    for index, play in enumerate(opened):
        makers = objects_made(opened[:index], play.engine_id) if in_order else {}
        earlier = [it.prepared.plan for it in planned if in_order and it.opened.engine_id == play.engine_id]
        own = replace(policy, expected=frozenset(makers), freed=frozenset(i for it in earlier for i in _freed(it)))
        try:
            prepared = prepare(play.play.request, play.playbook, play.engine, own)
        except ProvisionError as error:
            errors.append((play.play.name, error))
            continue
        planned.append(PlannedPlay(play, _with_makers(prepared, makers, opened[index + 1 :]), own))
    require_no_errors(errors)
    return tuple(planned)


def _freed(plan: Plan) -> set[str]:
    """The ids of the objects that a plan stops or removes."""
    return {step.object_id for step in plan.steps if step.verb in (Verb.STOP, Verb.REMOVE)} - {""}


def open_plays(plays: PlayList, policy: Policy, scale: Mapping[str, int]) -> tuple[OpenedPlay, ...]:
    """Read all playbooks, open their engines, and rule out clashes."""
    if (policy.targets or scale) and len(plays.plays) > 1:
        names = ", ".join(play.name for play in plays.plays)
        option = "--target" if policy.targets else "--scale"
        raise UsageError(
            f"{option} is for one environment, and {plays.title} is a list of {len(plays.plays)} plays",
            hint=f"choose one with --limit PLAY: {names}",
        )
    opened = open_engines(read_all(plays, targets=() if policy.alone else policy.targets, scale=scale))
    problems = clashes([_placed(play) for play in opened])
    if problems:
        raise PlaybookInvalid(problems)
    return opened


def open_engines(loaded: Sequence[tuple[PlayRequest, Playbook]]) -> tuple[OpenedPlay, ...]:
    """The engine and the mode of each play. Raises what keeps engines from being reached."""
    opened = []
    errors: list[tuple[str, ProvisionError]] = []
    for play, playbook in loaded:
        try:
            engine = open_engine(play.request, playbook.engine)
            facts = engine.facts()
            platform = choose_platform(playbook, engine)
        except ProvisionError as error:
            errors.append((play.name, error))
            continue
        opened.append(OpenedPlay(play, playbook, engine, facts.engine_id, platform))
    require_no_errors(errors)
    return tuple(opened)


def read_all(
    plays: PlayList,
    *,
    targets: Sequence[Address] = (),
    scale: Mapping[str, int] | None = None,
    allow_unset: bool = False,
) -> list[tuple[PlayRequest, Playbook]]:
    """Every play with its playbook; PlaybookInvalid with the problems of all of them."""
    loaded = []
    errors: list[tuple[str, ProvisionError]] = []
    for play in plays.plays:
        try:
            playbook = load_playbook(
                play.request, targets=targets, scale=scale, allow_unset=allow_unset,
                further=(lambda playbook: ()) if allow_unset else partial(refused_all_the_same, play.request),
            )  # fmt: skip
        except ProvisionError as error:
            errors.append((play.name, error))
            continue
        loaded.append((play, playbook))
    require_no_errors(errors)
    return loaded


def assumed_externals(plan: Plan) -> tuple[Resource, ...]:
    """The external objects that are not on the engine yet, and counted as present."""
    return tuple(
        wanted
        for address, wanted in plan.desired.resources.items()
        if wanted.external and (seen := plan.observed.resources.get(address)) and not seen.id
    )


def objects_made(earlier: Sequence[OpenedPlay], engine_id: str) -> dict[tuple[str, str], str]:
    """Kind and name of the networks and volumes that plays make on an engine, with the play that makes each."""
    return {
        (kind, declared.name): play.play.name
        for play in earlier
        if play.engine_id == engine_id
        for kind, section in (("network", play.playbook.networks), ("volume", play.playbook.volumes))
        for declared in section.values()
        if not declared.external
    }


def require_no_errors(errors: Sequence[tuple[str, ProvisionError]]) -> None:
    """Raise what went wrong with plays, as one error: problems of playbooks together, else of the first one's kind."""
    if not errors:
        return
    problems = [problem for _, error in errors if isinstance(error, PlaybookInvalid) for problem in error.problems]
    if problems:
        raise PlaybookInvalid(dict.fromkeys(problems))
    first = errors[0][1]
    raised = copy.copy(first)
    raised.message = "\n".join(f"play '{name}': {error.message}" for name, error in errors)
    raised.args = (raised.message,)
    raise raised from first


def _placed(play: OpenedPlay) -> PlacedEnvironment:
    nodes = play.platform.count_nodes(play.engine)
    return PlacedEnvironment(play.play.name, play.play.span, play.playbook, play.platform.mode, play.engine_id, nodes)


def _with_makers(prepared: Prepared, makers: Mapping[tuple[str, str], str], later: Sequence[OpenedPlay]) -> Prepared:
    """The plan with a word on each external object that another play makes: before this one, or too late."""
    plan = prepared.plan
    notes = tuple(
        Problem(f"the {wanted.kind} {wanted.name} is made by the play '{makers[wanted.kind, wanted.name]}' before")
        for wanted in assumed_externals(plan)
    )
    too_late = objects_made(later, plan.observed.facts.engine_id)
    notes += tuple(
        Problem(
            f"the {wanted.kind} {wanted.name} is made by the play '{maker}', which comes later", hint="put it first"
        )
        for wanted in missing_externals(plan.observed, plan.desired)
        if (maker := too_late.get((wanted.kind, wanted.name)))
    )
    return replace(prepared, plan=replace(plan, notes=(*plan.notes, *notes)))
