"""What containers use, as `docker stats` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.docker_table import binary_size, decimal_size, docker_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.node import JSON
    from provisioner.model.usage import Usage

TITLES = {
    "ID": "CONTAINER ID", "Name": "NAME", "CPUPerc": "CPU %", "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %",
    "NetIO": "NET I/O", "BlockIO": "BLOCK I/O", "PIDs": "PIDS", "Container": "CONTAINER", "Service": "SERVICE",
}  # fmt: skip
_SHORT = 12


def stats_rows(usages: Sequence[Usage], *, whole_ids: bool) -> list[dict[str, JSON]]:
    """One row for each container, by Docker's names of the fields."""
    rows: list[dict[str, JSON]] = []
    for usage in usages:
        identity = usage.id if whole_ids else usage.id[:_SHORT]
        part = usage.memory / usage.memory_limit if usage.memory_limit else 0.0
        rows.append({
            "BlockIO": f"{decimal_size(usage.read)} / {decimal_size(usage.written)}",
            "CPUPerc": f"{usage.cpu * 100:.2f}%",
            "Container": identity,
            "ID": identity,
            "MemPerc": f"{part * 100:.2f}%",
            "MemUsage": f"{binary_size(usage.memory)} / {binary_size(usage.memory_limit)}",
            "Name": usage.name,
            "NetIO": f"{decimal_size(usage.received)} / {decimal_size(usage.sent)}",
            "PIDs": str(usage.processes),
            "Service": str(usage.address),
        })  # fmt: skip
    return rows


def stats_table(usages: Sequence[Usage], *, whole_ids: bool, width: int = 0) -> str:
    """The table of `docker stats`."""
    shown = list(TITLES)[:8]
    rows = stats_rows(usages, whole_ids=whole_ids)
    cells = [[str(row[key]) for key in shown] for row in rows]
    return docker_table(
        [TITLES[key] for key in shown], cells, width=width, spare=("BLOCK I/O", "NET I/O", "CONTAINER ID")
    )
