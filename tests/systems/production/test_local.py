"""`provision apply` with all that `playbooks/local.yml` lists: five systems beside each other on one plain engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.systems.lifetime import engine_of_its_own
from tests.systems.production.environment import Production

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.engine, pytest.mark.system, pytest.mark.whole, pytest.mark.timeout(3600),
    pytest.mark.xdist_group("production"),
]  # fmt: skip

ALL = ("--tags", "all,others", "--no-verify")
PLAYS = ("Telecom", "Campaign", "Usage tracking", "Ichrisbirch", "Stock tracker")


def test_all_five_run_beside_each_other_on_a_fresh_engine(engine_url: str, tmp_path: Path) -> None:
    """Their ports are on that engine's loopback, out of reach of the checks; every service is healthy."""
    with engine_of_its_own(engine_url) as (machine, engine):
        local = Production.make(tmp_path, machine.url, machine.address)
        first = local.apply(*ALL, target="local")
        failed = [line for line in first["everything"].splitlines() if '"failed"' in line or '"state":"failed"' in line]
        assert [(play["name"], play["state"]) for play in first["plays"]] == [(name, "done") for name in PLAYS], failed
        second = local.apply(*ALL, target="local")
        assert [(play["name"], play["changed"]) for play in second["plays"]] == [(name, 0) for name in PLAYS], second
        states = {each.name: each.attrs["State"] for each in engine.containers.list()}
        assert {state["Health"]["Status"] for state in states.values()} == {"healthy"}, json.dumps(states)
        assert len(states) == 31
