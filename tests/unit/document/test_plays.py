"""A list of plays is read with every mistake and its place; lists may import lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.document.plays import Play, is_list_of_plays, read_plays, target_of
from provisioner.errors import PlaybookInvalid


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a/prod", "b/prod"):
        write(f"playbooks/{name}.yml", "services: {web: {image: busybox}}\n")
    return tmp_path


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def plays(text: str, **variables: str) -> tuple[Play, ...]:
    write("playbooks/prod.yml", text)
    return read_plays("playbooks/prod.yml", environment=variables, overrides={})


def problems(text: str) -> list[str]:
    with pytest.raises(PlaybookInvalid) as refusal:
        plays(text)
    return [str(problem) for problem in refusal.value.problems]


@pytest.mark.usefixtures("folder")
def test_a_play_says_what_it_brings_up() -> None:
    first, second = plays(
        "- name: Alpha\n  import_playbook: a/prod.yml\n  vars: {PORT: 5001}\n  profiles: [one]\n  tags: web, db\n"
        "- import_playbook: ./b/prod.yml\n"
    )
    assert (first.name, first.shown, str(first.span)) == ("Alpha", "playbooks/a/prod.yml", "playbooks/prod.yml:1:3")
    assert [section.plain() for section in first.vars] == [{"PORT": 5001}]
    assert (first.profiles, first.tags) == (("one",), {"web", "db"})
    assert (second.name, second.file) == ("b/prod", str(Path.cwd() / "playbooks/b/prod.yml"))


@pytest.mark.usefixtures("folder")
def test_a_path_may_use_variables_of_the_shell() -> None:
    (play,) = plays("- import_playbook: ${SYSTEM}/prod.yml\n", SYSTEM="b")
    assert play.name == "b/prod"
    [problem] = problems("- import_playbook: ${SYSTEM}/prod.yml\n")[-1:]
    assert "the variable SYSTEM is not set" in problem


@pytest.mark.usefixtures("folder")
def test_a_list_may_import_a_list() -> None:
    write("playbooks/data.yml", "- {name: Inner, import_playbook: a/prod.yml, vars: {A: inner}, tags: [in]}\n")
    first, second = plays(
        "- {name: Data, import_playbook: data.yml, vars: {A: outer}, profiles: [p], tags: [out]}\n"
        "- {import_playbook: b/prod.yml}\n"
    )
    assert (first.name, first.groups, first.tags, first.profiles) == ("Inner", ("Data",), {"in", "out"}, ("p",))
    assert [section.plain() for section in first.vars] == [{"A": "outer"}, {"A": "inner"}]
    assert second.groups == ()


@pytest.mark.usefixtures("folder")
def test_lists_that_import_each_other_are_named() -> None:
    write("playbooks/data.yml", "- import_playbook: more/all.yml\n")
    write("playbooks/more/all.yml", "- import_playbook: ../prod.yml\n")
    assert problems("- import_playbook: data.yml\n") == [
        "playbooks/more/all.yml:1:20: 0.import_playbook: the lists import each other: playbooks/prod.yml → "
        "playbooks/data.yml → playbooks/more/all.yml → playbooks/prod.yml"
    ]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("[]\n", "1:1", "the list has no plays"),
        ("- a/prod.yml\n", "1:3", "expected a play, found text"),
        ("- name: A\n", "1:3", "`import_playbook` is missing"),
        ("- {import_playbok: a/prod.yml}\n", "1:4", "did you mean 'import_playbook'?"),
        ("- import_playbook: a/prod.yml\n  become: true\n", "2:3", "unknown key 'become' in a play"),
        ("- import_playbook: c/prod.yml\n", "1:20", "does not exist"),
        ("- import_playbook: a\n", "1:20", "is a directory"),
        ("- import_playbook: ''\n", "1:20", "it is empty"),
        ("- import_playbook: https://example.org/a.yml\n", "1:20", "is elsewhere"),
        ("- import_playbook: [a/prod.yml]\n", "1:20", "expected a path, found a list"),
        ("- import_playbook: a/prod.yml\n  hosts: all\n", "2:3", "`hosts` is reserved"),
        ("- import_playbook: a/prod.yml\n  vars: [A=1]\n", "2:9", "expected a mapping of texts and numbers"),
        ("- import_playbook: a/prod.yml\n  vars: {A: {B: 1}}\n", "2:13", "expected text or a number, found a mapping"),
        ("- import_playbook: a/prod.yml\n  tags: [1]\n", "2:10", "expected text, found a whole number"),
        ("- import_playbook: a/prod.yml\n  profiles: !reset []\n", "2:13", "means nothing in a play"),
        ("- import_playbook: a/prod.yml\n- {name: A/PROD, import_playbook: b/prod.yml}\n", "2:3", "is called 'a/prod'"),
        ("- import_playbook: a/prod.yml\n- import_playbook: a/prod.yml\n", "2:3", "is called 'a/prod' already, at"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place(text: str, place: str, words: str) -> None:
    found = problems(text)
    assert any(one.startswith(f"playbooks/prod.yml:{place}:") and words in one for one in found), found


@pytest.mark.usefixtures("folder")
def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert len(problems("- {name: 1, import_playbook: nowhere.yml, tgs: []}\n- {hosts: a}\n")) == 5


def test_what_is_a_list(tmp_path: Path) -> None:
    file = tmp_path / "file.yml"
    for text, is_list in [
        ("- a\n", True), ("# c\n---\n[]\n", True), ("&x [1]\n", True), ("services: {}\n", False), ("", False),
        ("text\n", False), ("{broken\n", False), ("\0", False),
    ]:  # fmt: skip
        file.write_text(text, encoding="utf-8")
        assert is_list_of_plays(str(file)) is is_list, text
    assert not is_list_of_plays(str(tmp_path / "nowhere.yml"))
    assert not is_list_of_plays("-")


@pytest.mark.parametrize(
    ("shown", "target"),
    [
        ("playbooks/telecom/prod.yml", "telecom/prod"),
        ("/home/x/playbooks/prod.yaml", "prod"),
        ("compose.yml", "compose"),
        ("/srv/site.yml", "/srv/site"),
    ],
)
def test_the_target_of_a_file(shown: str, target: str) -> None:
    assert target_of(shown) == target
