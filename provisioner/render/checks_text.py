"""What came of the acceptance checks, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.values import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.verification import CheckResult


def checks_text(checks: Sequence[CheckResult], *, paint: Paint = PLAIN) -> str:
    """One line per check, then the count, ending with a newline."""
    if not checks:
        return "There are no checks: the playbook has no verify section.\n"
    width = max(len(check.name) for check in checks)
    lines = [line for check in checks for line in _lines(check, width, paint)]
    passed = sum(check.ok for check in checks)
    noun = "check" if len(checks) == 1 else "checks"
    verdict = f"{passed} of {len(checks)} {noun} passed."
    lines.append(paint.green(verdict) if passed == len(checks) else paint.red(verdict))
    return "\n".join(lines) + "\n"


def _lines(check: CheckResult, width: int, paint: Paint) -> list[str]:
    attempts = f" ({check.attempts} attempts)" if check.attempts > 1 else ""
    mark = paint.green("✔") if check.ok else paint.red("✘")
    head = f"{mark} {printable(check.name).ljust(width)}  {seconds(check.seconds)}{attempts}"
    if check.ok or not check.message:
        return [head]
    return [head, *(f"    {printable(line)}" for line in check.message.splitlines())]
