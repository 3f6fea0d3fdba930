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


def containers_text(containers: Sequence[ListedContainer], form: str, *, whole: bool = False, width: int = 0) -> str:
    """The containers in a form: `table`, `json` (a line each), or a template."""
    rows = [_row(container, whole=whole) for container in containers]
    if form == "table":
        cells = [[str(row[key]) for key in _SHOWN] for row in rows]
        spare = () if whole else ("COMMAND", "CREATED", "IMAGE")
        return docker_table([TITLES[key] for key in _SHOWN], cells, width=0 if whole else width, spare=spare)
    return formatted(form, TITLES, rows)


def _row(container: ListedContainer, *, whole: bool) -> dict[str, JSON]:
    command = (
        container.command
        if whole or len(container.command) <= _LONGEST_COMMAND
        else container.command[: _LONGEST_COMMAND - 1] + "…"
    )
    publishers: list[JSON] = [
        {"URL": host, "TargetPort": inside, "PublishedPort": outside, "Protocol": protocol}
        for inside, outside, host, protocol in container.ports
    ]
    made = datetime.fromtimestamp(container.created).astimezone()
    return {
        "Command": f'"{command}"',
        "CreatedAt": made.strftime("%Y-%m-%d %H:%M:%S %z %Z"),
        "ExitCode": container.exit_code,
        "Health": container.health,
        "ID": container.id if whole else container.id[:12],
        "Image": container.image,
        "Labels": ",".join(f"{key}={value}" for key, value in container.labels),
        "LocalVolumes": str(len([mount for mount in container.mounts if not mount.startswith("/")])),
        "Mounts": ",".join(container.mounts),
        "Name": container.name,
        "Names": container.name,
        "Networks": ",".join(container.networks),
        "Ports": ", ".join(_port(*port) for port in container.ports),
        "Project": container.project,
        "Publishers": publishers,
        "RunningFor": container.running_for,
        "Service": container.address.name,
        "Size": "0B",
        "State": container.state,
        "Status": container.status,
    }


def _port(inside: int, outside: int, host: str, protocol: str) -> str:
    if not outside:
        return f"{inside}/{protocol}"
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{outside}->{inside}/{protocol}"
