"""What lint found, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.finding import Severity
from provisioner.render.plan_json import FORMAT_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.finding import Finding
    from provisioner.model.node import JSON


def findings_json(findings: Sequence[Finding]) -> dict[str, JSON]:
    """All findings with the counts by severity."""
    return {
        "format_version": FORMAT_VERSION,
        "summary": {severity.value: sum(f.severity is severity for f in findings) for severity in Severity},
        "findings": [
            {
                "rule": finding.rule,
                "severity": finding.severity.value,
                "message": finding.message,
                "path": finding.path,
                "service": finding.service,
                "fix": finding.fix,
                "file": finding.span.file if finding.span else None,
                "line": finding.span.line if finding.span else None,
                "column": finding.span.column if finding.span else None,
            }
            for finding in sorted(findings, key=lambda finding: finding.sort_key)
        ],
    }
