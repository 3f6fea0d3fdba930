"""The declared secrets of an environment, for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.render.plan_json import FORMAT_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.node import JSON
    from provisioner.render.secrets_text import Listed


def secrets_json(title: str, secrets: Sequence[Listed], messages: Sequence[str] = ()) -> dict[str, JSON]:
    """Every secret. `created` and `applied_at` are RFC 3339; `applied` is same, changed, never or null (unknown)."""
    return {
        "format_version": FORMAT_VERSION,
        "target": title,
        "secrets": [_secret(secret) for secret in secrets],
        "notes": list(messages),
    }


def _secret(listed: Listed) -> dict[str, JSON]:
    row = listed.row
    created = None
    if row.created is not None:
        created = datetime.fromtimestamp(row.created, UTC).isoformat(timespec="seconds")
    return {
        "name": row.key,
        "state": row.state,
        "tier": row.tier or None,
        "version": row.version or None,
        "created": created,
        "used_by": list(row.used_by),
        "applied": listed.applied or None,
        "applied_since_revision": listed.since or None,
        "applied_at": listed.since_time or None,
        "looked_in": list(row.tried),
    }
