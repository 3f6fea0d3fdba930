"""`lint`: find common mistakes. Looks at the files, and at the engine only where one answers."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.wiring import open_engine
from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.model.finding import Finding


def lint(request: Request) -> tuple[Finding, ...]:
    """The findings that no waiver covers, by position."""
    from provisioner.lint import facts
    from provisioner.lint.run import lint as find

    playbook = load_playbook(request, allow_unset=True)
    known = facts.read_files(playbook)
    # Without an engine the files alone are judged.
    with suppress(ProvisionError):
        known = facts.read_engine(playbook, open_engine(request, playbook.engine), known)
    return find(playbook, known)
