"""The state of every declared object, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.plan_json import FORMAT_VERSION

if TYPE_CHECKING:
    from provisioner.model.node import JSON
    from provisioner.render.status_text import StatusTable


def status_json(status: StatusTable) -> dict[str, JSON]:
    """The table as plain values; `drift` is null where it can not be told."""
    return {
        "format_version": FORMAT_VERSION,
        "target": status.title,
        "objects": [
            {
                "address": str(row.address),
                "state": row.state,
                "health": row.health,
                "image": row.image,
                "drift": row.drift,
                "since": row.since,
                "detail": row.detail,
            }
            for row in status.rows
        ],
    }
