"""What lint found, as SARIF 2.1.0 for code scanning services."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from provisioner import __version__
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.finding import Finding
    from provisioner.model.node import JSON

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def findings_sarif(findings: Sequence[Finding]) -> dict[str, JSON]:
    """One run with all findings."""
    ordered = sorted(findings, key=lambda finding: finding.sort_key)
    examples = {finding.rule: finding for finding in ordered}
    rules = sorted(examples)
    driver: dict[str, JSON] = {
        "name": "provision",
        "version": __version__,
        "rules": [_rule(examples[rule]) for rule in rules],
    }
    results: list[JSON] = [_result(finding, rules.index(finding.rule)) for finding in ordered]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _rule(finding: Finding) -> dict[str, JSON]:
    rule: dict[str, JSON] = {"id": finding.rule}
    if finding.title:
        rule["shortDescription"] = {"text": finding.title}
    if finding.reason:
        rule["fullDescription"] = {"text": finding.reason}
    return rule


def _result(finding: Finding, index: int) -> dict[str, JSON]:
    result: dict[str, JSON] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.description},
    }
    if finding.span:
        place: dict[str, JSON] = {"artifactLocation": {"uri": PurePath(finding.span.file).as_posix()}}
        if finding.span.line:
            place["region"] = {"startLine": finding.span.line, "startColumn": max(finding.span.column, 1)}
        result["locations"] = [{"physicalLocation": place}]
    return result
