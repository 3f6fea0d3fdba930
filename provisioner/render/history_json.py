"""What was applied to an environment, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.plan_json import FORMAT_VERSION, change_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.node import JSON
    from provisioner.render.history_text import Entry


def history_json(title: str, entries: Sequence[Entry]) -> dict[str, JSON]:
    """Every revision, the newest first."""
    return {"format_version": FORMAT_VERSION, "target": title, "revisions": [entry_json(entry) for entry in entries]}


def entry_json(entry: Entry) -> dict[str, JSON]:
    """One revision. `changes` is null where they can not be told."""
    revision = entry.revision
    return {
        "number": revision.number,
        "applied_at": revision.applied_at,
        "applied_by": revision.applied_by,
        "mode": revision.mode,
        "restores": revision.restores or None,
        "previous": entry.previous or None,
        "versions": {**revision.inputs["versions"]},
        "builds": {**revision.inputs["builds"]},
        "changes": [change_json(change) for change in entry.changes] if entry.readable else None,
    }
