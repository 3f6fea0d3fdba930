"""Its data through backup, rehearsal and restore, as its playbook declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually, run
from tests.systems.usage_tracking.environment import somebody, usage_event

if TYPE_CHECKING:
    from tests.systems.usage_tracking.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

ROWS = "select count(*), coalesce(sum(quantity), 0), max(event_id::text) from usage_events"
SUMS = "select count(*), sum(events), sum(quantity) from usage_by_minute"
CHUNKS = "select count(*) from timescaledb_information.chunks"


def test_an_archive_is_proven_and_brings_the_rows_back(throwaway: Environment) -> None:
    with (throwaway.playbooks / f"{throwaway.name}.yml").open("a", encoding="utf-8") as playbook:
        playbook.write("backup: {to: ./archives}\n")
    throwaway.apply()
    customer = somebody()
    assert throwaway.send(*[usage_event(customer, quantity=3) for _ in range(5)]).status == 202
    assert eventually(lambda: throwaway.total(customer) == (5, 15), within=30)
    before = [throwaway.sql(query) for query in (ROWS, SUMS, CHUNKS)]
    saved = throwaway.provision("backup")
    assert saved.code == 0, saved.everything

    objects = throwaway.identities(), throwaway.volumes(), throwaway.networks()
    rehearsed = throwaway.provision("rehearse", "--latest")
    assert rehearsed.code == 0, rehearsed.everything
    assert "is proven" in rehearsed.output
    assert "✔ the database is TimescaleDB, and usage_events a hypertable" in rehearsed.output
    assert (throwaway.identities(), throwaway.volumes(), throwaway.networks()) == objects

    throwaway.sql("delete from usage_events; delete from usage_by_minute")
    target = f"{throwaway.SYSTEM}/{throwaway.name}"
    restored = run(
        throwaway.folder, "latest", "restore", target, "--yes", "--replace", "--prune", variables=throwaway.variables,
    )  # fmt: skip
    assert restored.code == 0, restored.everything
    assert [throwaway.sql(query) for query in (ROWS, SUMS, CHUNKS)] == before
    assert throwaway.total(customer) == (5, 15)
    assert throwaway.provision("plan", "--detailed-exitcode").code == 0
