"""What lint found, as annotations that GitHub Actions puts beside the lines (workflow commands)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.finding import Finding

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def findings_github(findings: Sequence[Finding]) -> str:
    """One workflow command per finding and line; empty without findings."""
    return "".join(f"{_command(finding)}\n" for finding in sorted(findings, key=lambda finding: finding.sort_key))


def _command(finding: Finding) -> str:
    properties: dict[str, str] = {}
    if finding.span:
        properties["file"] = finding.span.file
        if finding.span.line:
            properties |= {"line": str(finding.span.line), "col": str(finding.span.column)}
    properties["title"] = finding.rule
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_LEVELS[finding.severity]} {listed}::{_text(finding.description)}"


def _text(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _text(value).replace(":", "%3A").replace(",", "%2C")
