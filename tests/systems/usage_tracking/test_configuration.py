"""What the playbooks and the files beside them say, without an engine."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.systems.environment import ROOT, copied, run
from tests.systems.usage_tracking.environment import (
    APPLICATIONS,
    CORE,
    MONITORING,
    PLAYBOOKS,
    SECRETS,
    STORES,
    VOLUMES,
)

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENTS = ("local", "balanced", "dev", "prod")
ALL = (*CORE, "migrate", "nginx", *MONITORING)
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usage-tracking-config")
    copied("usage-tracking", folder)
    return folder


@pytest.fixture(scope="module")
def configs(folder: Path) -> dict[str, dict[str, Any]]:
    """The resolved playbook of every environment, with all profiles; and of base, which has none of its own."""
    return {name: _config(folder, name, "production", "monitoring") for name in ("base", *ENVIRONMENTS)}


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("profiles", [(), ("production", "monitoring")])
def test_lint_finds_nothing(folder: Path, name: str, profiles: tuple[str, ...]) -> None:
    outcome = run(folder, f"usage-tracking/{name}", "lint", profiles=profiles, shell=NO_ENGINE)
    assert outcome.code == 0, outcome.everything
    assert "Nothing found" in outcome.output


@pytest.mark.parametrize(
    ("profiles", "more"),
    [
        ((), ()),
        (("production",), ("nginx",)),
        (("monitoring",), MONITORING),
        (("production", "monitoring"), ("nginx", *MONITORING)),
    ],
)
def test_a_profile_adds_its_services_and_nothing_else(
    folder: Path, profiles: tuple[str, ...], more: tuple[str, ...]
) -> None:
    assert set(_config(folder, "local", *profiles)["services"]) == {*CORE, "migrate", *more}


def test_the_documented_ports_are_the_defaults(configs: dict[str, Any]) -> None:
    services = configs["base"]["services"]
    published = {
        name: [(port["published"], port["target"]) for port in body.get("ports", [])]
        for name, body in services.items()
        if body.get("ports")
    }
    assert published == {
        "postgres": [("5432", 5432)],
        "redis": [("6379", 6379)],
        "api_gateway": [("8000", 8000)],
        "query_service": [("8002", 8002)],
        "nginx": [("80", 80)],
        "prometheus": [("9090", 9090)],
        "grafana": [("3000", 3000)],
        "loki": [("3100", 3100)],
    }


def test_the_documented_network_database_and_user_are_the_defaults(configs: dict[str, Any]) -> None:
    base = configs["base"]
    network = base["networks"]["usage_network"]
    assert network["driver"] == "bridge"
    assert network["ipam"]["config"] == [{"subnet": "172.20.0.0/16"}]
    assert all(set(body["networks"]) == {"usage_network"} for body in base["services"].values())
    variables = base["services"]["postgres"]["environment"]
    assert (variables["POSTGRES_DB"], variables["POSTGRES_USER"]) == ("usage_tracking", "usage_user")
    assert set(base["volumes"]) == set(VOLUMES)
    gateway = base["services"]["api_gateway"]["environment"]
    assert (gateway["API_HOST"], gateway["API_PORT"], gateway["LOG_LEVEL"]) == ("0.0.0.0", "8000", "INFO")
    assert gateway["REDIS_URL"] == "redis://redis:6379/0"


@pytest.mark.parametrize("name", ("base", *ENVIRONMENTS))
@pytest.mark.parametrize("service", APPLICATIONS)
def test_an_application_has_half_a_processor_and_512_megabytes(
    configs: dict[str, Any], name: str, service: str
) -> None:
    limits = configs[name]["services"][service]["deploy"]["resources"]["limits"]
    assert (float(limits["cpus"]), int(limits["memory"])) == (0.5, 512 * 1024 * 1024)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_service_but_the_one_shot_has_a_health_check_and_limits(configs: dict[str, Any], name: str) -> None:
    for service in set(ALL) - {"migrate"}:
        body = configs[name]["services"][service]
        assert body["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), service
        assert {"cpus", "memory"} <= set(body["deploy"]["resources"]["limits"]), service


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_order_is_stores_then_migrations_then_applications_then_the_rest(
    configs: dict[str, Any], name: str
) -> None:
    services = configs[name]["services"]
    needs = {service: _needs(body) for service, body in services.items()}
    assert needs["migrate"] == {"postgres": "service_healthy"}
    for service in APPLICATIONS:
        stores = {"postgres"} if service == "aggregation_service" else set(STORES)
        assert needs[service] == {
            **dict.fromkeys(stores, "service_healthy"),
            "migrate": "service_completed_successfully",
        }, service
    assert needs["nginx"] == {"api_gateway": "service_healthy", "query_service": "service_healthy"}
    assert needs["prometheus"] == needs["loki"] == dict.fromkeys(APPLICATIONS, "service_healthy")
    assert needs["grafana"] == {"prometheus": "service_healthy", "loki": "service_healthy"}
    assert needs["promtail"] == {"loki": "service_healthy"}


def test_the_migration_is_alembic_once(configs: dict[str, Any]) -> None:
    migrate = configs["base"]["services"]["migrate"]
    assert migrate["command"] == ["python", "-m", "alembic", "upgrade", "head"]
    assert migrate["restart"] == "no"


@pytest.mark.parametrize("service", ("migrate", *APPLICATIONS))
def test_images_are_built_in_several_stages_and_do_not_end_as_root(configs: dict[str, Any], service: str) -> None:
    build = configs["base"]["services"][service]["build"]
    assert build["dockerfile"] == f"Dockerfile.{service}"
    text = (PLAYBOOKS / "services" / build["dockerfile"]).read_text(encoding="utf-8")
    for stage in re.split(r"^FROM ", text, flags=re.M)[2:]:
        users = re.findall(r"^USER (\S+)", stage, re.M)
        assert users, stage
        assert users[-1] == "10001:10001"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_images_are_pinned(configs: dict[str, Any], name: str) -> None:
    for service in (*STORES, "nginx", *MONITORING):
        tag = configs[name]["services"][service]["image"].rpartition(":")[2]
        assert re.search(r"\d", tag), service


def test_the_documented_files_are_there() -> None:
    for name in (
        "init-timescale.sql", "nginx.conf", "prometheus.yml", "loki/loki.yml", "promtail/promtail.yml",
        "grafana/provisioning/datasources/usage-tracking.yml", "grafana/provisioning/dashboards/usage-tracking.yml",
        "grafana/dashboards/usage-tracking.json",
    ):  # fmt: skip
        assert (PLAYBOOKS / "docker" / name).is_file(), name


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_secret_is_a_variable_of_a_service(configs: dict[str, Any], name: str) -> None:
    for service, body in configs[name]["services"].items():
        for variable, value in (body.get("environment") or {}).items():
            assert variable not in (*SECRETS, "DATABASE_URL", "POSTGRES_PASSWORD"), (service, variable)
            assert "://" not in str(value) or "@" not in str(value), (service, variable)


def test_production_takes_its_secrets_from_docker_or_aws_and_publishes_two_ports(configs: dict[str, Any]) -> None:
    prod = configs["prod"]
    for name in ("postgres_password", "database_url", "grafana_admin_password"):
        assert prod["secrets"][name]["sources"] == ["docker", "aws"], name
    published = {name for name, body in prod["services"].items() if body.get("ports")}
    assert published == {"nginx", "grafana"}
    assert prod["services"]["api_gateway"]["deploy"]["update_config"]["order"] == "start-first"
    assert prod["networks"]["usage_network"]["driver"] == "overlay"


def test_local_and_dev_can_run_side_by_side(configs: dict[str, Any]) -> None:
    local, dev = (
        {port["published"] for body in configs[name]["services"].values() for port in body.get("ports", [])}
        for name in ("local", "dev")
    )
    assert not local & dev
    subnets = {configs[name]["networks"]["usage_network"]["ipam"]["config"][0]["subnet"] for name in ("local", "dev")}
    assert len(subnets) == 2


@pytest.mark.parametrize("service", APPLICATIONS)
def test_development_mounts_the_sources_and_the_others_do_not(configs: dict[str, Any], service: str) -> None:
    mounts = {name: configs[name]["services"][service].get("volumes", []) for name in ENVIRONMENTS}
    assert {mount["target"] for mount in mounts.pop("dev")} == {"/app/common", f"/app/{service}"}
    assert not any(mounts.values())


@pytest.mark.parametrize("name", ["base", "local"])
def test_the_exported_file_is_a_compose_file(folder: Path, name: str) -> None:
    """Nothing but Compose's words is in it, and read again it declares the same services."""
    outcome = run(folder, f"usage-tracking/{name}", "export", "-o", "compose.yaml")
    assert outcome.code == 0, outcome.everything
    file = folder / "playbooks" / "usage-tracking" / "compose.yaml"
    text = (file if file.exists() else folder / "compose.yaml").read_text(encoding="utf-8")
    exported = yaml.safe_load(text)
    known = {"name", "services", "networks", "volumes", "configs", "secrets"}
    assert {key for key in exported if not key.startswith("x-")} == known
    assert set(exported["services"]) == set(ALL)
    assert exported["services"]["nginx"]["profiles"] == ["production"]
    assert exported["services"]["api_gateway"]["build"]["dockerfile"] == "Dockerfile.api_gateway"
    assert not any({"job", "backup", "update"} & set(body) for body in exported["services"].values())


def test_the_example_of_variables_names_every_variable_of_the_playbooks(configs: dict[str, Any]) -> None:
    example = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (PLAYBOOKS / ".env.example").read_text(encoding="utf-8"), re.M))
    texts = "".join((PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8") for name in ("base", "local", "balanced"))
    used = set(re.findall(r"(?<!\$)\$\{([A-Z][A-Z0-9_]*)", texts)) - {"COMPOSE_PROJECT_NAME"}
    assert example == used


def test_the_example_of_secrets_can_be_used_as_it_is(folder: Path) -> None:
    text = (PLAYBOOKS / ".env.local.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^([A-Z0-9_]+)=\S", text, re.M)) == set(SECRETS)
    file = folder / "playbooks" / "usage-tracking" / ".env.local"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    try:
        outcome = run(folder, "usage-tracking/local", "config", "--explain", "postgres_password")
    finally:
        file.unlink()
    assert outcome.code == 0, outcome.everything
    assert "env_local" in outcome.output
    assert "usage_pass" not in outcome.everything


def test_no_value_of_a_secret_is_declared() -> None:
    text = (ROOT / "secrets" / "usage-tracking.yml").read_text(encoding="utf-8")
    assert not re.search(r"^\s+(value|content|data):", text, re.M)


def _config(folder: Path, name: str, *profiles: str) -> dict[str, Any]:
    outcome = run(folder, f"usage-tracking/{name}", "config", "--format", "json", profiles=profiles)
    assert outcome.code == 0, outcome.everything
    return dict(json.loads(outcome.output))


def _needs(body: dict[str, Any]) -> dict[str, str]:
    return {name: need["condition"] for name, need in (body.get("depends_on") or {}).items()}
