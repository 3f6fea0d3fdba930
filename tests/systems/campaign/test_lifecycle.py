"""The campaign system from nothing to nothing: first apply, destroy, apply again, destroy with its volumes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.systems.campaign.environment import ONE_SHOTS, OWN, SERVICES
from tests.systems.environment import eventually
from tests.systems.lifetime import started_in_order, watched

if TYPE_CHECKING:
    from tests.systems.campaign.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

# As the system's description has it.
ENV_LOCAL = """\
# Database
POSTGRES_PASSWORD=campaign_pass

# MinIO / S3
S3_ACCESS_KEY=minio_access_key
S3_SECRET_KEY=minio_secret_key

# Auth
JWT_SECRET=your-secret-key-here
"""

FIRST_NEEDS = (
    ("migrate", "postgres", "health_status: healthy"),
    ("create-bucket", "minio", "health_status: healthy"),
    ("api", "postgres", "health_status: healthy"),
    ("api", "redis", "health_status: healthy"),
    ("api", "migrate", "die"),
    ("api", "create-bucket", "die"),
    ("rules-engine", "migrate", "die"),
    ("scheduler", "migrate", "die"),
    ("frontend", "api", "health_status: healthy"),
)


def test_from_nothing_to_nothing_with_its_data_kept_in_between(throwaway: Environment, engine_url: str) -> None:
    file = throwaway.playbooks / ".env.local"
    file.write_text(ENV_LOCAL, encoding="utf-8")
    file.chmod(0o600)

    services = {name for entry in FIRST_NEEDS for name in entry[:2]}
    with watched(engine_url, throwaway.project, services) as happened:
        assert " failed=0 " in throwaway.apply().summary
    started_in_order(happened, FIRST_NEEDS)
    _uses_the_values_of_its_file(throwaway)
    _started_without_errors(throwaway)

    token = throwaway.token()
    campaign = throwaway.campaign(token)
    assert throwaway.upload(f"/api/campaigns/{campaign}/asset", b"kept", "text/plain", token).status == 204
    assert throwaway.run_in("redis", "redis-cli set kept yes") == "OK"

    for service in OWN:
        container = throwaway.container(service)
        container.stop(timeout=10)
        container.reload()
        assert container.attrs["State"]["ExitCode"] == 0, service

    assert throwaway.provision("destroy", "--yes").code == 0
    assert not throwaway.containers()
    assert not throwaway.networks()
    kept = [f"{throwaway.project}_{name}" for name in ("minio-data", "postgres-data", "redis-data")]
    assert throwaway.volumes() == kept

    throwaway.apply()
    assert throwaway.ask(f"/api/campaigns/{campaign}").json["name"] == "Opening"
    assert throwaway.ask(f"/api/campaigns/{campaign}/asset").body == b"kept"
    assert throwaway.run_in("redis", "redis-cli get kept") == "yes"

    assert throwaway.provision("destroy", "--volumes", "--yes").code == 0
    assert not throwaway.containers()
    assert not throwaway.networks()
    assert not throwaway.volumes()


def _started_without_errors(environment: Environment) -> None:
    for service in ("api", "rules-engine", "scheduler"):
        lines = [json.loads(line) for line in environment.container(service).logs().decode().splitlines()]
        assert lines, service
        assert [line for line in lines if line["level"] not in ("debug", "info")] == [], service
    for service in (*SERVICES, *ONE_SHOTS):
        assert environment.container(service).attrs["RestartCount"] == 0, service


def _uses_the_values_of_its_file(environment: Environment) -> None:
    address = environment.run_in("api", "cat /run/secrets/database_url")
    assert address == "postgres://campaign_user:campaign_pass@postgres:5432/campaign_db"
    assert environment.run_in("api", "cat /run/secrets/jwt_secret") == "your-secret-key-here"
    assert environment.run_in("minio", "cat /run/secrets/s3_access_key") == "minio_access_key"
    assert (environment.playbooks / ".env.local").read_text(encoding="utf-8") == ENV_LOCAL
    assert eventually(lambda: environment.ask("/api/health").status == 200, within=15)
