"""A list of plays as requests: what each play gives to its playbook, and which plays are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.app.config import explain
from provisioner.app.load import load_playbook
from provisioner.app.plays import PlayList, Selection, find_plays, only_play, runs, select_plays
from provisioner.app.request import Request
from provisioner.errors import PlaybookInvalid, UsageError

LIST = """
- name: Alpha
  import_playbook: a/prod.yml
  vars: {PORT: "5001", OWN: "${BASE:-50}1"}
  profiles: [extra]
  tags: [web, first]
- name: Beta, the second
  import_playbook: b/prod.yml
  tags: [web]
- name: Gamma
  import_playbook: data.yml
"""
ENVIRONMENT = """
name: %s
vars: {PORT: "5000", OWN: own}
services:
  web: {image: busybox, ports: ["${PORT}:80"], environment: {OWN: "${OWN}"}}
  more: {image: busybox, profiles: [extra]}
"""


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayList:
    monkeypatch.chdir(tmp_path)
    write("playbooks/prod.yml", LIST)
    write("playbooks/data.yml", "- {import_playbook: c/prod.yml, tags: [db, never]}\n")
    for name in "abc":
        write(f"playbooks/{name}/prod.yml", ENVIRONMENT % name)
    plays = find_plays(request())
    assert plays is not None
    return plays


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def request(file: str = "playbooks/prod.yml", **more: object) -> Request:
    return Request(files=(file,), directory=str(Path.cwd()), target="prod", in_playbooks=True, **more)  # type: ignore[arg-type]


def names(plays: PlayList) -> list[str]:
    return [play.name for play in plays.plays]


def port(asked: Request) -> object:
    node = load_playbook(asked).services["web"].body.get("ports")
    assert node is not None
    published = node.items[0].get("published")
    return published.value if published else None


def test_each_play_is_the_request_of_its_environment(found: PlayList) -> None:
    assert (found.title, names(found)) == ("prod", ["Alpha", "Beta, the second", "c/prod"])
    alpha = load_playbook(found.plays[0].request)
    assert (alpha.title, alpha.project, set(alpha.services)) == ("a/prod", "a-prod", {"web", "more"})
    assert found.plays[0].request.target == "a/prod"
    alone = load_playbook(Request(files=("playbooks/a/prod.yml",), directory=str(Path.cwd()), in_playbooks=True))
    assert alone.project == alpha.project


def test_the_vars_of_a_play_win_over_those_of_the_playbook_and_lose_to_all_else(found: PlayList) -> None:
    assert port(found.plays[0].request) == "5001"
    assert port(found.plays[1].request) == "5000"
    for more in ({"shell": {"PORT": "5002"}}, {"overrides": {"PORT": "5002"}}):
        plays = find_plays(request(**more))
        assert plays is not None
        assert port(plays.plays[0].request) == "5002"
    write(".extra", "PORT=5003\n")
    plays = find_plays(request(env_files=(".extra",)))
    assert plays is not None
    assert port(plays.plays[0].request) == "5003"


def test_where_a_value_comes_from_is_told_with_the_place_in_the_list(found: PlayList) -> None:
    lines = explain(found.plays[0].request, "PORT").lines
    assert any("vars playbooks/prod.yml:4" in line for line in lines)
    assert any("vars playbooks/a/prod.yml:3" in line for line in lines)


def test_the_vars_of_a_play_may_use_variables(found: PlayList) -> None:
    environment = load_playbook(found.plays[0].request).services["web"].body.get("environment", "OWN")
    assert environment is not None
    assert environment.value == "501"


def test_profiles_of_the_play_and_of_the_command_line_are_both_on(found: PlayList) -> None:
    assert set(names(found))
    plays = find_plays(request(profiles=("other",)))
    assert plays is not None
    assert plays.plays[0].request.profiles == ("extra", "other")


@pytest.mark.usefixtures("found")
def test_a_playbook_is_no_list() -> None:
    assert find_plays(request("playbooks/a/prod.yml")) is None
    with pytest.raises(UsageError, match="no layer of another playbook"):
        find_plays(Request(files=("playbooks/a/prod.yml", "playbooks/prod.yml"), directory=str(Path.cwd())))
    write("broken.yml", "- import_playbook: nowhere.yml\n")
    with pytest.raises(PlaybookInvalid, match=r"broken.yml:1:20: .*does not exist"):
        find_plays(request("broken.yml"))


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(), ["Alpha", "Beta, the second"]),
        (Selection(limits=("alpha",)), ["Alpha"]),
        (Selection(limits=("b/prod",)), ["Beta, the second"]),
        (Selection(limits=("Beta, the second",)), ["Beta, the second"]),
        (Selection(limits=("b/prod,alpha",)), ["Alpha", "Beta, the second"]),
        (Selection(limits=("alpha", "b/prod")), ["Alpha", "Beta, the second"]),
        (Selection(limits=("gamma",), tags=("db",)), ["c/prod"]),
        # Who names a play asks for it, also where it has the tag `never`.
        (Selection(limits=("gamma",)), ["c/prod"]),
        (Selection(tags=("web",)), ["Alpha", "Beta, the second"]),
        (Selection(tags=("db,first",)), ["Alpha", "c/prod"]),
        (Selection(tags=("web",), skip_tags=("first",)), ["Beta, the second"]),
        (Selection(skip_tags=("first",)), ["Beta, the second"]),
    ],
)
def test_which_plays_are_meant(found: PlayList, selection: Selection, chosen: list[str]) -> None:
    assert names(select_plays(found, selection)) == chosen


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection(limits=("alfa",)), "did you mean 'Alpha'"),
        (Selection(limits=("alpha,delta",)), "prod has no play 'delta'"),
        (Selection(tags=("wep",)), "did you mean 'web'"),
        (Selection(skip_tags=("nothing",)), "tags are: db, first, web"),
        (Selection(limits=("gamma",), skip_tags=("db",)), "no play of prod is left"),
    ],
)
def test_a_word_that_means_no_play_is_told(found: PlayList, selection: Selection, words: str) -> None:
    with pytest.raises(UsageError) as refusal:
        select_plays(found, selection)
    assert words in f"{refusal.value.message} {refusal.value.hint}"


def test_one_environment_is_asked_for(found: PlayList) -> None:
    with pytest.raises(UsageError, match=r"prod is a list of 3 plays"):
        only_play(found)
    assert only_play(select_plays(found, Selection(limits=("alpha",)))).name == "Alpha"


@pytest.mark.usefixtures("found")
def test_a_project_name_is_for_one_environment() -> None:
    plays = find_plays(request(project_name="mine"))
    assert plays is not None
    with pytest.raises(UsageError, match="-p is for one environment"):
        select_plays(plays, Selection())
    assert load_playbook(select_plays(plays, Selection(limits=("alpha",))).plays[0].request).project == "mine"


@pytest.mark.parametrize(
    ("tags", "asked", "skipped", "expected"),
    [
        ({"always"}, ["web"], [], True), ({"always"}, ["web"], ["always"], False), ({"always"}, [], ["all"], True),
        ({"never"}, [], [], False), ({"never", "db"}, ["db"], [], True), ({"never"}, ["never"], [], True),
        ({"never"}, ["all"], [], False), (set(), ["all"], [], True), (set(), ["web"], [], False),
        (set(), ["untagged"], [], True), ({"web"}, ["tagged"], [], True), (set(), ["tagged"], [], False),
        (set(), [], ["untagged"], False), ({"web"}, [], ["tagged"], False), ({"web"}, [], ["all"], False),
    ],
)  # fmt: skip
def test_tags_mean_what_they_mean_to_ansible(
    tags: set[str], asked: list[str], skipped: list[str], *, expected: bool
) -> None:
    assert runs(frozenset(tags), asked, skipped) is expected
