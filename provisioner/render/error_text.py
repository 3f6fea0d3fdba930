"""An error for people: what happened, where, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import NotConverged, PlaybookInvalid, StepFailed
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.quoted import quoted

if TYPE_CHECKING:
    from provisioner.errors import ProvisionError


def error_text(error: ProvisionError, *, paint: Paint = PLAIN, detailed: bool = False) -> str:
    """The error, ending with a newline. `detailed` adds what only a developer wants to see."""
    if isinstance(error, PlaybookInvalid):
        lines = [printable(str(problem)) for problem in error.problems]
        count = len(error.problems)
        lines.append(paint.red(f"The playbook is invalid: {count} {'problem' if count == 1 else 'problems'}. "
                               "Nothing was changed."))  # fmt: skip
    else:
        first, *rest = error.message.splitlines() or [type(error).__name__]
        lines = [f"{paint.red('Error:')} {printable(first)}", *(f"  {printable(line)}" for line in rest)]
    if isinstance(error, StepFailed | NotConverged):
        lines += quoted(error.evidence, paint)
    if error.hint:
        first, *rest = error.hint.splitlines()
        lines += [f"  {paint.bold('Next:')} {printable(first)}", *(f"        {printable(line)}" for line in rest)]
    if detailed and error.detail:
        lines += [f"  {printable(line)}" for line in error.detail.splitlines()]
    return "\n".join(lines) + "\n"
