"""Sends each step to the calls of its kind of object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.reconcile.calls import ContainerCalls
from provisioner.reconcile.file_calls import FileCalls
from provisioner.reconcile.swarm_calls import SwarmCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.model.address import Address
    from provisioner.model.plan import Plan, Step
    from provisioner.model.secret import SecretValue
    from provisioner.ports import Clock, EngineWriter

_SWARM = ("service", "secret", "config")


class Calls:
    """Every step's call; see `execute.Call`."""

    def __init__(
        self,
        plan: Plan,
        engine: EngineWriter,
        contents: Mapping[Address, bytes | SecretValue],
        clock: Clock,
        origins: Mapping[Address, str] | None = None,
    ) -> None:
        self._containers = ContainerCalls(plan, engine, contents, clock)
        self._files = FileCalls(plan, engine, contents, origins or {})
        self._swarm = SwarmCalls(plan, engine, contents, clock, origins or {})

    def __call__(
        self, step: Step, made: Mapping[int, str], progress: Callable[[str], None], stopped: Callable[[], bool]
    ) -> str:
        if step.kind == "files":
            return self._files(step, made)
        calls = self._swarm if step.kind in _SWARM else self._containers
        return calls(step, made, progress, stopped)
