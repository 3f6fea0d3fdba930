"""Data that outlive a destroy, and production on a Swarm: gunicorn behind nginx, scaled, no secret in sight."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import ask
from tests.systems.ichrisbirch.conftest import REDIS_CONF, VALUES
from tests.systems.ichrisbirch.environment import SERVICES, Environment
from tests.systems.lifetime import made_environment, started_in_order, watched
from tests.systems.swarm import run_in, service, tasks, versions

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.system]


@pytest.mark.slow
def test_from_nothing_to_nothing_with_its_data_kept_in_between(engine_url: str, tmp_path: Path) -> None:
    with made_environment(Environment, engine_url, tmp_path, "dev") as throwaway:
        with watched(engine_url, throwaway.project, SERVICES) as first:
            throwaway.apply()
        started_in_order(
            first,
            [
                ("redis", "postgres", "health_status: healthy"),
                ("api", "postgres", "health_status: healthy"),
                ("api", "redis", "health_status: healthy"),
                ("app", "api", "health_status: healthy"),
                ("scheduler", "api", "health_status: healthy"),
            ],
        )
        throwaway.add_habit("kept")
        assert throwaway.provision("destroy", "--yes").code == 0
        assert not throwaway.containers()
        throwaway.apply()
        assert throwaway.habits() == ["kept"]
        assert throwaway.provision("destroy", "--volumes", "--yes").code == 0
        assert not throwaway.containers()
        assert not throwaway.networks()
        assert not throwaway.volumes()


@pytest.mark.slow
def test_production_on_a_swarm(prod: Environment) -> None:
    assert " failed=0 " in prod.apply().summary
    before = versions(prod)
    assert " changed=0 " in prod.apply().summary
    assert versions(prod) == before
    assert prod.provision("plan", "--detailed-exitcode").code == 0
    for name in (*SERVICES, "nginx"):
        template = service(prod, name)["Spec"]["TaskTemplate"]
        assert template["RestartPolicy"]["Condition"] == "any"
        assert template["Resources"]["Limits"]["MemoryBytes"] > template["Resources"]["Reservations"]["MemoryBytes"] > 0
        assert template["ContainerSpec"]["Healthcheck"]["Test"][0] in ("CMD", "CMD-SHELL"), name
        assert not [mount for mount in template["ContainerSpec"].get("Mounts", []) if mount["Target"] == "/app"]
    api = tasks(prod, "api")[0]
    assert run_in(api, "id -u") == "10001"
    assert run_in(api, "cat /run/secrets/postgres_password") == VALUES["postgres_password"]
    shown = json.dumps([task.attrs for name in SERVICES for task in tasks(prod, name)])
    assert not [value for value in (*VALUES.values(), REDIS_CONF) if value in shown]

    prod.apply("--scale", "api=3")
    assert len(tasks(prod, "api")) == 3
    answers = {ask(f"{prod.url('API_EXTERNAL_PORT')}/habits/").status for _ in range(10)}
    assert answers == {200}
