"""Commands on a list of plays that need no engine, as a user types them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from provisioner.cli.main import execute
from tests.unit.cli.process import write

if TYPE_CHECKING:
    from pathlib import Path

LIST = """
- {name: Alpha, import_playbook: a/prod.yml, vars: {PORT: "5001"}}
- {name: Beta, import_playbook: b/prod.yml}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    write(tmp_path, "playbooks/prod.yml", LIST)
    for name in "ab":
        head = f"name: {name}\nvars: {{PORT: '5000'}}\n"
        services = f"services: {{{name}: {{image: 'busybox:1.36', ports: ['${{PORT}}:80']}}}}\n"
        write(tmp_path, f"playbooks/{name}/prod.yml", head + services)
    return tmp_path


def test_config_shows_every_playbook(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["config", "prod", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [(play["name"], play["target"]) for play in shown["plays"]] == [("Alpha", "a/prod"), ("Beta", "b/prod")]
    assert [list(play["config"]["services"]) for play in shown["plays"]] == [["a"], ["b"]]
    assert execute(["config", "prod", "--services"]) == 0
    assert capsys.readouterr().out == "a\nb\n"
    assert execute(["config", "prod"]) == 0
    assert capsys.readouterr().out.count("---\n# ") == 2


def test_config_explains_a_name_where_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["config", "prod", "--explain", "PORT"]) == 0
    shown = capsys.readouterr().out
    assert "vars playbooks/prod.yml:2" in shown
    assert "vars playbooks/b/prod.yml:2" in shown
    assert execute(["config", "prod", "--explain", "PROT"]) == 64


def test_lint_finds_what_is_wrong_in_any_play_and_between_two(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["lint", "prod"]) == 0
    shown = capsys.readouterr().out
    assert "playbooks/a/prod.yml" in shown
    assert "playbooks/b/prod.yml" in shown
    write(folder, "playbooks/prod.yml", LIST.replace(', vars: {PORT: "5001"}', ""))
    assert execute(["lint", "prod"]) == 65
    assert "host port 5000/tcp is also published by service 'a' of the play 'Alpha'" in capsys.readouterr().err


def test_every_mistake_of_every_play_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        write(folder, f"playbooks/{name}/prod.yml", "servces: {}\n")
    assert execute(["plan", "prod"]) == 65
    told = capsys.readouterr().err
    assert "playbooks/a/prod.yml:1:1" in told
    assert "playbooks/b/prod.yml:1:1" in told


@pytest.mark.parametrize(
    "command",
    ["export", "exec prod a true", "rollback --yes", "show", "secrets set prod name", "watch", "logs prod nope"],
)
def test_what_is_done_to_one_environment_asks_which(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = command.split()
    assert execute(words if "prod" in words else [words[0], "prod", *words[1:]]) == 64
    told = capsys.readouterr().err
    assert "--limit PLAY: 'Alpha', 'Beta'" in told or "no play of prod has a service named 'nope'" in told


@pytest.mark.parametrize("option", ["--limit", "--tags", "--skip-tags"])
def test_one_environment_has_no_plays_to_choose_from(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["config", "a/prod", option, "x"]) == 64
    assert f"{option} chooses plays of a list, and a/prod is one environment" in capsys.readouterr().err


def test_a_selection_of_the_shell_is_for_lists_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROVISION_LIMIT", "beta")
    assert execute(["config", "a/prod", "--services"]) == 0
    assert execute(["config", "prod", "--services"]) == 0
    assert capsys.readouterr().out == "a\nb\n"


def test_status_of_an_engine_that_is_away_is_told_for_each_play(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["status", "prod", "--json"]) == 69
    shown = json.loads(capsys.readouterr().out)
    assert [play["error"]["exit_code"] for play in shown["plays"]] == [69, 69]
