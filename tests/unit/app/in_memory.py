"""Whole commands against the engine in memory: files in, plans and what is left of the data out."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provisioner.app import apply_request as apply_module
from provisioner.app import begin as begin_module
from provisioner.app import destroy as destroy_module
from provisioner.app import drift as drift_module
from provisioner.app import history as history_module
from provisioner.app import plan_request as plan_module
from provisioner.app import rollback as rollback_module
from provisioner.app import status as status_module
from provisioner.app.request import Request
from provisioner.engines.memory import MemoryEngine
from provisioner.ledger.adoptions import with_adoptions
from provisioner.model.plan import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from provisioner.app.apply import ApplyResult
    from provisioner.app.drift import Drift
    from provisioner.app.history import History
    from provisioner.app.status import StatusTable
    from provisioner.model.plan import Plan

_OPENERS = (begin_module, destroy_module, history_module, status_module)
QUICK = {"image": "app:1", "command": ["run"], "healthcheck": {"test": ["CMD", "true"]}}


def service(**more: Any) -> dict[str, Any]:
    """A service that is healthy as soon as it is started."""
    return {**QUICK, **more}


class Undisturbed(threading.Event):
    """Nobody asks for an end."""

    def deferred(self) -> contextlib.nullcontext[None]:
        return contextlib.nullcontext()

    def wait(self, timeout: float | None = None) -> bool:
        return False


@dataclass
class InMemory:
    """A folder of playbooks and an engine."""

    folder: Path
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    profiles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.engine.add_image("app:1", {"Cmd": ["run"]})

    def write(self, playbook: Mapping[str, Any] | list[Any] | str, name: str = "compose.yaml") -> str:
        """Write a file; a mapping as JSON, which is YAML. Its path."""
        path = self.folder / name
        path.write_text(playbook if isinstance(playbook, str) else json.dumps(playbook), encoding="utf-8")
        return str(path)

    def request(self, *files: str) -> Request:
        names = files or ("compose.yaml",)
        return Request(
            files=tuple(str(self.folder / name) for name in names), directory=str(self.folder), profiles=self.profiles
        )

    def plan(self, *files: str, **permitted: Any) -> Plan:
        return plan_module.make_plan(self.request(*files), Policy(**permitted), {})

    def apply(
        self, *files: str, verify: bool = False, scale: Mapping[str, int] | None = None, **permitted: Any
    ) -> ApplyResult:
        return apply_module.apply(
            self.request(*files), Policy(**permitted), scale or {}, approve=lambda plan: True,
            listener=lambda event: None, verify=verify, interrupt=Undisturbed(),
        )  # fmt: skip

    def destroy(self, *files: str, **permitted: Any) -> ApplyResult:
        return destroy_module.destroy(
            self.request(*files), Policy(**permitted), approve=lambda plan: True, listener=lambda event: None,
            interrupt=Undisturbed(),
        )  # fmt: skip

    def rollback(self, number: int | None = None, *files: str, **permitted: Any) -> ApplyResult:
        return rollback_module.rollback(
            self.request(*files), number, Policy(**permitted), current=False, approve=lambda plan: True,
            listener=lambda event: None, verify=False, interrupt=Undisturbed(),
        )  # fmt: skip

    def drift(self, *files: str) -> Drift:
        return drift_module.drift(self.request(*files))

    def history(self, *files: str) -> History:
        return history_module.history(self.request(*files))

    def status(self, *files: str) -> StatusTable:
        return status_module.status(self.request(*files))

    @property
    def volumes(self) -> set[str]:
        """The names of the volumes that are there."""
        return set(self.engine.state()["volumes"])

    @property
    def containers(self) -> set[str]:
        return {raw["Name"].lstrip("/") for raw in self.engine.state()["containers"].values()}

    @property
    def networks(self) -> set[str]:
        return {raw["Name"] for raw in self.engine.state()["networks"].values()} - {"bridge", "host", "none"}


def in_memory(folder: Path, patch: pytest.MonkeyPatch) -> InMemory:
    """An environment whose commands all meet one engine in memory."""
    found = InMemory(folder)
    for module in _OPENERS:
        patch.setattr(module, "open_engine", lambda request, choice, **how: with_adoptions(found.engine))
    return found
