"""What differs on the engine from what was last applied, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.plan_json import FORMAT_VERSION, change_json, engine_json, problem_json

if TYPE_CHECKING:
    from provisioner.model.node import JSON
    from provisioner.render.drift_text import Drift


def drift_json(drift: Drift) -> dict[str, JSON]:
    """The differences; `drift` says whether there are any."""
    return {
        "format_version": FORMAT_VERSION,
        "target": drift.title,
        "engine": engine_json(drift.facts),
        "revision": {
            "number": drift.revision.number,
            "applied_at": drift.revision.applied_at,
            "applied_by": drift.revision.applied_by,
        },
        "destroyed_at": drift.destroyed.at if drift.destroyed else None,
        "drift": bool(drift.changes),
        "changes": [change_json(change) for change in drift.changes],
        "notes": [problem_json(note) for note in drift.notes],
    }
