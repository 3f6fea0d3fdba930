"""The containers of `ps` as Compose writes them: a table, a line of JSON each, or a template."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from provisioner.render.docker_table import docker_table, formatted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.looks import ListedContainer
    from provisioner.model.node import JSON

TITLES = {
    "Name": "NAME", "Image": "IMAGE", "Command": "COMMAND", "Service": "SERVICE", "RunningFor": "CREATED",
    "Status": "STATUS", "Ports": "PORTS", "ID": "CONTAINER ID", "State": "STATE", "Project": "PROJECT",
    "Health": "HEALTH", "ExitCode": "EXIT CODE", "CreatedAt": "CREATED AT", "Labels": "LABELS",
    "Networks": "NETWORKS", "Mounts": "MOUNTS", "LocalVolumes": "LOCAL VOLUMES", "Size": "SIZE", "Names": "NAMES",
    "Publishers": "PUBLISHERS",
}  # fmt: skip
_LONGEST_COMMAND = 20
_SHOWN = ("Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports")


def containers_text(found: Sequence[ListedContainer], form: str, *, whole: bool = False, width: int = 0) -> str:
    """The containers in a form: `table`, `json` (a line each), or a template."""
    rows = [_row(one, whole=whole) for one in found]
    if form == "table":
        cells = [[str(row[key]) for key in _SHOWN] for row in rows]
        spare = () if whole else ("COMMAND", "CREATED", "IMAGE")
        return docker_table([TITLES[key] for key in _SHOWN], cells, width=0 if whole else width, spare=spare)
    return formatted(form, TITLES, rows)


def _row(one: ListedContainer, *, whole: bool) -> dict[str, JSON]:
    command = (
        one.command if whole or len(one.command) <= _LONGEST_COMMAND else one.command[: _LONGEST_COMMAND - 1] + "…"
    )
    publishers: list[JSON] = [
        {"URL": host, "TargetPort": inside, "PublishedPort": outside, "Protocol": protocol}
        for inside, outside, host, protocol in one.ports
    ]
    made = datetime.fromtimestamp(one.created).astimezone()
    return {
        "Command": f'"{command}"',
        "CreatedAt": made.strftime("%Y-%m-%d %H:%M:%S %z %Z"),
        "ExitCode": one.exit_code,
        "Health": one.health,
        "ID": one.id if whole else one.id[:12],
        "Image": one.image,
        "Labels": ",".join(f"{key}={value}" for key, value in one.labels),
        "LocalVolumes": str(len([mount for mount in one.mounts if not mount.startswith("/")])),
        "Mounts": ",".join(one.mounts),
        "Name": one.name,
        "Names": one.name,
        "Networks": ",".join(one.networks),
        "Ports": ", ".join(_port(*port) for port in one.ports),
        "Project": one.project,
        "Publishers": publishers,
        "RunningFor": one.running_for,
        "Service": one.address.name,
        "Size": "0B",
        "State": one.state,
        "Status": one.status,
    }


def _port(inside: int, outside: int, host: str, protocol: str) -> str:
    if not outside:
        return f"{inside}/{protocol}"
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{outside}->{inside}/{protocol}"
