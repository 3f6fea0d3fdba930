"""The telecom system from nothing to nothing: first apply, destroy, apply again, destroy with its volumes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.systems.telecom.environment import SERVICES, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.systems.telecom.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_from_nothing_to_nothing_with_its_data_kept_in_between(throwaway: Environment) -> None:
    assert not throwaway.containers()

    with _first_events(throwaway) as first:
        assert " failed=0 " in throwaway.apply().summary
        time.sleep(1)
    _started_in_order(first)
    assert eventually(lambda: throwaway.generated_events() > 0, within=15)
    first_event = throwaway.sql("select event_id from pm_events order by id limit 1")

    assert throwaway.provision("destroy", "--yes").code == 0
    assert not throwaway.containers()
    assert not throwaway.networks()
    assert sorted(throwaway.volumes()) == [f"{throwaway.project}_grafana-data", f"{throwaway.project}_pgdata"]

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


@contextmanager
def _first_events(environment: Environment) -> Iterator[dict[tuple[str, str], int]]:
    """When each service did what for the first time. Heard live: the engine remembers only a few events."""
    first: dict[tuple[str, str], int] = {}
    stream = environment.engine.events(decode=True)

    def listen() -> None:
        for event in stream:
            name = event.get("Actor", {}).get("Attributes", {}).get("name", "")
            for service in SERVICES:
                if name.startswith(f"{environment.project}-{service}-"):
                    first.setdefault((service, event["Action"]), event["timeNano"])

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    yield first
    stream.close()
    listener.join(timeout=5)


def _started_in_order(first: dict[tuple[str, str], int]) -> None:
    """Nothing that needs postgres starts before postgres is healthy; pmgen not before ingest is."""
    for service, needs in (("ingest", "postgres"), ("grafana", "postgres"), ("pmgen", "ingest")):
        assert first[(needs, "health_status: healthy")] < first[(service, "start")], (service, needs)
