"""campaign/prod on a real Swarm: Docker secrets, limits, restarts, and nothing secret where it can be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.systems.campaign.environment import OWN, SERVICES
from tests.systems.campaign.production import DATABASE_URL, VALUES
from tests.systems.environment import eventually, run
from tests.systems.swarm import run_in, service, tasks, versions

if TYPE_CHECKING:
    from tests.systems.campaign.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

SECRETS = {
    "postgres": {"postgres_password"},
    "redis": set(),
    "minio": {"s3_access_key", "s3_secret_key"},
    "migrate": {"database_url"},
    "create-bucket": {"s3_access_key", "s3_secret_key"},
    "api": {"database_url", "jwt_secret", "s3_access_key", "s3_secret_key"},
    "rules-engine": {"database_url"},
    "scheduler": {"database_url"},
    "frontend": set(),
}
REPLICAS = {"api": 2, "rules-engine": 2}


def test_every_acceptance_check_passes_on_swarm(prod: Environment) -> None:
    outcome = prod.provision("verify")
    assert outcome.code == 0, outcome.everything


def test_a_second_apply_changes_nothing_on_swarm(prod: Environment) -> None:
    before = versions(prod)
    assert " changed=0 " in prod.apply().summary
    assert versions(prod) == before
    plan = prod.provision("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.everything


@pytest.mark.parametrize("name", SERVICES)
def test_replicas_run_and_are_healthy(prod: Environment, name: str) -> None:
    assert len(tasks(prod, name)) == REPLICAS.get(name, 1)
    assert {task.attrs["State"]["Health"]["Status"] for task in tasks(prod, name)} == {"healthy"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits_and_is_started_again(prod: Environment, name: str) -> None:
    template = service(prod, name)["Spec"]["TaskTemplate"]
    limits = template["Resources"]["Limits"]
    assert limits["MemoryBytes"] > 0
    assert limits["NanoCPUs"] > 0
    assert template["RestartPolicy"]["Condition"] == "any"


@pytest.mark.parametrize("name", SECRETS)
def test_a_service_lists_the_docker_secrets_it_needs_under_constant_names(prod: Environment, name: str) -> None:
    container = service(prod, name)["Spec"]["TaskTemplate"]["ContainerSpec"]
    targets = {entry["File"]["Name"].removeprefix("/run/secrets/") for entry in container.get("Secrets") or ()}
    assert targets == SECRETS[name]


def test_secrets_arrive_byte_for_byte_for_their_own_user_only(prod: Environment) -> None:
    api, postgres = tasks(prod, "api")[0], tasks(prod, "postgres")[0]
    for name in SECRETS["api"]:
        value = {**VALUES, "database_url": DATABASE_URL}[name]
        assert run_in(api, f"cat /run/secrets/{name}") == value
        assert run_in(api, f"stat -Lc '%u %a' /run/secrets/{name}") == "1000 400"
    assert run_in(postgres, "stat -Lc '%u %a' /run/secrets/postgres_password") == "999 400"


def test_no_secret_value_is_where_it_could_be_read(prod: Environment) -> None:
    exposed = json.dumps([service(prod, name) for name in SECRETS])
    exposed += json.dumps(prod.engine.api.secrets()) + json.dumps(prod.engine.api.configs())
    for name in SERVICES:
        for task in tasks(prod, name):
            exposed += json.dumps(task.attrs) + json.dumps(task.top()) + task.logs().decode(errors="replace")
            if name in OWN:
                exposed += run_in(task, "tr '\\0' '\\n' </proc/1/environ")
    for command in ("plan", "status", "config", "logs"):
        exposed += prod.provision(command).everything
    for name, value in VALUES.items():
        assert value not in exposed, name


@pytest.mark.parametrize("name", OWN)
def test_an_own_service_does_not_run_as_root_and_mounts_no_sources(prod: Environment, name: str) -> None:
    task = tasks(prod, name)[0]
    assert int(run_in(task, "id -u")) != 0
    assert not [mount for mount in task.attrs["Mounts"] if mount["Type"] == "bind" and "secrets" not in mount["Source"]]
    assert task.attrs["HostConfig"]["ReadonlyRootfs"]


def test_only_the_frontend_is_published_and_the_backend_is_internal(prod: Environment) -> None:
    ports = {name: service(prod, name)["Spec"]["EndpointSpec"].get("Ports") or [] for name in SERVICES}
    (frontend,) = ports.pop("frontend")
    assert frontend["PublishedPort"] == int(prod.variables["FRONTEND_PORT"])
    assert not any(ports.values())
    networks = {each.name: each.attrs for each in prod.engine.networks.list() if each.name.startswith(prod.project)}
    assert networks[f"{prod.project}_backend-network"]["Internal"]
    assert {network["Driver"] for network in networks.values()} == {"overlay"}


def test_both_replicas_of_the_api_serve(prod: Environment) -> None:
    def served() -> set[str]:
        log = "".join(task.logs(tail=200).decode(errors="replace") for task in tasks(prod, "frontend"))
        requests = [json.loads(line) for line in log.splitlines() if '"message":"request"' in line]
        return {each["upstream"] for each in requests if each["path"] == "/api/health/live"}

    def both() -> bool:
        assert prod.ask("/api/health/live").status == 200
        return len(served()) > 1

    assert eventually(both, within=30)


def test_a_task_that_dies_is_replaced(prod: Environment) -> None:
    (before,) = tasks(prod, "scheduler")
    before.kill()

    def replaced() -> bool:
        now = tasks(prod, "scheduler")
        return [task.attrs["State"]["Health"]["Status"] for task in now if task.id != before.id] == ["healthy"]

    assert eventually(replaced, within=60)
    campaign = prod.campaign(prod.token())
    assert eventually(lambda: prod.ask(f"/api/campaigns/{campaign}").json["status"] == "active", within=20)


def test_an_asset_and_a_visit_go_their_way_on_swarm(prod: Environment) -> None:
    token = prod.token()
    campaign = prod.campaign(token)
    assert prod.upload(f"/api/campaigns/{campaign}/asset", b"an asset", "text/plain", token).status == 204
    assert prod.ask(f"/api/campaigns/{campaign}/asset").body == b"an asset"
    assert prod.ask("/api/visits", {"visitor": "near", "longitude": 13.4132, "latitude": 52.5219}).status == 202
    assert eventually(lambda: len(prod.ask(f"/api/campaigns/{campaign}/matches").json) == 1, within=15)


def test_a_value_that_was_forgotten_in_env_local_stops_production(prod: Environment) -> None:
    file = prod.playbooks / ".env.local"
    file.write_text("JWT_SECRET=forgotten-in-the-folder\n", encoding="utf-8")
    file.chmod(0o600)
    try:
        for command in ("plan", "apply"):
            outcome = prod.provision(command, *(["--yes"] if command == "apply" else []))
            assert outcome.code == 77, outcome.everything
            assert "jwt_secret" in outcome.messages
            assert "JWT_SECRET" in outcome.messages
            assert "forgotten-in-the-folder" not in outcome.everything
    finally:
        file.unlink()


def test_a_missing_secret_stops_production_before_anything_changes(prod: Environment) -> None:
    text = """\
environment: nothing
extends: prod.yml
secrets: {mail_password: {sources: [docker]}}
services: {api: {secrets: [mail_password]}}
"""
    (prod.playbooks / "nothing.yml").write_text(text, encoding="utf-8")
    outcome = run(prod.folder, "campaign/nothing", "apply", "--yes", variables=prod.variables, shell=prod.shell)
    assert outcome.code == 77, outcome.everything
    assert "mail_password" in outcome.messages
    assert not [each for each in prod.engine.services.list() if each.name.startswith("campaign-nothing")]


@pytest.mark.parametrize("name", ["api", "frontend"])
def test_the_logs_of_a_service_on_swarm_can_be_read(prod: Environment, name: str) -> None:
    outcome = prod.provision("logs", name, "--tail", "20")
    assert outcome.code == 0, outcome.everything
    assert outcome.output.strip()
