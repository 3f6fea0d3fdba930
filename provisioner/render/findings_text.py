"""What lint found, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.finding import Severity
from provisioner.render.paint import PLAIN, Paint, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.finding import Finding


def findings_text(findings: Sequence[Finding], *, paint: Paint = PLAIN) -> str:
    """Each finding with its position and how to mend it, then the counts, ending with a newline."""
    if not findings:
        return f"{paint.green('Nothing found.')}\n"
    blocks = [_block(finding, paint) for finding in sorted(findings, key=lambda finding: finding.sort_key)]
    return "\n".join([*blocks, _counts(findings)]) + "\n"


def _block(finding: Finding, paint: Paint) -> str:
    color = {Severity.ERROR: paint.red, Severity.WARNING: paint.yellow, Severity.INFO: paint.cyan}[finding.severity]
    where = f"{finding.span}: " if finding.span else ""
    path = f"{finding.path}: " if finding.path else ""
    head = f"{where}{color(finding.severity.value)} {paint.bold(finding.rule)}: {path}{printable(finding.message)}"
    return f"{head}\n    fix: {printable(finding.fix)}" if finding.fix else head


def _counts(findings: Sequence[Finding]) -> str:
    counts = []
    for severity in Severity:
        count = sum(finding.severity is severity for finding in findings)
        noun = "note" if severity is Severity.INFO else severity.value
        if count:
            counts.append(f"{count} {noun}{'' if count == 1 else 's'}")
    return f"{', '.join(counts)}."
