"""What `read` is given and what it tells beside the tree: names, files, variables and their origins, bad files."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.document import PHASES, Document, Sources, canonical, read
from provisioner.document.text import LARGEST
from provisioner.errors import PlaybookInvalid

SERVICE = "services: {a: {image: x}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "My Shop_1"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path = path if path.suffix else path.with_suffix(".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def reading(*files: str, **options: Any) -> Document:
    options.setdefault("environment", {"HOME": "/home/somebody"})
    return read(Sources(files=files or ("a.yml",), **options))


def problems(*files: str, **options: Any) -> list[str]:
    with pytest.raises(PlaybookInvalid) as error:
        reading(*files, **options)
    return [str(problem) for problem in error.value.problems]


def image(document: Document, service: str = "a") -> object:
    node = document.root.get("services", service, "image")
    assert node is not None
    return node.value


# Names


def test_a_plain_file_is_called_after_its_folder(folder: Path) -> None:
    write(folder, a=SERVICE)
    document = reading()
    assert (document.project, document.name, document.environment) == ("myshop_1", "myshop_1", None)
    assert document.directory == str(folder)
    assert document.files == (str(folder / "a.yml"),)


def test_name_wins_over_the_folder_and_compose_project_name_over_both(folder: Path) -> None:
    write(folder, a="name: shop\n" + SERVICE)
    assert reading().project == "shop"
    assert reading(environment={"COMPOSE_PROJECT_NAME": "mine"}).project == "mine"
    assert reading(environment={"COMPOSE_PROJECT_NAME": "mine"}, project_name="asked").project == "asked"


def test_the_last_file_that_has_a_name_gives_it(folder: Path) -> None:
    write(folder, a="name: one\n" + SERVICE, b="name: two-${X:-y}", c="services: {}")
    assert reading("a.yml", "b.yml", "c.yml").project == "two-y"


def test_a_playbook_is_called_after_its_system_and_its_file(folder: Path) -> None:
    write(folder, playbooks__shop__prod=SERVICE, playbooks__test="name: shop\nenvironment: qa\n" + SERVICE)
    document = reading("playbooks/shop/prod.yml", in_playbooks=True, environment={"COMPOSE_PROJECT_NAME": "no"})
    assert (document.project, document.name, document.environment) == ("shop-prod", "shop", "prod")
    document = reading("playbooks/test.yml", in_playbooks=True)
    assert (document.project, document.name, document.environment) == ("shop-qa", "shop", "qa")


def test_a_playbook_directly_under_playbooks_is_called_after_the_folder_above(folder: Path) -> None:
    write(folder, playbooks__prod=SERVICE)
    assert reading("playbooks/prod.yml", in_playbooks=True).project == "myshop_1-prod"


def test_a_name_asked_for_names_the_project_alone(folder: Path) -> None:
    write(folder, playbooks__prod="name: shop\n" + SERVICE)
    document = reading("playbooks/prod.yml", in_playbooks=True, project_name="other")
    assert (document.project, document.name, document.environment) == ("other", "shop", "prod")
    assert document.root.get("networks", "default", "name") is not None
    assert canonical(document)["networks"]["default"]["name"] == "other_default"  # type: ignore[index,call-overload]


@pytest.mark.parametrize("name", ["Shop", "-shop", "a b", "ü", ""])
def test_a_name_that_is_none_is_told(folder: Path, name: str) -> None:
    write(folder, a=SERVICE)
    assert problems(project_name=name)


def test_the_project_is_a_variable(folder: Path) -> None:
    write(folder, a="name: shop\nservices: {a: {image: 'x-${COMPOSE_PROJECT_NAME}'}}")
    assert image(reading()) == "x-shop"


# Variables


def test_precedence_and_origins(folder: Path) -> None:
    write(
        folder,
        a="extends: base.yml\nenv_files: [own.env, last.env]\nvars: {V: vars}\n"
        "services: {a: {image: '${A}${B}${C}${D}${E}${V}${W}${Z:-default}'}}",
        base="vars: {V: base, W: base, A: base, D: base}\n",
    )
    (folder / ".env").write_text("# c\nA=dotenv\nB=dotenv\nC=dotenv\nE=dotenv\n")
    (folder / "own.env").write_text("C=own\nB=own\n")
    (folder / "last.env").write_text("C=last\n")
    document = reading(overrides={"A": "1"}, environment={"A": "shell", "B": "2"})
    assert image(document) == "12lastbasedotenvvarsbasedefault"
    told = {use.name: (use.value, use.origin, use.shadowed) for use in document.variables}
    assert told["A"] == ("1", "command line", ("shell", "env file .env:2", "vars base.yml:1"))
    assert told["B"] == ("2", "shell", ("env file own.env:2", "env file .env:3"))
    assert told["C"] == ("last", "env file last.env:1", ("env file own.env:1", "env file .env:4"))
    assert told["D"] == ("base", "vars base.yml:1", ())
    assert told["V"] == ("vars", "vars a.yml:3", ("vars base.yml:1",))
    assert told["Z"] == (None, "default", ())
    (use,) = (use for use in document.variables if use.name == "A")
    assert [str(span) for span in use.used_at] == ["a.yml:4:23"]


def test_an_env_file_on_the_command_line_replaces_the_implicit_one(folder: Path) -> None:
    write(folder, a="env_files: own.env\nservices: {a: {image: '${A:-}${B:-}'}}")
    (folder / ".env").write_text("A=dotenv\n")
    (folder / "own.env").write_text("A=own\nB=own\n")
    (folder / "one.env").write_text("A=one\n")
    (folder / "two.env").write_text("A=two\n")
    assert image(reading()) == "ownown"
    assert image(reading(env_files=("one.env", "two.env"))) == "twoown"
    assert problems(env_files=("none.env",)) == ["none.env: the file does not exist"]


def test_declared_variables_are_told_though_unused_and_the_shells_are_not(folder: Path) -> None:
    write(folder, a="vars: {V: '1'}\n" + SERVICE)
    assert [use.name for use in reading(environment={"SECRET": "x"}, overrides={"O": "2"}).variables] == ["O", "V"]


def test_vars_may_use_what_is_above_them(folder: Path) -> None:
    write(folder, a="vars: {V: 'v-${S}', W: 5}\nservices: {a: {image: '${V}${W}'}}")
    assert image(reading(environment={"S": "shell"})) == "v-shell5"


def test_an_unset_variable_is_empty_and_told_with_its_place(folder: Path) -> None:
    write(folder, a="services:\n  a:\n    image: x${NOPE}\n    hostname: h${EMPTY-}\n")
    document = reading()
    assert [str(problem) for problem in document.unset] == [
        "a.yml:3:12: services.a.image: the variable NOPE is not set, so it is empty here"
        " (set it, or write ${NOPE-} if empty is meant)"
    ]
    assert document.unset[0] in document.warnings
    assert {use.name: use.origin for use in document.variables} == {"EMPTY": "default", "NOPE": "unset"}


def test_the_process_environment_is_never_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", "leaked")
    write(folder, a="services: {a: {image: 'x${LEAK:-}', environment: [LEAK]}}")
    document = reading()
    assert image(document) == "x"
    assert "leaked" not in str(canonical(document))


# Files and folders


def test_relative_paths_start_in_the_project_directory(folder: Path) -> None:
    write(folder, sub__a="services: {a: {build: ./src, volumes: ['./v:/v', '~/w:/w']}}", b=SERVICE)
    mounts = reading("sub/a.yml", "b.yml").root.get("services", "a", "volumes")
    assert mounts is not None
    assert [mount.mapping["source"].value for mount in mounts.items] == [str(folder / "sub/v"), "/home/somebody/w"]
    elsewhere = reading("sub/a.yml", directory=str(folder / "other"))
    assert canonical(elsewhere)["services"]["a"]["build"]["context"] == str(folder / "other/src")  # type: ignore[index,call-overload]
    assert elsewhere.project == "other"


def test_all_files_that_were_read_are_listed(folder: Path) -> None:
    write(
        folder,
        a="include: [inc.yml]\nextends: base.yml\n"
        "services: {a: {extends: {file: ext.yml, service: e}, env_file: e.env}}",
        inc="services: {i: {image: i}}",
        base="vars: {V: '1'}",
        ext="services: {e: {image: e}}",
    )
    (folder / "e.env").write_text("E=1")
    names = {Path(name).name for name in reading().files}
    assert names == {"a.yml", "inc.yml", "base.yml", "ext.yml", "e.env"}


def test_standard_input(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "services: {a: {build: ./x}, b: {imag: y}}"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert problems("-")[0].startswith("standard input:1:33: services.b: unknown key 'imag'")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"services: {a: {build: ./x}}")))
    document = reading("-")
    assert document.project == "myshop_1"
    assert canonical(document)["services"]["a"]["build"]["context"] == str(folder / "x")  # type: ignore[index,call-overload]


def test_bad_files_are_told_before_anything_is_read_from_them(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "large").write_bytes(b"#" * (LARGEST + 1))
    (folder / "latin").write_bytes(b"services:\n  a: {image: caf\xe9}\n")
    (folder / "wide").write_bytes("services: {}".encode("utf-16"))
    (folder / "bell").write_bytes(b"services:\n  a: {image: '\x07'}\n")
    (folder / "nul").write_bytes(b"a: \0")
    (folder / "list").write_text("- a\n")
    (folder / "word").write_text("word")
    expected = {
        "pipe": ["pipe: the file is not a regular file (name a regular file)"],
        "dangling": ["dangling: the file is a symbolic link to nothing"],
        "large": ["large: the file is larger than 1024 KiB (split it with include)"],
        "latin": ["latin:2:17: not UTF-8: byte 0xe9 at offset 26 (save the file as UTF-8)"],
        "wide": ["wide:1:1: not UTF-8: byte 0xff at offset 0, it looks like UTF-16 (save the file as UTF-8)"],
        "bell": ["bell:2:15: control character U+0007 in the file (remove it)"],
        "nul": ["nul:1:4: NUL in the file (remove it)"],
        "list": ["list:1:1: expected a mapping, found a list"],
        "word": ["word:1:1: expected a mapping, found text"],
        "none": ["none: the file does not exist"],
        ".": [".: the file is a directory (name a file)"],
        "/dev/null": ["/dev/null: the file is not a regular file (name a regular file)"],
    }
    assert {name: problems(name) for name in expected} == expected


@pytest.mark.parametrize("nothing", ["", "# only a comment\n", "\n\n", "{}"])
def test_an_overlay_or_included_file_may_be_empty_and_an_only_file_not(folder: Path, nothing: str) -> None:
    write(folder, a=SERVICE, empty=nothing, b="include: [empty.yml]\n" + SERVICE, c="extends: empty.yml\n" + SERVICE)
    alone = canonical(reading("a.yml"))
    for files in (("a.yml", "empty.yml"), ("empty.yml", "a.yml"), ("b.yml",), ("c.yml",)):
        assert canonical(reading(*files)) == alone
    assert problems("empty.yml") == ["empty.yml:1:1: the file is empty (it needs at least `services:`)"]
    write(folder, more=nothing)
    assert problems("empty.yml", "more.yml") == [
        "empty.yml:1:1: all of the files are empty (it needs at least `services:`)"
    ]


@pytest.mark.parametrize("null", ["---\n", "~", "null\n"])
def test_an_overlay_that_is_null_is_refused(folder: Path, null: str) -> None:
    write(folder, a=SERVICE, b=null)
    assert problems("a.yml", "b.yml") == ["b.yml:1:1: the file is empty (a playbook needs at least `services:`)"]


def test_an_empty_mapping_declares_nothing(folder: Path) -> None:
    write(folder, b="services: {}")
    assert canonical(reading("b.yml")) == {"name": "myshop_1", "services": {}}


def test_no_file_is_a_problem() -> None:
    with pytest.raises(PlaybookInvalid, match="no playbook is named"):
        read(Sources(files=()))


def test_the_mistakes_of_all_files_are_told_together(folder: Path) -> None:
    write(
        folder, a="include: [c.yml]\nservices: {a: {imag: x}}", b="services: {b: {image: 5}}", c="services: {c: {x: 1}}"
    )
    found = problems("a.yml", "b.yml", "none.yml")
    assert [problem.split(":")[0] for problem in found] == ["a.yml", "b.yml", "c.yml", "none.yml"]


def test_a_long_chain_of_files_is_read(folder: Path) -> None:
    for number in range(60):
        following = f"extends: f{number + 1}.yml\n" if number < 59 else ""
        (folder / f"f{number}.yml").write_text(f"{following}services: {{s{number}: {{image: x}}}}\n")
    services = reading("f0.yml").root.get("services")
    assert services is not None
    assert len(services.mapping) == 60


def test_a_chain_without_an_end_in_sight_is_refused(folder: Path) -> None:
    for number in range(300):
        (folder / f"f{number}.yml").write_text(f"include: [f{number + 1}.yml]\n")
    (problem,) = problems("f0.yml")
    assert problem == "f63.yml:1:11: a chain of more than 64 files or services"


def test_a_chain_of_services_has_the_same_end(folder: Path) -> None:
    lines = "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(1_000))
    write(folder, a=f"services:\n{lines}  s1000: {{image: x}}\n")
    assert "a.yml:65:18: a chain of more than 64 files or services" in problems()


def test_what_two_playbooks_start_from_is_laid_down_once(folder: Path) -> None:
    write(
        folder,
        a="extends: [b.yml, c.yml]",
        b="extends: root.yml\nservices: {a: {image: b}}",
        c="extends: root.yml\nservices: {a: {hostname: c}}",
        root="services: {a: {image: root, hostname: root, group_add: [x]}}",
    )
    service = reading().root.mapping["services"].mapping["a"]
    assert (service.mapping["image"].value, service.mapping["hostname"].value) == ("b", "c")
    assert len(service.mapping["group_add"].items) == 1


def test_remote_files_are_refused(folder: Path) -> None:
    write(folder, a="include: ['https://example.org/compose.yml']\n" + SERVICE)
    assert "only files on this machine" in problems()[0]


# Profiles


def test_profiles_come_from_the_command_line_or_the_environment(folder: Path) -> None:
    write(folder, a="services: {a: {image: a}, p: {image: p, profiles: [p]}, q: {image: q, profiles: [q, r]}}")

    def active(**options: Any) -> set[str]:
        services = reading(**options).root.get("services")
        assert services is not None
        return set(services.mapping)

    assert active() == {"a"}
    assert active(profiles=("p",)) == {"a", "p"}
    assert active(environment={"COMPOSE_PROFILES": "p, r"}) == {"a", "p", "q"}
    assert active(environment={"COMPOSE_PROFILES": "p"}, profiles=("q",)) == {"a", "q"}
    assert active(profiles=("*",)) == {"a", "p", "q"}


# The whole


def test_the_phases_have_names_and_say_what_they_do() -> None:
    assert len({phase.name for phase in PHASES}) == len(PHASES)
    assert all(phase.about.endswith(".") for phase in PHASES)


def test_the_time_grows_with_the_size_also_when_everything_is_wrong(folder: Path) -> None:
    lines = "".join(f"  s{n}: {{imag: x, ports: ['a'], depends_on: [t{n}]}}\n" for n in range(2_000))
    write(folder, a="services:\n" + lines)
    start = time.perf_counter()
    assert len(problems()) >= 6_000
    assert time.perf_counter() - start < 60


def test_a_variable_without_a_value_in_a_services_file_is_kept_as_unset(folder: Path) -> None:
    write(folder, a="services: {a: {image: x, env_file: x.env, label_file: l.env}}\n")
    Path("x.env").write_text("A=1\nB=${NOPE}-x\nC=${NOPE-}\nD='$NOPE'\nE=$A\n")
    Path("l.env").write_text("lab=${NONE}-x\n")
    hint = "if empty is meant, or put the value in single quotes if a dollar is meant"
    assert [str(problem) for problem in reading().unset] == [
        f"x.env:2:1: the variable NOPE is not set, so it is empty here (set it, write ${{NOPE-}} {hint})",
        f"l.env:1:1: the variable NONE is not set, so it is empty here (set it, write ${{NONE-}} {hint})",
    ]
    # `.env` may be there for anything.
    Path("x.env").write_text("A=1\n")
    Path("l.env").write_text("A=1\n")
    Path(".env").write_text("B=${NOPE}\n")
    document = reading()
    assert document.unset == ()
    assert len(document.warnings) == 1


def test_the_scale_stands_among_the_settings_of_deployment(folder: Path) -> None:
    write(folder, a="services: {a: {image: x, scale: 3, deploy: {update_config: {order: stop-first}}}}\n")
    tree: Any = canonical(reading())
    assert tree["services"]["a"]["deploy"]["replicas"] == 3
    write(folder, a="services: {a: {image: x, scale: 3}}\n")
    tree = canonical(reading())
    assert "deploy" not in tree["services"]["a"]


def test_variables_in_variables_have_an_end(folder: Path) -> None:
    deep = "${A:-" * 3000 + "x" + "}" * 3000
    write(folder, a=f"services: {{a: {{image: x, labels: {{a: '{deep}'}}}}}}\n")
    (problem,) = problems()
    assert "a.yml:1:38: services.a.labels.a: variables are nested more than 64 levels deep" in problem
    write(folder, a=f"services: {{a: {{image: '{'${A:-' * 60}x{'}' * 60}'}}}}\n")
    assert image(reading()) == "x"
    Path("x.env").write_text(f"A={deep}\n")
    write(folder, a="services: {a: {image: x, env_file: x.env}}\n")
    assert problems()[0].startswith("x.env:1:1: ")
