"""What a check-up found, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.render.paint import PLAIN, Paint, printable

if TYPE_CHECKING:
    from collections.abc import Sequence


class Finding(Protocol):
    """One thing that was looked at. `state` is ok, unknown, warning or failed."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str | None: ...


class Diagnosis(Protocol):
    """Everything that was looked at."""

    @property
    def title(self) -> str: ...
    @property
    def findings(self) -> Sequence[Finding]: ...
    @property
    def exit_code(self) -> int: ...


def doctor_text(diagnosis: Diagnosis, *, paint: Paint = PLAIN) -> str:
    """One line for each thing with how to mend it, then the verdict; ends with a newline."""
    width = max((len(finding.name) for finding in diagnosis.findings), default=0)
    lines = [paint.bold(diagnosis.title)]
    for finding in diagnosis.findings:
        first, *rest = finding.message.splitlines() or [""]
        lines.append(f"{_mark(finding, paint)} {finding.name.ljust(width)}  {printable(first)}")
        lines += [f"  {' ' * width}  {printable(line)}" for line in rest]
        if finding.hint and finding.state != "ok":
            lines.append(f"  {' ' * width}  {paint.bold('Next:')} {printable(finding.hint)}")
    failed = sum(finding.state == "failed" for finding in diagnosis.findings)
    warned = sum(finding.state == "warning" for finding in diagnosis.findings)
    warnings = f", {warned} {'warning' if warned == 1 else 'warnings'}" if warned else ""
    verdict = paint.red(f"{failed} failed") if failed else paint.green("Nothing is in the way")
    return "\n".join([*lines, "", f"{verdict}{warnings}."]) + "\n"


def _mark(finding: Finding, paint: Paint) -> str:
    match finding.state:
        case "ok":
            return paint.green("✔")
        case "failed":
            return paint.red("✘")
        case "warning":
            return paint.yellow("!")
        case _:
            return paint.dim("?")
