"""What the ledger keeps of how an apply ended: the revision, the checks that did not hold, or what failed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.evidence import kept_evidence
from provisioner.app.git_commit import git_commit
from provisioner.errors import ProvisionError
from provisioner.ledger.records import read_ledger, record_checks, record_failed, record_narrowed
from provisioner.ledger.revisions import record_revision
from provisioner.model.report import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.prepared import Prepared
    from provisioner.model.report import Report
    from provisioner.model.verification import CheckResult
    from provisioner.ports import EngineWriter

_INTERRUPTED, _ROLLED_BACK, _FAILED = "interrupted", "rolled back", "failed"


def keep_revision(report: Report, after: Prepared, engine: EngineWriter, restores: int) -> Report:
    """Keep what was applied as a revision; the report with what went wrong with that."""
    restored = next((revision for revision in after.ledger.revisions if revision.number == restores), None)
    commit = restored.commit if restored else git_commit(after.playbook.directory)
    try:
        record_revision(
            engine, after.playbook, after.materials.inputs, after.platform.mode, after.plan.observed, restores=restores,
            converged=not report.remaining, commit=commit, seconds=report.seconds, took=durations(report),
            last=after.ledger.last,
        )  # fmt: skip
    except ProvisionError as error:
        return replace(report, trouble=error)
    return report


def durations(report: Report) -> dict[str, float]:
    """How long a run worked on each object (seconds, from the first step's begin to the last one's end), by address."""
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for result in report.results:
        if result.outcome is Outcome.DONE:
            address = str(result.step.address.whole)
            began[address] = min(began.get(address, result.began), result.began)
            ended[address] = max(ended.get(address, 0.0), result.began + result.seconds)
    return {address: round(ended[address] - start, 1) for address, start in began.items()}


def keep_failure(report: Report, prepared: Prepared, engine: EngineWriter) -> None:
    """Keep that an apply ended early, and why, as far as the engine can still be written to."""
    failures = [(str(result.step.address), result.error.message if result.error else "") for result in report.failures]
    if report.trouble is not None:
        failures.append(("", report.trouble.message))
    taken_back = report.taken_back and not report.interrupted
    evidence = {
        str(result.step.address): kept for result in report.failures
        if (kept := kept_evidence(result, prepared.playbook, prepared.materials))
    }  # fmt: skip
    outcome = _INTERRUPTED if report.interrupted else _ROLLED_BACK if taken_back else _FAILED
    with suppress(ProvisionError):
        record_failed(
            engine, prepared.playbook.project, prepared.platform.mode, prepared.ledger, outcome, failures,
            git_commit(prepared.playbook.directory), evidence,
        )  # fmt: skip


def keep_part(report: Report, after: Prepared, engine: EngineWriter) -> None:
    """Keep that a part of a playbook was carried out, where the last revision declares something else."""
    changed = sorted({str(result.step.address.whole) for result in report.results if result.outcome is Outcome.DONE})
    last = after.last
    if not changed or last is None or last.is_for(after.playbook, after.materials.inputs, after.platform.mode):
        return
    with suppress(ProvisionError):
        record_narrowed(
            engine,
            after.playbook.project,
            after.platform.mode,
            after.ledger,
            changed,
            git_commit(after.playbook.directory),
        )


def keep_checks(prepared: Prepared, engine: EngineWriter, checks: Sequence[CheckResult]) -> None:
    """Keep how the checks of the last revision ended, where that is not known already."""
    with suppress(ProvisionError):
        ledger = read_ledger(engine, prepared.playbook.project)
        failed = failed_checks(checks)
        if ledger.last is not None and ledger.failed_checks(ledger.last) != failed:
            record_checks(engine, prepared.playbook.project, prepared.platform.mode, ledger.last.number, failed)


def failed_checks(checks: Sequence[CheckResult]) -> tuple[str, ...]:
    """The names of the checks that did not hold."""
    return tuple(check.name for check in checks if not check.ok)
