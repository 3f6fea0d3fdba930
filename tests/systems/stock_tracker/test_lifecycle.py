"""The stock-tracker system from nothing to nothing, with its prices kept in between; its production on a Swarm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually, run
from tests.systems.lifetime import started_in_order, watched
from tests.systems.stock_tracker.conftest import PASSWORD
from tests.systems.stock_tracker.environment import SERVICES
from tests.systems.swarm import run_in, service, tasks, versions

if TYPE_CHECKING:
    from tests.systems.stock_tracker.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_from_nothing_to_nothing_with_its_data_kept_in_between(throwaway: Environment, engine_url: str) -> None:
    with watched(engine_url, throwaway.project, SERVICES) as first:
        assert " failed=0 " in throwaway.apply().summary
    started_in_order(
        first,
        [
            ("backend", "timescaledb", "health_status: healthy"),
            ("backend", "redis", "health_status: healthy"),
            ("frontend", "backend", "health_status: healthy"),
        ],
    )
    assert eventually(lambda: throwaway.stored() > 0, within=30)
    first_price = throwaway.sql("select min(at) from ticks")
    for name in ("backend", "frontend"):
        container = throwaway.container(name)
        container.stop(timeout=15)
        container.reload()
        assert container.attrs["State"]["ExitCode"] == 0, name

    assert throwaway.provision("destroy", "--yes").code == 0
    assert not throwaway.containers()
    assert not throwaway.networks()
    throwaway.apply("--no-verify")
    assert throwaway.sql("select min(at) from ticks") == first_price

    changed = throwaway.apply("--no-verify", variables={**throwaway.variables, "SYMBOLS": "AAA,BBB"})
    assert " failed=0 " in changed.summary
    wanted = {"AAA", "BBB"}
    assert eventually(lambda: wanted <= {tick["symbol"] for tick in throwaway.page("/api/prices").json}, within=30)

    assert throwaway.provision("destroy", "--volumes", "--yes").code == 0
    assert not throwaway.containers()
    assert not throwaway.networks()
    assert not throwaway.volumes()


def test_all_are_healthy_within_thirty_seconds_on_warm_images(throwaway: Environment, engine_url: str) -> None:
    """From the start of the first container, with an empty database, to the last service that becomes healthy.

    The best of three: what else a machine has to do at that moment is not what is measured.
    """
    for command in (("build",), ("pull", "--ignore-buildable")):
        prepared = throwaway.provision(*command)
        assert prepared.code == 0, prepared.everything
    runs = []
    while len(runs) < 3 and (not runs or max(runs[-1].values()) > 30):
        with watched(engine_url, throwaway.project, SERVICES) as first:
            throwaway.apply("--no-verify")
        started = min(first[(name, "start")] for name in SERVICES)
        runs.append({name: (first[(name, "health_status: healthy")] - started) / 1e9 for name in SERVICES})
        assert throwaway.provision("destroy", "--volumes", "--yes").code == 0
    assert max(runs[-1].values()) <= 30, runs


def test_lint_finds_nothing_that_is_not_waived(throwaway: Environment) -> None:
    for target in ("local", "prod"):
        outcome = run(throwaway.folder, f"stock-tracker/{target}", "lint", "--json")
        assert outcome.code == 0, (target, outcome.everything)
        assert json.loads(outcome.output)["findings"] == [], target


@pytest.mark.slow
def test_production_on_a_swarm(prod: Environment) -> None:
    assert " failed=0 " in prod.apply().summary
    before = versions(prod)
    assert " changed=0 " in prod.apply().summary
    assert versions(prod) == before
    assert prod.provision("plan", "--detailed-exitcode").code == 0
    for name in SERVICES:
        template = service(prod, name)["Spec"]["TaskTemplate"]
        assert template["RestartPolicy"]["Condition"] == "any"
        assert template["Resources"]["Limits"]["MemoryBytes"] > 0
    (database,), (backend,) = tasks(prod, "timescaledb"), tasks(prod, "backend")
    assert run_in(database, "cat /run/secrets/db_password") == PASSWORD
    assert PASSWORD not in json.dumps([database.attrs, backend.attrs])
    assert run_in(backend, "id -u") == "10001"
    assert [name for name in SERVICES if service(prod, name)["Endpoint"].get("Ports")] == ["frontend"]
