"""Its data through backup, rehearsal and restore, as its playbook declares them; and onto another engine."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
from typing import TYPE_CHECKING

import docker
import pytest

from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines
from tests.systems.environment import eventually
from tests.systems.rehearsal import backed_up, proven, restored, with_archives
from tests.systems.usage_tracking.environment import somebody, usage_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine_in_container import EngineInContainer
    from tests.systems.usage_tracking.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

ROWS = "select count(*), coalesce(sum(quantity), 0), max(event_id::text) from usage_events"
SUMS = "select count(*), sum(events), sum(quantity) from usage_by_minute"
CHUNKS = "select count(*) from timescaledb_information.chunks"
# A file beside those of Redis, whose image makes it its own at each start.
MARK = "cd /data && echo kept > mark && chown redis:redis mark && chmod 640 mark && touch -d '2001-02-03 04:05:06' mark"
STATE = "stat -c '%u %g %a %Y %s' /data/mark && cat /data/mark && redis-cli get kept"


def used(environment: Environment) -> str:
    """Bring it up and send events; the customer."""
    with_archives(environment)
    environment.apply()
    customer = somebody()
    assert environment.send(*[usage_event(customer, quantity=3) for _ in range(5)]).status == 202
    assert eventually(lambda: environment.total(customer) == (5, 15), within=30)
    return customer


def rows(environment: Environment) -> list[str]:
    return [environment.sql(query) for query in (ROWS, SUMS, CHUNKS)]


def bring_back(environment: Environment, customer: str) -> None:
    """Its rows through an archive that is proven in a rehearsal, and restored after they were deleted."""
    before, total = rows(environment), environment.total(customer)
    backed_up(environment, "service.postgres")
    proven(environment, ["the database is TimescaleDB, and usage_events a hypertable"])
    environment.sql("delete from usage_events; delete from usage_by_minute")
    restored(environment, "--replace", "--prune")
    assert rows(environment) == before
    assert environment.total(customer) == total


@pytest.fixture
def newer(engine_url: str) -> Iterator[EngineInContainer]:
    """An engine 28.5 with nothing on it."""
    project = f"pt-{secrets.token_hex(4)}"
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as outer:
        try:
            with contextlib.closing(Engines(outer, project)) as engines:
                yield engines.start("28.5")
        finally:
            remove_project(outer, project)


@pytest.mark.whole
def test_the_rows_and_files_on_an_engine_of_another_version(throwaway: Environment, newer: EngineInContainer) -> None:
    assert throwaway.engine.version()["Version"].startswith("20.10")
    customer = used(throwaway)
    throwaway.run_in("redis", f"{MARK} && redis-cli set kept yes")
    before = rows(throwaway), throwaway.run_in("redis", STATE)
    backed_up(throwaway, "service.postgres", "volume.redis_data")
    remove_project(throwaway.engine, throwaway.project)

    with contextlib.closing(docker.DockerClient(base_url=newer.url, timeout=120)) as engine:
        assert engine.version()["Version"].startswith("28.5")
        # What is published on loopback there is not to be reached from here.
        for playbook in throwaway.playbooks.glob("*.yml"):
            playbook.write_text(playbook.read_text().replace('"127.0.0.1:${', '"${'))
        there = dataclasses.replace(
            throwaway, engine=engine, host=newer.address, shell={"DOCKER_HOST": newer.url},
            variables={**throwaway.variables, throwaway.HOST: newer.address, "USAGE_SUBNET": "10.99.0.0/16"},
        )  # fmt: skip
        restored(there)
        assert (rows(there), there.run_in("redis", STATE)) == before
        assert there.total(customer) == (5, 15)
