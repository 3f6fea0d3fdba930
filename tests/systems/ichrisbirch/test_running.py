"""Development and tests side by side on one engine: every row of the system's table, seen from outside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.systems.browser import visit
from tests.systems.environment import eventually
from tests.systems.ichrisbirch.environment import INNER, SERVICES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systems.ichrisbirch.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_every_acceptance_check_is_green_in_both(dev: Environment, testing: Environment) -> None:
    for environment in (dev, testing):
        outcome = environment.provision("verify")
        assert outcome.code == 0, outcome.everything


def test_a_second_apply_of_both_changes_nothing(dev: Environment, testing: Environment) -> None:
    for environment in (dev, testing):
        before = environment.identities()
        assert " changed=0 " in environment.apply().summary
        assert environment.identities() == before
        assert environment.provision("plan", "--detailed-exitcode").code == 0


def test_both_run_side_by_side_and_share_nothing(dev: Environment, testing: Environment) -> None:
    name = "beside"
    number = dev.add_habit(name)
    assert name in dev.habits()
    assert name not in testing.habits()
    assert dev.api(f"/habits/{number}", method="DELETE").status == 204
    assert dev.networks() == [f"{dev.project}_default"]
    assert testing.networks() == [f"{testing.project}_default"]
    for service, port in INNER.items():
        assert dev.published(service).keys() == testing.published(service).keys() == {port}
    assert dev.secrets() != testing.secrets()


def test_every_service_is_healthy_and_not_root(dev: Environment) -> None:
    assert {name: dev.health(name) for name in SERVICES} == dict.fromkeys(SERVICES, "healthy")
    for name in ("api", "app", "scheduler"):
        assert dev.run_in(name, "id -u") == "10001", name


def test_a_habit_added_on_the_page_is_counted_by_the_scheduler(dev: Environment) -> None:
    number = dev.add_habit("walk")
    assert dev.api(f"/habits/{number}/complete", method="POST").status == 204
    assert b"walk" in dev.page().body
    assert eventually(lambda: dev.api("/summary").json["completions"] >= 1, within=60)
    assert dev.api(f"/habits/{number}", method="DELETE").status == 204


@pytest.mark.browser
def test_the_page_shows_the_habits_in_a_browser(dev: Environment, tmp_path: Path) -> None:
    number = dev.add_habit("read")
    page = visit(f"{dev.url('APP_EXTERNAL_PORT')}/", tmp_path / "profile")
    assert re.search(r"<span>\s*read\s*</span>", page), page
    assert dev.api(f"/habits/{number}", method="DELETE").status == 204


def test_a_change_of_the_source_reloads_the_api_without_a_new_container(dev: Environment) -> None:
    source = dev.playbooks / "app" / "ichrisbirch" / "api.py"
    text, before = source.read_text(encoding="utf-8"), dev.identities()
    assert dev.api("/reloaded").status == 404
    marker = '    @api.get("/habits/")\n'
    assert marker in text
    source.write_text(text.replace(marker, f'    api.get("/reloaded")(lambda: "yes")\n\n{marker}'), encoding="utf-8")
    try:
        assert eventually(lambda: dev.api("/reloaded").status == 200, within=60)
    finally:
        source.write_text(text, encoding="utf-8")
    assert dev.identities() == before
    assert eventually(lambda: dev.api("/reloaded").status == 404, within=60)


def test_the_secrets_are_files_and_appear_nowhere(dev: Environment) -> None:
    values = set(dev.secrets().values())
    assert len(values) == 3
    exposed = dev.exposed()
    assert not [value for value in values if value in exposed]
    assert dev.run_in("api", "cat /run/secrets/postgres_password") in values


def test_the_tests_ran_in_the_apply_and_a_failing_one_fails_it(testing: Environment) -> None:
    log = testing.provision("logs", "test-runner")
    assert re.search(r"\b4 passed\b", log.output), log.everything
    failing = testing.playbooks / "app" / "tests" / "test_failing.py"
    failing.write_text("def test_that_fails() -> None:\n    assert 1 == 2\n", encoding="utf-8")
    try:
        outcome = testing.provision("apply", "--yes", "--no-verify")
        assert outcome.code == 1, outcome.everything
        assert "test-runner" in outcome.everything
        assert "1 failed" in outcome.everything
    finally:
        failing.unlink()
    testing.apply()
    assert testing.container("test-runner").attrs["State"]["ExitCode"] == 0


def test_what_the_playbook_says_wins_over_the_dockerfile(dev: Environment) -> None:
    container = dev.container("api")
    assert container.image is not None
    assert "LOG_LEVEL=info" in container.image.attrs["Config"]["Env"]
    assert dev.run_in("api", "echo $LOG_LEVEL") == "debug"


def test_operations(dev: Environment) -> None:
    """Logs of one service and since a time, a command in a service, what runs there and uses what, the state of all."""
    assert "listening" in dev.provision("logs", "postgres").output
    nothing = dev.provision("logs", "postgres", "--since", "2100-01-01T00:00:00Z")
    assert (nothing.code, nothing.output.strip()) == (0, "")
    assert dev.provision("exec", "api", "id", "-u").output.strip() == "10001"
    assert dev.provision("exec", "api", "sh", "-c", "exit 7").code == 7
    listed = dev.provision("ps").output
    assert all(f"service.{name}" in listed for name in SERVICES)
    assert "ichrisbirch.scheduler" in dev.provision("top", "scheduler").output
    used = dev.provision("stats", "--no-stream", "--format", "{{.Name}}").output
    assert {f"{dev.project}-{name}-1" for name in SERVICES} <= set(used.split())


def test_one_service_is_restarted(dev: Environment) -> None:
    before = dev.identities()
    outcome = dev.provision("restart", "scheduler")
    assert outcome.code == 0, outcome.everything
    now = dev.identities()
    assert {name for name in now if now[name] != before[name]} == {f"{dev.project}-scheduler-1"}
    assert {name: each[0] for name, each in now.items()} == {name: each[0] for name, each in before.items()}
    assert eventually(lambda: dev.health("scheduler") == "healthy", within=60)


def test_a_test_can_be_run_by_itself_with_the_exit_code_of_its_command(testing: Environment) -> None:
    def run(*command: str) -> int:
        return testing.provision("run --rm", "test-runner", *command).code

    assert run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/api/test_habits.py") == 0
    assert run("sh", "-c", "exit 7") == 7
    assert [each.name for each in testing.containers() if "-run-" in each.name] == []
