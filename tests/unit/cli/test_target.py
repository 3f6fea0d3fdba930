"""Which files a TARGET means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.cli.target import Chosen, choose, lies_in_playbooks, playbooks, split_target
from provisioner.errors import UsageError
from tests.unit.cli.process import write

if TYPE_CHECKING:
    from pathlib import Path


def chosen(
    target: str | None, *files: str, default: str | None = None, known: tuple[str, ...] = (), start: str = ""
) -> Chosen:
    """What is chosen in /work/shop/web where there are `files`; `known` are the playbooks of that folder."""
    return choose(
        target,
        default,
        directory="/work/shop/web",
        exists=set(files).__contains__,
        known=lambda folder: known if not folder else tuple(_in_folder(folder, files)),
        start=start,
    )


def _in_folder(folder: str, files: tuple[str, ...]) -> list[str]:
    start = f"{folder}playbooks/"
    return [file.removeprefix(start).removesuffix(".yml") for file in files if file.startswith(start)]


@pytest.mark.parametrize(
    ("target", "files", "found"),
    [
        (None, ["../compose.yaml"], ["../compose.yaml"]),
        (None, ["../../docker-compose.yml", "../../compose.override.yml"],
         ["../../docker-compose.yml", "../../compose.override.yml"]),
        (None, ["compose.yaml", "../compose.yaml"], ["compose.yaml"]),
        (None, ["../playbooks/local.yml", "../compose.yaml"], ["../playbooks/local.yml"]),
        (None, ["../playbooks/x.yml", "../../compose.yaml"], ["../playbooks/x.yml"]),
        (None, ["../local.yml", "../../compose.yaml"], ["../../compose.yaml"]),
        ("prod", ["../playbooks/prod.yml"], ["../playbooks/prod.yml"]),
        ("x/prod", ["../../playbooks/x/prod.yaml"], ["../../playbooks/x/prod.yaml"]),
        ("prod", ["prod.yml", "../playbooks/prod.yml"], ["prod.yml"]),
    ],
)  # fmt: skip
def test_the_folders_above_are_searched_and_the_nearest_wins(
    target: str | None, files: list[str], found: list[str]
) -> None:
    assert chosen(target, *files).files == tuple(found)


def test_a_path_is_meant_from_here_only_and_several_above_must_be_named() -> None:
    with pytest.raises(UsageError, match="no playbook 'web'"):
        chosen("web", "../web", "../web.yml")
    with pytest.raises(UsageError, match=r"no playbook '\.\./prod'"):
        chosen("../prod", "../../playbooks/../prod.yml")
    with pytest.raises(UsageError, match="several: a, b"):
        chosen(None, "../playbooks/a.yml", "../playbooks/b.yml")


def test_with_a_project_directory_the_search_begins_there() -> None:
    assert chosen(None, "compose.yaml", "sub/compose.yml", start="sub").files == ("sub/compose.yml",)
    assert chosen(None, "compose.yaml", start="sub/").files == ("compose.yaml",)
    assert chosen(None, "../other/compose.yaml", start="../other/deep").files == ("../other/compose.yaml",)


@pytest.mark.parametrize(
    ("files", "override"),
    [
        (["docker-compose.yml", "docker-compose.override.yml"], "docker-compose.override.yml"),
        (["compose.yaml", "docker-compose.override.yaml"], "docker-compose.override.yaml"),
        (["compose.yaml", "compose.override.yml", "compose.override.yaml"], "compose.override.yml"),
    ],
)
def test_the_override_is_the_one_that_compose_takes(files: list[str], override: str) -> None:
    assert chosen(None, *files).files == (files[0], override)


@pytest.mark.parametrize(
    ("target", "files", "found"),
    [
        ("telecom/dev", ["playbooks/telecom/dev.yml", "telecom/dev.yml"], "playbooks/telecom/dev.yml"),
        ("prod", ["playbooks/prod.yaml"], "playbooks/prod.yaml"),
        ("prod", ["prod.yml"], "prod.yml"),
        ("elsewhere/x.yml", ["elsewhere/x.yml"], "elsewhere/x.yml"),
        ("compose.yaml", ["compose.yaml"], "compose.yaml"),
    ],
)
def test_a_target_is_looked_up_in_playbooks_then_here_then_as_a_path(target: str, files: list[str], found: str) -> None:
    assert chosen(target, *files).files == (found,)


def test_a_target_wins_over_the_variable_and_the_variable_over_local() -> None:
    files = ("playbooks/local.yml", "playbooks/a.yml", "playbooks/b.yml")
    assert chosen("a", *files, default="b").target == "a"
    assert chosen(None, *files, default="b").target == "b"
    assert chosen(None, *files).target == "local"


def test_without_local_the_only_playbook_is_taken() -> None:
    assert chosen(None, "playbooks/x/dev.yml", known=("x/dev",)) == Chosen(("playbooks/x/dev.yml",), "x/dev", True)


def test_among_several_playbooks_one_must_be_named() -> None:
    with pytest.raises(UsageError, match="x/dev, x/prod"):
        chosen(None, "playbooks/x/dev.yml", "playbooks/x/prod.yml", known=("x/dev", "x/prod"))


def test_a_folder_with_nothing_but_a_compose_file_is_a_compose_project() -> None:
    assert chosen(None, "compose.yaml", "compose.override.yaml") == Chosen(
        ("compose.yaml", "compose.override.yaml"), "", in_playbooks=False
    )
    assert chosen(None, "docker-compose.yml").files == ("docker-compose.yml",)


def test_an_empty_folder_says_what_to_write() -> None:
    with pytest.raises(UsageError, match="no playbook here"):
        chosen(None)


@pytest.mark.parametrize(
    ("target", "near"),
    [("telecom/dv", "telecom/dev"), ("telecom", "telecom/dev or telecom/prod"), ("zzz", "there are: telecom/dev")],
)
def test_a_wrong_target_is_answered_with_the_nearest(target: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(target, known=("telecom/dev", "telecom/prod"))
    assert near in caught.value.message


@pytest.mark.parametrize(
    ("path", "directory", "inside"),
    [
        ("playbooks/x/dev.yml", "/work", True),
        ("x/dev.yml", "/work/playbooks", True),
        ("dev.yml", "/work/playbooks/x", True),
        ("../x/dev.yml", "/work/playbooks", False),
        ("compose.yaml", "/work", False),
        ("/other/playbooks/dev.yml", "/work", True),
        ("playbooks", "/work", False),
    ],
)
def test_a_file_lies_under_playbooks_from_wherever_it_is_named(path: str, directory: str, inside: bool) -> None:
    assert lies_in_playbooks(path, directory) is inside


@pytest.mark.parametrize(
    ("arguments", "files_named", "split"),
    [
        (["x/dev", "api"], False, ("x/dev", ("api",))),
        (["local", "api"], False, ("local", ("api",))),
        (["api", "db"], False, (None, ("api", "db"))),
        (["x/typo", "api"], False, ("x/typo", ("api",))),
        (["local", "api"], True, (None, ("local", "api"))),
        ([], False, (None, ())),
    ],
)
def test_the_first_argument_is_the_target_where_it_names_a_playbook(
    arguments: list[str], files_named: bool, split: tuple[str | None, tuple[str, ...]]
) -> None:
    exists = {"playbooks/local.yml", "playbooks/x/dev.yml"}.__contains__
    assert split_target(arguments, files_named=files_named, directory="/work", exists=exists) == split


def test_the_first_argument_may_name_a_playbook_above() -> None:
    exists = {"../playbooks/prod.yml"}.__contains__
    assert split_target(["prod", "api"], files_named=False, directory="/work/sub", exists=exists) == ("prod", ("api",))


def test_the_playbooks_there_are(tmp_path: Path) -> None:
    write(tmp_path, "playbooks/prod.yml", "name: x\n")
    write(tmp_path, "playbooks/x/dev.yaml")
    write(tmp_path, "playbooks/x/base.yml")
    write(tmp_path, "playbooks/x/prometheus.yml", "scrape_configs: []\n")
    write(tmp_path, "playbooks/x/grafana/provisioning.yml")
    write(tmp_path, "playbooks/.hidden.yml")
    write(tmp_path, "compose.yaml")
    assert playbooks(str(tmp_path)) == ("prod", "x/dev")
    assert playbooks(str(tmp_path / "nowhere")) == ()
