"""The state of every declared object, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.plan_json import FORMAT_VERSION

if TYPE_CHECKING:
    from provisioner.model.node import JSON
    from provisioner.render.places import PublishedPort
    from provisioner.render.status_text import StatusRow, StatusTable


def status_json(status: StatusTable) -> dict[str, JSON]:
    """The table as plain values; `well` says whether all is well, `drift` is null where it can not be told.

    `restore` says that one did not come to its end, `kept` names the volumes with data of before one.
    """
    return {
        "format_version": FORMAT_VERSION,
        "target": status.title,
        "well": status.well,
        "objects": [row_json(row) for row in status.rows],
        "restore": status.restore or None,
        "kept": list(status.kept),
    }


def row_json(row: StatusRow) -> dict[str, JSON]:
    """One object. Times are RFC 3339 or null, `exit_code` is null for what runs, `trouble` for what is well.

    `purpose` says who wants it as it is: stopped, paused or scaled.
    """
    return {
        "address": str(row.address),
        "state": row.state,
        "health": row.health,
        "image": row.image,
        "drift": row.drift,
        "since": row.since or None,
        "detail": row.detail,
        "trouble": row.trouble or None,
        "purpose": row.purpose or None,
        "id": row.id or None,
        "exit_code": row.exit_code,
        "restarts": row.restarts,
        "started_at": row.started_at or None,
        "ports": [port_json(port) for port in row.ports],
    }


def port_json(port: PublishedPort) -> dict[str, JSON]:
    """One published port; `host` is null for every address of the engine's machine."""
    return {"host": port.host or None, "port": port.port, "target": port.target, "protocol": port.protocol}
