"""Which mode an environment runs in, and how a playbook is lowered for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from provisioner.errors import PlaybookInvalid, Unreachable
from provisioner.platforms import capabilities, containers, fitness, name_limits, swarm

if TYPE_CHECKING:
    from provisioner.model.playbook import EngineChoice, Playbook
    from provisioner.model.span import Problem
    from provisioner.model.state import DesiredState, Facts
    from provisioner.platforms.lowering import InputVersions

Mode = Literal["containers", "swarm"]


def choose_mode(playbook: Playbook, *, swarm_manager: bool) -> Mode:
    """`engine.mode`; `auto` is a Swarm where the engine is a manager and the playbook uses what only a Swarm has.

    Unreachable when the playbook asks for a Swarm and the engine is no manager.
    """
    require_manager(playbook.engine, swarm_manager=swarm_manager)
    if playbook.engine.mode == "auto":
        return "swarm" if swarm_manager and swarm.needs_swarm(playbook) else "containers"
    return playbook.engine.mode


def require_manager(choice: EngineChoice, *, swarm_manager: bool) -> None:
    """Unreachable when a playbook asks for a Swarm and the engine is no manager."""
    if choice.mode == "swarm" and not swarm_manager:
        raise Unreachable(
            "the playbook runs on Swarm (engine.mode), and this engine is no Swarm manager",
            hint="name a manager with --host or --context; `provision engine init` makes a Swarm of one node",
        )


def lower(playbook: Playbook, inputs: InputVersions, mode: Mode) -> DesiredState:
    """Every object that the playbook declares, for this mode."""
    return swarm.lower(playbook, inputs) if mode == "swarm" else containers.lower(playbook, inputs)


def check(playbook: Playbook, mode: Mode, facts: Facts) -> tuple[Problem, ...]:
    """What has no effect in this mode. PlaybookInvalid for what the mode or this engine can not do at all."""
    refused = list(fitness.unfit(playbook, facts, swarm=mode == "swarm"))
    refused += name_limits.problems(playbook, mode)
    lacking, doubtful = capabilities.incapable(playbook, facts, swarm=mode == "swarm")
    refused += lacking
    if mode == "containers":
        impossible, noted = fitness.without_swarm(playbook)
        refused += impossible
    else:
        impossible, noted = fitness.on_swarm_problems(playbook)
        refused += impossible
        found = list(swarm.problems(playbook, facts.api_version))
        refused += [problem for is_refused, problem in found if is_refused]
        noted += tuple(problem for is_refused, problem in found if not is_refused)
    if refused:
        raise PlaybookInvalid(refused)
    return (*noted, *doubtful)
