"""Reading, binding, comparing and planning by themselves, against an engine in memory: seconds of the processor."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measuring import run_here
from tests.unit.app.in_memory import in_memory, service


def apart(count: int) -> dict[str, Any]:
    """Services that do not need each other."""
    return {"name": "pure", "services": {f"s{i:05}": {"image": "app:1"} for i in range(count)}}


def chain(count: int) -> dict[str, Any]:
    """Services of which each needs the one before."""
    needs = [{"depends_on": [f"s{i - 1:05}"]} if i else {} for i in range(count)]
    return {"name": "pure", "services": {f"s{i:05}": service(**need) for i, need in enumerate(needs)}}


def plan_seconds(declared: dict[str, Any]) -> float:
    """What a plan for an empty engine takes."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        shop = in_memory(Path(folder), patch)
        shop.write(declared)
        return run_here(shop.plan).cpu
