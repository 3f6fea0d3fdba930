"""What differs between the three environments, and what does not: read from the playbooks, without an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.systems.environment import Outcome, copied, run

if TYPE_CHECKING:
    from pathlib import Path

PORTS = {
    "dev": {"api": "8000", "app": "5000", "postgres": "5432", "redis": "6379"},
    "test": {"api": "8001", "app": "5001", "postgres": "5434", "redis": "6380"},
}
INNER = {"api": 8000, "app": 5000, "postgres": 5432, "redis": 6379}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("birch")
    copied("ichrisbirch", folder)
    return folder


def of(project: Path, playbook: str, *arguments: str, **options: Any) -> Outcome:
    command, *more = arguments
    outcome = run(project, f"ichrisbirch/{playbook}", command, *more, **options)
    assert outcome.code == 0, outcome.everything
    return outcome


def services(project: Path, playbook: str, **options: Any) -> dict[str, Any]:
    import json

    return dict(json.loads(of(project, playbook, "config", "--format", "json", **options).output)["services"])


@pytest.mark.parametrize("playbook", PORTS)
def test_outer_ports_differ_and_inner_ports_do_not(project: Path, playbook: str) -> None:
    found = services(project, playbook)
    ports = {name: found[name]["ports"][0] for name in INNER}
    assert {name: port["target"] for name, port in ports.items()} == INNER
    assert {name: port["published"] for name, port in ports.items()} == PORTS[playbook]
    assert {port["host_ip"] for port in ports.values()} == {"127.0.0.1"}


def test_production_has_its_documented_ports_at_the_proxy(project: Path) -> None:
    found = services(project, "prod")
    published = {port["published"]: port["target"] for port in found["nginx"]["ports"]}
    assert published == {"80": 8080, "8000": 8000, "5000": 5000}
    assert {name: found[name]["ports"][0]["published"] for name in ("postgres", "redis")} == {
        "postgres": "5432", "redis": "6379",
    }  # fmt: skip
    assert not [name for name in ("api", "app", "scheduler") if found[name].get("ports")]


def test_services_have_the_same_names_everywhere_and_their_own_build_targets(project: Path) -> None:
    expected = {"postgres", "redis", "api", "app", "scheduler"}
    targets = {"dev": "development", "test": "test", "prod": "production"}
    for playbook, target in targets.items():
        found = services(project, playbook)
        assert expected <= found.keys()
        assert {found[name]["build"]["target"] for name in ("api", "app", "scheduler")} == {target}
    assert services(project, "test").keys() - expected == {"test-runner"}
    assert services(project, "prod").keys() - expected == {"nginx"}


def test_every_service_but_the_one_shot_has_a_health_check_and_waits_for_what_it_needs(project: Path) -> None:
    for playbook in ("dev", "test", "prod"):
        found = services(project, playbook)
        needs = {name: set(body.get("depends_on") or {}) for name, body in found.items()}
        assert needs.pop("test-runner", {"postgres", "redis"}) == {"postgres", "redis"}
        assert needs.pop("nginx", {"api", "app"}) == {"api", "app"}
        assert needs == {
            "postgres": set(), "redis": {"postgres"}, "api": {"postgres", "redis"},
            "app": {"api"}, "scheduler": {"api"},
        }  # fmt: skip
        conditions = {need["condition"] for body in found.values() for need in (body.get("depends_on") or {}).values()}
        assert conditions == {"service_healthy"}
        assert [name for name, body in found.items() if not body.get("healthcheck")] == (
            ["test-runner"] if playbook == "test" else []
        )


def test_development_mounts_its_source_and_nobody_else_does(project: Path) -> None:
    mounted = {
        playbook: {
            volume["target"]
            for name in ("api", "app", "scheduler")
            for volume in services(project, playbook)[name].get("volumes", [])
        }
        for playbook in ("dev", "test", "prod")
    }
    assert mounted == {"dev": {"/app"}, "test": set(), "prod": set()}
    api = services(project, "dev")["api"]
    assert "--reload" in api["command"]
    assert api["command"][-1] == "debug"


def test_the_database_of_the_tests_lies_in_memory(project: Path) -> None:
    postgres = services(project, "test")["postgres"]
    assert postgres["environment"]["POSTGRES_DB"] == "ichrisbirch_test"
    assert postgres["tmpfs"][0].startswith("/var/lib/postgresql/data")
    assert [volume["target"] for volume in postgres["volumes"]] == ["/docker-entrypoint-initdb.d"]


@pytest.mark.parametrize("playbook", ["dev", "test", "prod"])
def test_lint_is_clean(project: Path, playbook: str) -> None:
    assert "Nothing found" in of(project, playbook, "lint").output


def test_where_a_variable_comes_from_is_shown_in_the_documented_order(project: Path) -> None:
    """Command line, shell, env file, playbook, and last what the Dockerfile says."""

    def level(**options: Any) -> str:
        return str(services(project, "dev", **options)["api"]["environment"]["LOG_LEVEL"])

    shell = {"LOG_LEVEL": "from-shell"}
    assert level(variables={"LOG_LEVEL": "from-line"}, shell=shell) == "from-line"
    assert level(shell=shell) == "from-shell"
    assert level() == "debug", "that of .dev.env, over the playbook's"
    assert services(project, "test")["api"]["environment"]["LOG_LEVEL"] == "info"
    told = of(project, "dev", "config", "--explain", "LOG_LEVEL", shell=shell).output
    assert told.index("shell") < told.index(".dev.env") < told.index("base.yml")
    dockerfile = (project / "playbooks" / "ichrisbirch" / "app" / "Dockerfile").read_text()
    assert "LOG_LEVEL=info" in dockerfile
