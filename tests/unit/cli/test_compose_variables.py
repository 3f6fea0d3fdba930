"""Compose's ways to choose files and the project, held against what Compose 2.40 makes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.cli.compose_variables import env_files, with_working_folder
from tests.unit.cli.process import provision, write

if TYPE_CHECKING:
    from pathlib import Path

_SERVICE = "services: {{{name}: {{image: 'busybox:1.36', environment: {{V: '${{V-}}'}}}}}}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with compose.yaml (service a), other.yaml (b), more.yaml (c), and a folder below it."""
    for name, file in (("a", "compose.yaml"), ("b", "other.yaml"), ("c", "more.yaml")):
        write(tmp_path, f"shop/{file}", _SERVICE.format(name=name))
    (tmp_path / "shop" / "web" / "src").mkdir(parents=True)
    return tmp_path / "shop"


def config(folder: Path, *arguments: str, **env: str) -> Any:
    ended = provision("config", "--format", "json", *arguments, cwd=folder, env=env)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def services(folder: Path, *arguments: str, **env: str) -> list[str]:
    return sorted(config(folder, *arguments, **env)["services"])


def test_compose_file_names_the_files_in_the_shell_and_in_dotenv(shop: Path) -> None:
    assert services(shop, COMPOSE_FILE="other.yaml") == ["b"]
    assert services(shop, COMPOSE_FILE="compose.yaml:other.yaml") == ["a", "b"]
    assert services(shop, COMPOSE_FILE="compose.yaml,more.yaml", COMPOSE_PATH_SEPARATOR=",") == ["a", "c"]
    write(shop, ".env", "COMPOSE_FILE=other.yaml;more.yaml\nCOMPOSE_PATH_SEPARATOR=;\n")
    assert services(shop) == ["b", "c"]
    assert services(shop, COMPOSE_FILE="compose.yaml") == ["a"]
    assert services(shop, COMPOSE_DISABLE_ENV_FILE="1") == ["a"]
    write(shop, "prod.env", "COMPOSE_FILE=more.yaml\n")
    assert services(shop, "--env-file", "prod.env") == ["c"]
    assert services(shop, COMPOSE_ENV_FILES="prod.env") == ["c"]


def test_what_is_typed_wins_over_compose_file(shop: Path) -> None:
    write(shop, "playbooks/prod.yml", _SERVICE.format(name="p"))
    assert services(shop, "-f", "more.yaml", COMPOSE_FILE="other.yaml") == ["c"]
    assert services(shop, "prod", COMPOSE_FILE="other.yaml") == ["p"]
    assert services(shop, COMPOSE_FILE="other.yaml", PROVISION_TARGET="prod") == ["p"]
    assert services(shop, COMPOSE_FILE="other.yaml") == ["b"]


def test_a_file_that_compose_file_names_and_that_is_not_there(shop: Path) -> None:
    ended = provision("config", cwd=shop, env={"COMPOSE_FILE": "compose.yaml:nowhere.yaml"})
    assert ended.returncode == 65
    assert ended.stderr.startswith("nowhere.yaml: there is no such file")
    assert "COMPOSE_FILE" in ended.stderr


def test_from_a_folder_below_the_project_is_that_of_the_folder_above(shop: Path) -> None:
    found = config(shop / "web" / "src")
    assert (found["name"], sorted(found["services"])) == ("shop", ["a"])
    write(shop, ".env", "V=above\n")
    assert config(shop / "web")["services"]["a"]["environment"] == {"V": "above"}
    write(shop, "web/.env", "V=here\n")
    assert config(shop / "web")["services"]["a"]["environment"] == {"V": "here"}
    # Where a file is named, the folder that the command runs in has no say.
    assert config(shop / "web", "-f", "../compose.yaml")["services"]["a"]["environment"] == {"V": "above"}


def test_the_project_can_be_named(shop: Path) -> None:
    write(shop, "named.yaml", "name: file\n" + _SERVICE.format(name="a"))
    assert config(shop, "-p", "pr-7", "-f", "named.yaml")["name"] == "pr-7"
    assert config(shop, "--project-name", "pr-8", COMPOSE_PROJECT_NAME="env")["name"] == "pr-8"
    assert config(shop, "-f", "named.yaml", COMPOSE_PROJECT_NAME="env")["name"] == "env"
    write(shop, ".env", "COMPOSE_PROJECT_NAME=dotenv\n")
    assert config(shop, "-f", "named.yaml")["name"] == "dotenv"
    wrong = provision("config", "-p", "PR 7", cwd=shop)
    assert wrong.returncode == 65
    assert "'PR 7' is not valid" in wrong.stderr


def test_a_playbook_keeps_its_environment_under_another_project_name(shop: Path) -> None:
    write(shop, "playbooks/prod.yml", "name: shop\n" + _SERVICE.format(name="p"))
    assert config(shop, "prod")["name"] == "shop"
    assert config(shop, "prod", "-p", "pr-7")["name"] == "pr-7"


def test_the_project_directory_is_where_relative_paths_start(shop: Path) -> None:
    write(shop, "mounts.yaml", "services: {a: {image: x, volumes: ['./data:/data'], environment: {V: '${V-}'}}}\n")
    write(shop, "web/.env", "V=web\n")
    found = config(shop, "-f", "mounts.yaml", "--project-directory", "web")
    assert found["name"] == "web"
    assert found["services"]["a"]["volumes"][0]["source"] == str(shop / "web" / "data")
    assert found["services"]["a"]["environment"] == {"V": "web"}
    # Without a file, the search begins there.
    write(shop, "web/compose.yaml", _SERVICE.format(name="w"))
    assert services(shop, "--project-directory", "web") == ["w"]
    assert services(shop, "--project-directory", "web/src") == ["w"]


def test_profiles_come_from_the_shell_and_from_dotenv(shop: Path) -> None:
    write(shop, "compose.yaml", "services: {a: {image: x}, d: {image: x, profiles: [debug]}}\n")
    assert services(shop, COMPOSE_PROFILES="debug") == ["a", "d"]
    write(shop, ".env", "COMPOSE_PROFILES=debug\n")
    assert services(shop) == ["a", "d"]


def test_env_files_are_apart_by_commas() -> None:
    assert env_files({"COMPOSE_ENV_FILES": "a.env, b.env,,"}) == ("a.env", "b.env")
    assert env_files({}) == ()


def test_pwd_is_the_current_folder_where_the_environment_has_none_or_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    (tmp_path / "real").mkdir()
    link.symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path / "real")
    real = str(tmp_path / "real")
    assert with_working_folder({})["PWD"] == real
    assert with_working_folder({"PWD": "/usr"})["PWD"] == real
    assert with_working_folder({"PWD": "."})["PWD"] == real
    assert with_working_folder({"PWD": "/nonexistent"})["PWD"] == real
    assert with_working_folder({"PWD": str(link)})["PWD"] == str(link)
