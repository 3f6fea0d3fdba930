"""What a kind of check is, and what it is given. Decides nothing about how often or how long to try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.model.edges import EngineJson
    from provisioner.model.playbook import Check
    from provisioner.ports import Clock, EngineWriter


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """A running task on another node of a Swarm: its service as the engine gives it, the node's id and its name."""

    service: EngineJson
    node: str
    host: str


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What checks may touch. `containers` gives the full ids of a service's running containers, replica 1 first,
    `elsewhere` its tasks on other nodes, which no engine can be asked about directly.
    """

    engine: EngineWriter
    containers: Callable[[str], Sequence[str]]
    clock: Clock
    elsewhere: Callable[[str], Sequence[RemoteTask]] = lambda service: ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try went. `message` says what was found and, for a failure, what was expected."""

    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is the key in the playbook. `attempt` tries once: it raises `Unreachable` when the engine is away and
    `EngineRefused` when the engine refuses, and reports everything else as an `Attempt`.
    """

    name: str
    attempt: Callable[[Check, CheckContext], Attempt]


def shown(text: str, limit: int = 160) -> str:
    """A quoted piece of output for a message: one line, shortened."""
    line = " ".join(text.split())
    return f"'{line[: limit - 1]}…'" if len(line) > limit else f"'{line}'"
