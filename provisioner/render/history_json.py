"""What was applied to an environment, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.plan_json import FORMAT_VERSION, change_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.node import JSON
    from provisioner.render.history_text import Comparison, Destroyed, Entry, Failed, Narrowed, Revision


def history_json(
    title: str,
    entries: Sequence[Entry],
    failures: Sequence[Failed] = (),
    destroys: Sequence[Destroyed] = (),
    parts: Sequence[Narrowed] = (),
) -> dict[str, JSON]:
    """Every revision, every apply that failed or was of a part, and every destroy, each the newest first."""
    return {
        "format_version": FORMAT_VERSION,
        "target": title,
        "revisions": [entry_json(entry) for entry in entries],
        "failures": [
            {
                "at": failure.at,
                "by": failure.by,
                "outcome": failure.outcome,
                "commit": failure.commit or None,
                "failures": [
                    {"address": address, "message": message, "evidence": list(failure.evidence.get(address) or ())}
                    for address, message in failure.failures
                ],
            }
            for failure in failures
        ],
        "destroys": [
            {"at": destroyed.at, "by": destroyed.by, "kept": [*sorted(destroyed.volumes)]} for destroyed in destroys
        ],
        "parts": [
            {"at": part.at, "by": part.by, "commit": part.commit or None, "addresses": [*part.addresses]}
            for part in parts
        ],
    }


def comparison_json(comparison: Comparison) -> dict[str, JSON]:
    """What differs between two revisions. `changes` is null where that can not be told."""
    return {
        "format_version": FORMAT_VERSION,
        "target": comparison.title,
        "before": _side(comparison.before),
        "after": _side(comparison.after),
        "changes": [change_json(change) for change in comparison.changes] if comparison.readable else None,
    }


def _side(revision: Revision) -> dict[str, JSON]:
    return {
        "number": revision.number,
        "applied_at": revision.applied_at,
        "applied_by": revision.applied_by,
        "mode": revision.mode,
        "commit": revision.commit or None,
    }


def entry_json(entry: Entry) -> dict[str, JSON]:
    """One revision. `changes` is null where they can not be told."""
    revision = entry.revision
    return {
        "number": revision.number,
        "applied_at": revision.applied_at,
        "applied_by": revision.applied_by,
        "mode": revision.mode,
        "restores": revision.restores or None,
        "commit": revision.commit or None,
        "converged": revision.converged,
        "failed_checks": [*entry.failed_checks],
        "previous": entry.previous or None,
        "versions": {**revision.inputs["versions"]},
        "builds": {**revision.inputs["builds"]},
        "changes": [change_json(change) for change in entry.changes] if entry.readable else None,
    }
