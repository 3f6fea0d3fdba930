"""A plan and the results of checks as findings, which become annotations beside the lines of a playbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.finding import Finding, Severity
from provisioner.render.summary import changed
from provisioner.render.values import before_and_after

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.model.change import Change
    from provisioner.model.plan import Plan
    from provisioner.model.span import Problem
    from provisioner.model.verification import CheckResult

_MOST_DIFFERENCES = 8


def findings_of_plan(plan: Plan) -> list[Finding]:
    """What is refused as errors, notes as warnings, and each change where its object is declared."""
    findings = [_finding("plan/refused", Severity.ERROR, problem) for problem in plan.refusals]
    findings += [_finding("plan/note", Severity.WARNING, problem) for problem in plan.notes]
    return findings + [_of_change(change) for change in changed(plan.changes)]


def findings_of_checks(checks: Iterable[CheckResult]) -> list[Finding]:
    """The checks that do not hold, as errors."""
    return [
        Finding("verify", Severity.ERROR, check.message, check.span, check.name, "") for check in checks if not check.ok
    ]


def _finding(rule: str, severity: Severity, problem: Problem) -> Finding:
    return Finding(rule, severity, problem.message, problem.span, problem.path, problem.hint or "")


def _of_change(change: Change) -> Finding:
    lines = [
        f"{difference.path}: {' → '.join(before_and_after(difference))}"
        for difference in change.differences[:_MOST_DIFFERENCES]
    ]
    more = len(change.differences) - len(lines)
    lines += [f"{more} more"] if more > 0 else []
    what = f"{change.action.value}: {change.reason}" if change.reason else change.action.value
    message = "\n".join([what, *lines])
    return Finding(f"plan/{change.action.value}", Severity.INFO, message, change.span, str(change.address), "")
