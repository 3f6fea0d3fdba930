"""Its data through backup, rehearsal and restore, as its playbook declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually
from tests.systems.rehearsal import backed_up, proven, restored, with_archives

if TYPE_CHECKING:
    from tests.systems.telecom.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.whole]


def test_an_archive_is_proven_and_brings_the_events_back(throwaway: Environment) -> None:
    with_archives(throwaway)
    throwaway.apply()
    assert eventually(lambda: throwaway.generated_events() > 20, within=60)
    # What was stored before the backup began: events go on coming.
    latest = throwaway.sql("select max(received_at) from pm_events")
    old = (
        "select count(*), md5(string_agg(e::text, '' order by e::text)) from pm_events e "
        f"where received_at < '{latest}'"
    )
    before = throwaway.sql(old)
    backed_up(throwaway, "service.postgres", "volume.grafana-data")
    proven(throwaway, ["ingest reaches postgres:5432", "the KPI view answers", "the dashboard's role can read"])

    throwaway.sql(f"delete from pm_events where received_at < '{latest}'")
    restored(throwaway, "--replace", "--prune")
    assert throwaway.sql(old) == before
    stored = throwaway.generated_events()
    assert eventually(lambda: throwaway.generated_events() > stored, within=60), "events come in again"
