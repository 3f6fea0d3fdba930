"""What the playbooks and the files beside them say, without an engine."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.systems.campaign.environment import ONE_SHOTS, OWN, PLAYBOOKS, SECRETS, SERVICES
from tests.systems.environment import ROOT, copied, run

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENTS = ("local", "dev", "prod", "prod-aws")
VOLUMES = {"postgres-data", "redis-data", "minio-data"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("campaign-config")
    copied("campaign", folder)
    return folder


@pytest.fixture(scope="module")
def configs(folder: Path) -> dict[str, dict[str, Any]]:
    """The resolved playbook of every environment."""
    return {name: _config(folder, name) for name in ENVIRONMENTS}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_lint_finds_nothing(folder: Path, name: str) -> None:
    outcome = run(folder, f"campaign/{name}", "lint", shell={"DOCKER_HOST": "unix:///nowhere"})
    assert outcome.code == 0, outcome.everything
    assert "Nothing found" in outcome.output


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_environment_has_the_same_services_networks_and_volumes(configs: dict[str, Any], name: str) -> None:
    config = configs[name]
    assert set(config["services"]) == {*SERVICES, *ONE_SHOTS}
    assert set(config["networks"]) == {"backend-network", "frontend-network"}
    assert set(config["volumes"]) == VOLUMES


def test_the_documented_ports_and_variables_are_the_defaults(configs: dict[str, Any]) -> None:
    services = configs["local"]["services"]
    assert services["api"]["ports"][0]["published"] == "3000"
    assert [port["published"] for port in services["minio"]["ports"]] == ["9000", "9001"]
    environment = services["api"]["environment"]
    assert (environment["REDIS_URL"], environment["S3_ENDPOINT"]) == ("redis://redis:6379", "http://minio:9000")
    assert (environment["S3_BUCKET"], environment["JWT_EXPIRATION"]) == ("campaign-assets", "7d")
    modes = {name: configs[name]["services"]["api"]["environment"]["NODE_ENV"] for name in ENVIRONMENTS}
    assert modes == {**dict.fromkeys(ENVIRONMENTS, "production"), "dev": "development"}
    assert services["postgres"]["environment"]["POSTGRES_USER"] == "campaign_user"
    assert services["postgres"]["environment"]["POSTGRES_DB"] == "campaign_db"


def test_local_and_dev_can_run_side_by_side(configs: dict[str, Any]) -> None:
    ports = [_published(configs[name]) for name in ("local", "dev")]
    assert not ports[0] & ports[1]
    assert not _names(configs["local"]) & _names(configs["dev"])


@pytest.mark.parametrize("name", ["local", "dev"])
def test_a_service_that_ends_is_started_again_unless_it_was_stopped(configs: dict[str, Any], name: str) -> None:
    services = configs[name]["services"]
    assert {services[service]["restart"] for service in SERVICES} == {"unless-stopped"}


@pytest.mark.parametrize("service", OWN)
def test_development_mounts_the_sources_and_production_does_not(configs: dict[str, Any], service: str) -> None:
    sources = {mount["target"] for mount in configs["dev"]["services"][service]["volumes"] if mount["type"] == "bind"}
    assert f"/app/packages/{service}/src" in sources
    for name in ("local", "prod", "prod-aws"):
        mounts = configs[name]["services"][service].get("volumes", [])
        assert not [mount for mount in mounts if mount["type"] == "bind"], name


@pytest.mark.parametrize("name", ["prod", "prod-aws"])
def test_production_has_limits_restarts_and_docker_secrets(configs: dict[str, Any], name: str) -> None:
    for service in SERVICES:
        deploy = configs[name]["services"][service]["deploy"]
        assert {"cpus", "memory"} <= set(deploy["resources"]["limits"]), service
        assert deploy["restart_policy"]["condition"] == "any", service
    jwt = [entry for entry in configs[name]["services"]["api"]["secrets"] if entry["source"] == "jwt_secret"]
    assert jwt[0]["target"] == "jwt_secret"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_secret_is_a_variable_of_a_service(configs: dict[str, Any], name: str) -> None:
    for service, body in configs[name]["services"].items():
        for variable, value in body.get("environment", {}).items():
            secret = variable in (*SECRETS, "DATABASE_URL", "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")
            assert not secret, (service, variable)
            assert "://" not in str(value) or "@" not in str(value), (service, variable)


def test_production_takes_secrets_from_docker_then_aws_and_prod_aws_from_aws_alone(configs: dict[str, Any]) -> None:
    for key in ("postgres_password", "jwt_secret", "s3_access_key", "s3_secret_key"):
        assert configs["prod"]["secrets"][key]["sources"] == ["docker", "aws"]
        assert configs["prod-aws"]["secrets"][key]["sources"] == ["aws"]
    assert _names(configs["prod"]) == _names(configs["prod-aws"])


@pytest.mark.parametrize("service", OWN)
def test_images_are_built_in_several_stages_and_do_not_end_as_root(service: str) -> None:
    lines = (PLAYBOOKS / "packages" / service / "Dockerfile").read_text(encoding="utf-8").splitlines()
    stages = [line for line in lines if line.startswith("FROM ")]
    assert len(stages) > 1
    last = lines[max(index for index, line in enumerate(lines) if line.startswith("FROM ")) :]
    users = [line for line in last if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("USER root", "USER 0")


def test_the_example_of_variables_names_every_variable_of_the_playbooks(folder: Path) -> None:
    example = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (PLAYBOOKS / ".env.example").read_text(encoding="utf-8"), re.M))
    texts = "".join((PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8") for name in ("base", "local", "dev"))
    used = set(re.findall(r"(?<!\$)\$\{([A-Z][A-Z0-9_]*)", texts)) - {"COMPOSE_PROJECT_NAME"}
    assert example == used


def test_the_example_of_secrets_can_be_used_as_it_is(folder: Path) -> None:
    text = (PLAYBOOKS / ".env.local.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^([A-Z0-9_]+)=\S", text, re.M)) == set(SECRETS)
    file = folder / "playbooks" / "campaign" / ".env.local"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    try:
        outcome = run(folder, "campaign/local", "config", "--explain", "jwt_secret")
    finally:
        file.unlink()
    assert outcome.code == 0, outcome.everything
    assert "env_local" in outcome.output
    assert "your-secret-key-here" not in outcome.everything


def test_no_value_of_a_secret_is_declared() -> None:
    text = (ROOT / "secrets" / "campaign.yml").read_text(encoding="utf-8")
    assert not re.search(r"^\s+(value|content|data):", text, re.M)


def test_the_guide_to_aws_names_the_secrets_that_production_asks_for(configs: dict[str, Any]) -> None:
    guide = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")
    asked = {key for key, body in configs["prod-aws"]["secrets"].items() if body.get("sources") == ["aws"]}
    assert set(re.findall(r"^\| `campaign/prod/([a-z0-9_]+)`", guide, re.M)) == asked
    policies = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", guide, re.S)]
    read = [
        statement for statement in policies[0]["Statement"] if "secretsmanager:GetSecretValue" in statement["Action"]
    ]
    assert [statement["Resource"].rpartition(":")[2] for statement in read] == ["campaign/prod/*"]


def _config(folder: Path, name: str) -> dict[str, Any]:
    outcome = run(folder, f"campaign/{name}", "config", "--format", "json")
    assert outcome.code == 0, outcome.everything
    return dict(json.loads(outcome.output))


def _published(config: dict[str, Any]) -> set[str]:
    return {port["published"] for body in config["services"].values() for port in body.get("ports", [])}


def _names(config: dict[str, Any]) -> set[str]:
    """What its objects are called on an engine."""
    return {body["name"] for kind in ("networks", "volumes") for body in config[kind].values()}
