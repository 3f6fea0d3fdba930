"""The radio network that is played: what its cells measure. It must not know where measurements go."""

from __future__ import annotations

import math
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_DAY = 24 * 60 * 60


@dataclass(slots=True)
class Cell:
    """`size` scales its traffic; `trouble` is above zero while the cell has a bad spell."""

    element: str
    name: str
    size: float
    trouble: float = 0.0


@dataclass(slots=True)
class Network:
    """Cells with a daily rhythm and bad spells, so that the KPIs have something to show."""

    cells: list[Cell]
    dice: random.Random = field(repr=False)

    @classmethod
    def build(cls, elements: int, cells_per_element: int, seed: int) -> Network:
        """The same numbers give the same network."""
        dice = random.Random(seed)
        cells = [
            Cell(f"gnb-{element:03d}", f"gnb-{element:03d}-{cell}", dice.uniform(0.5, 1.5))
            for element in range(1, elements + 1)
            for cell in range(1, cells_per_element + 1)
        ]
        return cls(cells, dice)

    def measure(self, moment: datetime) -> list[dict[str, Any]]:
        """One event for every cell, as ingest takes them; each has an id of its own, so it can be sent twice."""
        return [self._measure(cell, moment) for cell in self.cells]

    def _measure(self, cell: Cell, moment: datetime) -> dict[str, Any]:
        cell.trouble *= 0.9
        if self.dice.random() < 0.01:
            cell.trouble = self.dice.uniform(0.05, 0.25)
        second_of_day = moment.timestamp() % _DAY
        load = cell.size * (1.0 + 0.5 * math.sin(2 * math.pi * second_of_day / _DAY))
        attempts = max(1, round(self.dice.gauss(120 * load, 12)))
        failed = self._share(attempts, 0.01 + cell.trouble)
        dropped = self._share(attempts - failed, 0.004 + cell.trouble / 4)
        return {
            "event_id": str(uuid.uuid4()),
            "element": cell.element,
            "cell": cell.name,
            "measured_at": moment.astimezone(UTC).isoformat(timespec="milliseconds"),
            "counters": {
                "setup_attempts": attempts,
                "setup_successes": attempts - failed,
                "dropped_calls": dropped,
                "traffic_mb": round(max(0.0, self.dice.gauss(400 * load, 30)), 2),
                "latency_ms": round(max(1.0, self.dice.gauss(18 + 120 * cell.trouble, 2)), 2),
            },
        }

    def _share(self, count: int, probability: float) -> int:
        return sum(self.dice.random() < probability for _ in range(count))
