"""Whole command lines against the engine in memory: what a user types, and what becomes of it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import provisioner.app
from provisioner.ledger.adoptions import with_adoptions
from tests.command_line import carry_out
from tests.unit.app.in_memory import InMemory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from tests.command_line import Ended


@dataclass
class Typed(InMemory):
    """A user at a command line, in the folder of the playbooks or in another one."""

    def run(self, line: str, *, code: int = 0, folder: str = "", environment: Mapping[str, str] | None = None) -> Ended:
        """Carry out `provision LINE`, which ends with `code`."""
        given = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), **(environment or {})}
        ended = carry_out(line.split(), folder=self.folder / folder, environment=given)
        assert ended.code == code, f"{line}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def write_in(self, folder: str, playbook: Mapping[str, Any]) -> str:
        """Write a playbook in a folder of its own; the folder."""
        (self.folder / folder).mkdir(parents=True)
        self.write(json.dumps(playbook), f"{folder}/compose.yaml")
        return folder


def typed(folder: Path, patch: pytest.MonkeyPatch) -> Typed:
    """A user whose commands all meet one engine in memory."""
    found = Typed(folder)
    for module in pkgutil.iter_modules(provisioner.app.__path__):
        importlib.import_module(f"provisioner.app.{module.name}")
    for name, known in list(sys.modules.items()):
        if name.startswith("provisioner.app.") and name != "provisioner.app.wiring" and hasattr(known, "open_engine"):
            patch.setattr(known, "open_engine", lambda request, choice, **how: with_adoptions(found.engine))
    return found
