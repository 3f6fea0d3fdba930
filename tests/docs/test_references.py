"""Whatever the pages point to is there: links, files of the project, commands and their options."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

import click
import pytest

from provisioner.cli.main import program
from tests.command_line import carry_out
from tests.docs.pages import PAGES, PROJECT, anchors, fences, links, name_of, spans

# What the first part of a path in the prose may be, for it to be meant as a file of this project.
_SYSTEMS = tuple(f"playbooks/{file.parent.name}" for file in sorted(PROJECT.glob("playbooks/*/base.yml")))
ROOMS = ("provisioner", "tests", "script", "docs", *_SYSTEMS, "benchmarks", ".ci")
# What an apply makes beside a playbook; git ignores it.
MADE = {".provision", ".env.local"}
_PATH = re.compile(r"[\w.\-]+(?:/[\w.\-]+)+/?")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    broken = []
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page):
    named = [span for span in spans(page) if _PATH.fullmatch(span) and span.startswith(tuple(f"{r}/" for r in ROOMS))]
    kept = [PurePosixPath(path) for path in named if MADE.isdisjoint(PurePosixPath(path).parts)]
    assert [str(path) for path in kept if not (PROJECT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist(page):
    assert [problem for words in calls(page) if (problem := wrong_with(words))] == []


def test_every_command_is_in_the_readme():
    there, missing = (PROJECT / "README.md").read_text().split("## What is not there yet")
    main = program()
    names = main.list_commands(click.Context(main))
    assert [name for name in names if not re.search(rf"[ `]{name}\b", there)] == []
    assert [name for name in names if f"`{name}`" in missing] == []


def test_every_page_is_in_the_index():
    index = PROJECT / "docs" / "README.md"
    listed = {(index.parent / target.partition("#")[0]).resolve() for target in links(index)}
    unlisted = [
        name_of(page)
        for page in PAGES
        if page.is_relative_to(index.parent) and page != index and page not in listed and page.stem[:1] != "P"
    ]
    assert unlisted == []


def test_no_two_pages_have_one_title():
    titles = [
        page.read_text(encoding="utf-8").partition("\n")[0] for page in PAGES if page.is_relative_to(PROJECT / "docs")
    ]
    assert sorted(titles) == sorted(set(titles))


def test_the_drawing_is_what_the_command_draws():
    done = carry_out(["graph", "telecom/local", "--format", "svg"], folder=PROJECT, environment={"HOME": "/"})
    assert done.stdout == (PROJECT / "docs" / "graph.svg").read_text(), "run script/generate-docs"


def test_a_wrong_command_is_found():
    assert wrong_with(["provision", "aply", "shop/prod"]) == "provision aply: no such command"
    assert wrong_with(["provision", "apply", "--no-such"]) == "provision apply --no-such: no such option"
    assert wrong_with(["provision", "-C", "x", "apply", "--yes", "-e", "A=b"]) is None
    assert wrong_with(["provision", "exec", "-T", "db", "psql", "--anything"]) is None


def calls(page):
    """Every call of `provision` that a page shows, as its words; `[OPTIONAL]` and CAPITALS are left as they are."""
    lines = list(spans(page))
    for fence in fences(page):
        if fence.language in ("sh", "console", "bash", "shell"):
            lines += fence.text.replace("\\\n", " ").split("\n")
    for line in lines:
        line = line.removeprefix("$ ").strip()
        for part in re.split(r"&&|\|\||[;|]|\$\(", line):
            words = part.strip().split()
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words = words[1:]
            if words and PurePosixPath(words[0]).name == "provision" and len(words) > 1:
                yield split(" ".join(words))


def split(text):
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def wrong_with(words):
    """What is wrong with a call, or None: its command and its options are looked up in the command line itself."""
    main = program()
    command, said, rest = main, ["provision"], list(words[1:])
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            option = options(command).get(name) or options(main).get(name)
            if option is None:
                return f"{' '.join(said)} {name}: no such option"
            if not (option.is_flag or option.count or value) and rest:
                rest.pop(0)
        elif isinstance(command, click.Group):
            if not re.fullmatch(r"[a-z][a-z-]*", word):
                return None
            below = command.get_command(click.Context(command), word)
            said.append(word)
            if below is None:
                return f"{' '.join(said)}: no such command"
            command = below
        elif not command.context_settings.get("allow_interspersed_args", True):
            return None
    return None


def options(command):
    return {
        spelling: parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for spelling in (*parameter.opts, *parameter.secondary_opts, "-h", "--help")
    }
