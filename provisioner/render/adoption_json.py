"""What `adopt` would take over, for programs: one JSON object, format version 1. Fields are only ever added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.plan_json import change_json, engine_json, problem_json

if TYPE_CHECKING:
    from provisioner.model.adoption import Adopted, AdoptionPlan, AdoptionRow, Release
    from provisioner.model.node import JSON

FORMAT_VERSION = 1


def adoption_json(plan: AdoptionPlan) -> dict[str, JSON]:
    """The plan of an adoption as plain values."""
    return {
        "format_version": FORMAT_VERSION,
        "target": plan.title,
        "engine": engine_json(plan.facts),
        "objects": [_row(row) for row in plan.rows],
        "notes": [problem_json(problem) for problem in plan.notes],
        "refusals": [problem_json(problem) for problem in plan.refusals],
        "finishes": plan.finishes,
    }


def adopted_json(plan: AdoptionPlan, *, done: bool, revision: int, exit_code: int) -> dict[str, JSON]:
    """How an adoption ended. `revision` is 0 where none was kept."""
    adopted: list[JSON] = (
        [_record(record) for record in sorted(plan.adopts, key=lambda record: record.address)] if done else []
    )
    return {**adoption_json(plan), "adopted": adopted, "revision": revision or None, "exit_code": exit_code}


def release_json(release: Release, *, done: bool) -> dict[str, JSON]:
    """What was, or would be, forgotten."""
    return {
        "format_version": FORMAT_VERSION,
        "target": release.title,
        "released": [_record(adopted) for adopted in release.released],
        "done": done,
    }


def _row(row: AdoptionRow) -> dict[str, JSON]:
    change = change_json(row.change) if row.change is not None else None
    return {
        "address": str(row.address),
        "verdict": row.verdict,
        "name": row.name,
        "renamed_to": row.becomes or None,
        "former_owner": row.former or None,
        "next_apply": change["action"] if change else None,
        "differences": change["differences"] if change else [],
        "form": list(row.form),
        "settled": list(row.settled),
    }


def _record(adopted: Adopted) -> dict[str, JSON]:
    return {
        "address": adopted.address,
        "kind": adopted.kind,
        "name": adopted.name,
        "id": adopted.id,
        "former_owner": adopted.former,
    }
