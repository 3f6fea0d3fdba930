"""Findings as the Code Quality report that GitLab shows beside the lines of a merge request."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.finding import Finding
    from provisioner.model.node import JSON

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


def findings_gitlab(findings: Sequence[Finding]) -> list[JSON]:
    """One entry per finding. GitLab requires a place: what has none is shown at the first line of `playbook`."""
    return [_entry(finding) for finding in sorted(findings, key=lambda finding: finding.sort_key)]


def _entry(finding: Finding) -> dict[str, JSON]:
    file, line = (finding.span.file, finding.span.line or 1) if finding.span else ("playbook", 1)
    # Without the line, so that a finding that only moves stays the same one.
    same = "\n".join((finding.rule, file, finding.path, finding.message))
    return {
        "description": finding.description,
        "check_name": finding.rule,
        "fingerprint": hashlib.sha256(same.encode()).hexdigest(),
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": file, "lines": {"begin": line}},
    }
