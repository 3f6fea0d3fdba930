"""The telecom system from nothing to nothing: first apply, destroy, apply again, destroy with its volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually
from tests.systems.lifetime import started_in_order, watched
from tests.systems.telecom.environment import SERVICES

if TYPE_CHECKING:
    from tests.systems.telecom.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

# Nothing that needs postgres starts before postgres is healthy; pmgen not before ingest is.
FIRST_NEEDS = (
    ("ingest", "postgres", "health_status: healthy"),
    ("grafana", "postgres", "health_status: healthy"),
    ("pmgen", "ingest", "health_status: healthy"),
)


def test_from_nothing_to_nothing_with_its_data_kept_in_between(throwaway: Environment, engine_url: str) -> None:
    assert not throwaway.containers()

    with watched(engine_url, throwaway.project, SERVICES) as first:
        assert " failed=0 " in throwaway.apply().summary
    started_in_order(first, FIRST_NEEDS)
    assert eventually(lambda: throwaway.generated_events() > 0, within=15)
    first_event = throwaway.sql("select event_id from pm_events order by id limit 1")

    assert throwaway.provision("destroy", "--yes").code == 0
    assert not throwaway.containers()
    assert not throwaway.networks()
    assert throwaway.volumes() == [f"{throwaway.project}_grafana-data", f"{throwaway.project}_pgdata"]

    throwaway.apply()
    assert throwaway.sql("select event_id from pm_events order by id limit 1") == first_event

    stopped_well = {service: throwaway.container(service) for service in ("ingest", "pmgen")}
    for service, container in stopped_well.items():
        container.stop(timeout=10)
        container.reload()
        assert container.attrs["State"]["ExitCode"] == 0, service

    assert throwaway.provision("destroy", "--volumes", "--yes").code == 0
    assert not throwaway.containers()
    assert not throwaway.networks()
    assert not throwaway.volumes()
