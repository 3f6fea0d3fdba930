"""Which mode an environment runs in, and how a playbook is lowered for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from provisioner.errors import PlaybookInvalid, Unreachable
from provisioner.platforms import containers, swarm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.playbook import EngineChoice, Playbook
    from provisioner.model.span import Problem, Verdict
    from provisioner.model.state import DesiredState, Facts
    from provisioner.platforms.lowering import InputVersions, NamedService
    from provisioner.playbook.ports import Published

Mode = Literal["containers", "swarm"]


class Lowering(Protocol):
    """The module of a mode. `FILE_KINDS` are the files that it keeps as objects with a name of their own,
    `NETWORK_DRIVER` is the driver of a network that names none."""

    FILE_KINDS: tuple[str, ...]
    NETWORK_DRIVER: str

    def lower(self, playbook: Playbook, inputs: InputVersions) -> DesiredState: ...
    def check(self, playbook: Playbook, facts: Facts) -> Iterator[Verdict]: ...
    def named_services(self, playbook: Playbook) -> Iterator[NamedService]: ...
    def port_mode(self, port: Published) -> str: ...


_MODES: dict[Mode, Lowering] = {"containers": containers, "swarm": swarm}


def lowering_of(mode: Mode) -> Lowering:
    """The module that lowers playbooks for a mode."""
    return _MODES[mode]


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
    return _MODES[mode].lower(playbook, inputs)


def check(playbook: Playbook, mode: Mode, facts: Facts) -> tuple[Problem, ...]:
    """What has no effect in this mode. PlaybookInvalid for what the mode or this engine can not do at all."""
    verdicts = list(_MODES[mode].check(playbook, facts))
    if refused := [problem for is_refused, problem in verdicts if is_refused]:
        raise PlaybookInvalid(refused)
    return tuple(problem for _, problem in verdicts)
