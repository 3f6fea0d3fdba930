"""Asking before something is changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


_HINT = "add --yes, or set PROVISION_YES=1; --check or `provision plan` only look"


def require_answer(*, yes: bool, hint: str = _HINT) -> None:
    """Refuse at once where nobody could be asked and nobody has said yes; `hint` names what says it."""
    if not yes and not sys.stdin.isatty():
        raise UsageError("this changes things, and there is no terminal to ask on", hint=hint)


def confirmed(settings: Settings, question: str) -> bool:
    """Whether the user types y or yes."""
    err = settings.err()
    err.write(f"{err.paint.bold(question)} [y/N] ")
    answer = sys.stdin.readline().strip().lower()
    if answer in ("y", "yes"):
        return True
    err.write("No changes were made.\n")
    return False
