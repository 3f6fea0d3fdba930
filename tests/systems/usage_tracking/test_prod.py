"""usage-tracking/prod on a real Swarm: Docker secrets, three gateways, a new version of them under load."""

from __future__ import annotations

import json
import secrets
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.ports import unused_port
from tests.systems.environment import eventually
from tests.systems.lifetime import SWIFT, bring_images, swarm_of_one_node
from tests.systems.swarm import run_in, service, tasks, versions
from tests.systems.usage_tracking.environment import (
    APPLICATIONS,
    CORE,
    MONITORING,
    Environment,
    somebody,
    usage_event,
)
from tests.systems.usage_tracking.load import under_load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker.models.containers import Container

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.slow]

VALUES = {"postgres_password": "canary0postgres0password0e41", "grafana_admin_password": "canary0grafana0password0b7c"}
DATABASE_URL = f"postgresql://usage_user:{VALUES['postgres_password']}@postgres:5432/usage_tracking"
REPLICAS = {"api_gateway": 3, "event_processor": 2}


@pytest.fixture(scope="module")
def prod(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends prod.yml, applied once on a Swarm of one node with its Docker secrets."""
    with swarm_of_one_node(engine_url) as (machine, engine):
        for key, value in {**VALUES, "database_url": DATABASE_URL}.items():
            engine.secrets.create(name=key, data=value.encode())
        environment = Environment.make(
            tmp_path_factory.mktemp("usage-tracking-prod"), f"pt{secrets.token_hex(3)}", "prod", engine,
            host=machine.address, shell={"DOCKER_HOST": machine.url}, profiles=("production", "monitoring"),
            variables={"ENTRY_PORT": str(unused_port()), "USAGE_SUBNET": "10.99.0.0/16", **SWIFT},
        )  # fmt: skip
        bring_images(environment, engine_url)
        environment.apply()
        yield environment


def test_every_acceptance_check_passes_on_swarm(prod: Environment) -> None:
    outcome = prod.provision("verify")
    assert outcome.code == 0, outcome.everything


def test_a_second_apply_changes_nothing_on_swarm(prod: Environment) -> None:
    before = versions(prod)
    assert " changed=0 " in prod.apply().summary
    assert versions(prod) == before


def test_replicas_run_and_are_healthy(prod: Environment) -> None:
    for name in (*CORE, "nginx", *MONITORING):
        states = [task.attrs["State"]["Health"]["Status"] for task in tasks(prod, name)]
        assert states == ["healthy"] * REPLICAS.get(name, 1), name


def test_only_the_balancer_and_the_dashboard_are_published(prod: Environment) -> None:
    names = (*CORE, "nginx", *MONITORING)
    ports = {name: service(prod, name)["Spec"]["EndpointSpec"].get("Ports") or [] for name in names}
    published = {name: [each["PublishedPort"] for each in entries] for name, entries in ports.items() if entries}
    assert published == {
        "nginx": [int(prod.variables["ENTRY_PORT"])],
        "grafana": [int(prod.variables["GRAFANA_PORT"])],
    }


def test_no_secret_value_is_where_it_could_be_read(prod: Environment) -> None:
    exposed = json.dumps([service(prod, name) for name in (*CORE, *MONITORING, "migrate")])
    exposed += json.dumps(prod.engine.api.secrets()) + json.dumps(prod.engine.api.configs())
    for name in CORE:
        for task in tasks(prod, name):
            exposed += json.dumps(task.attrs) + json.dumps(task.top()) + task.logs().decode(errors="replace")
    for name in APPLICATIONS:
        exposed += run_in(tasks(prod, name)[0], "tr '\\0' '\\n' </proc/1/environ")
        # On a busy machine an engine may lose what a command that ends at once has printed.
        assert eventually(partial(_has_its_secret, tasks(prod, name)[0]), within=10), name
    for command in ("plan", "status", "config", "logs"):
        exposed += prod.provision(command).everything
    for key, value in VALUES.items():
        assert value not in exposed, key


def _has_its_secret(task: Container) -> bool:
    return run_in(task, "cat /run/secrets/database_url") == DATABASE_URL


def test_promtail_ships_the_logs_of_the_tasks(prod: Environment) -> None:
    customer = somebody()
    assert prod.send(usage_event(customer)).status == 202
    query = "http://127.0.0.1:3100/loki/api/v1/label/service/values"

    def shipped() -> set[str]:
        return set(json.loads(run_in(tasks(prod, "loki")[0], f"wget -q -O - {query}"))["data"])

    assert eventually(lambda: {*CORE, "nginx"} <= shipped(), within=60)


def test_gateways_are_updated_one_after_the_other_and_no_request_fails_on_swarm(prod: Environment) -> None:
    before = {task.id for task in tasks(prod, "api_gateway")}
    customer = somebody()
    with under_load(prod, customer) as load:
        # Another one than what runs has, however often this test has run.
        (limit,) = (each.split("=")[1] for each in _variables(prod) if each.startswith("QUEUE_LIMIT="))
        prod.apply(variables={**prod.variables, "QUEUE_LIMIT": str(int(limit) - 1)})
    after = {task.id for task in tasks(prod, "api_gateway")}
    assert len(after) == 3
    assert not before & after
    assert load.failed == []
    assert eventually(lambda: prod.total(customer) == (load.sent, load.sent), within=60)


def _variables(prod: Environment) -> list[str]:
    return list(service(prod, "api_gateway")["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"])
