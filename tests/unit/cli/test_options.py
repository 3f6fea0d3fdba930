"""Global options, in both places and from the environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
import pytest

from provisioner.cli.command import LOOK, Command
from provisioner.cli.main import Program, program
from provisioner.cli.options import policy, scales
from provisioner.cli.settings import Settings, variables
from provisioner.errors import UsageError
from provisioner.model.address import Address


def settings_of(*arguments: str, env: dict[str, str] | None = None, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What a command sees, run in this process."""
    seen: list[Settings] = []

    @click.command("look", cls=Command, purpose=LOOK)
    @click.option("-f", "--follow", is_flag=True)
    @click.pass_obj
    def look(settings: Settings, follow: bool) -> None:
        seen.append(settings)

    class Two(Program):
        def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
            return look

    for name, value in (env or {}).items():
        monkeypatch.setenv(name, value)
    whole: Any = program()
    two = Two(name="provision", callback=whole.callback, params=whole.params)
    with two.make_context("provision", list(arguments)) as context:
        two.invoke(context)
    return seen[0]


def test_global_options_stand_before_or_after_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings_of("--profile", "a", "-e", "X=1", "--host", "h", "-q", "look", monkeypatch=monkeypatch)
    after = settings_of("look", "--profile", "a", "-e", "X=1", "--host", "h", "-q", monkeypatch=monkeypatch)
    assert before == after
    assert (before.profiles, before.env, before.host, before.quiet) == (("a",), ("X=1",), "h", True)


def test_lists_grow_and_single_values_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    both = settings_of("-f", "a.yml", "-H", "one", "look", "--file", "b.yml", "-H", "two", monkeypatch=monkeypatch)
    assert both.files == ("a.yml", "b.yml")
    assert both.host == "two"


def test_a_command_keeps_its_own_spelling_of_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of("look", "-f", monkeypatch=monkeypatch).files == ()


def test_every_global_option_has_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    env = {
        "PROVISION_FILE": "a.yml:b.yml",
        "PROVISION_PROFILE": "one,two",
        "PROVISION_ENV_FILE": "x.env",
        "PROVISION_ENV": "A=1 B=2",
        "PROVISION_HOST": "ssh://x",
        "PROVISION_PROJECT_NAME": "pr-7",
        "PROVISION_PROJECT_DIRECTORY": "web",
        "PROVISION_QUIET": "1",
        "PROVISION_NO_COLOR": "1",
    }
    seen = settings_of("look", env=env, monkeypatch=monkeypatch)
    assert seen.files == ("a.yml", "b.yml")
    assert seen.profiles == ("one", "two")
    assert (seen.env_files, seen.env, seen.host) == (("x.env",), ("A=1", "B=2"), "ssh://x")
    assert (seen.project_name, seen.project_directory) == ("pr-7", "web")
    assert seen.quiet
    assert seen.no_color


def test_files_on_the_command_line_replace_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"PROVISION_FILE": "a.yml"}
    assert settings_of("look", "--file", "b.yml", env=env, monkeypatch=monkeypatch).files == ("b.yml",)


@pytest.mark.parametrize("arguments", [("--host", "h", "--context", "c"), ("-q", "-v")])
def test_contradictions_are_refused(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError):
        settings_of(*arguments, "look", monkeypatch=monkeypatch)


def test_addresses_are_checked() -> None:
    assert policy(["service.api[2]"], prune=True).targets == (Address("service", "api", 2),)
    assert policy(["api", "api[2]"]).targets == (Address("", "api"), Address("", "api", 2))
    assert [str(address) for address in policy(["api", "api[2]"]).targets] == ["api", "api[2]"]
    for wrong in ("service.", ".api", "a b", "api[x]", ""):
        with pytest.raises(UsageError, match=r"KIND|address"):
            policy([wrong])


def test_scales() -> None:
    assert scales(["api=3", "db=0"]) == {"api": 3, "db": 0}
    for wrong in ("api", "=3", "api=", "api=-1", "api=x"):
        with pytest.raises(UsageError):
            scales([wrong])


def test_a_wrong_variable_is_refused_without_showing_it() -> None:
    assert variables(["A=b=c", "E="]) == {"A": "b=c", "E": ""}
    with pytest.raises(UsageError) as caught:
        variables(["hunter2"])
    assert "hunter2" not in str(caught.value) + str(caught.value.hint)


def test_an_engine_that_is_typed_replaces_one_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"PROVISION_HOST": "ssh://x"}
    for arguments in (("--context", "c", "look"), ("look", "--context", "c")):
        seen = settings_of(*arguments, env=env, monkeypatch=monkeypatch)
        assert (seen.context, seen.host) == ("c", None)


def test_the_command_that_is_offered_names_the_same_environment_and_no_value() -> None:
    settings = Settings(files=("a.yml",), env=("PASSWORD=hunter2",), profiles=("p",), host="ssh://x")
    assert settings.typed(None) == ["--profile", "p", "--host", "ssh://x", "-f", "a.yml", "-e", "PASSWORD=..."]
    assert settings.typed("x/dev")[0] == "x/dev"
    # What a variable of this shell chooses is written out: the command may be typed in another one.
    chosen = Settings(environment={"PROVISION_TARGET": "shop/prod", "COMPOSE_FILE": "a.yaml:b.yaml"})
    assert chosen.typed(None) == ["shop/prod"]
    assert chosen.typed("shop/dev") == ["shop/dev"]
    assert replace(settings, environment=chosen.environment).typed(None)[-4:-2] == ["-f", "a.yml"]
    compose = Settings(environment={"COMPOSE_FILE": "a.yaml:b.yaml"})
    assert compose.typed(None) == ["-f", "a.yaml", "-f", "b.yaml"]
    # A file with a plan says itself what it is a plan of.
    assert settings.of_plan_file().typed("plan.json") == ["plan.json", "--host", "ssh://x", "-e", "PASSWORD=..."]
    plain = Settings(project_name="pr-7", env=("PR=7", "DB_TOKEN=1", "URL=postgres://u:p@h", "KEY_FILE=/x"))
    assert plain.typed(None) == [
        "-p", "pr-7", "-e", "PR=7", "-e", "DB_TOKEN=...", "-e", "URL=...", "-e", "KEY_FILE=/x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--follow=true", (True, True, ())),
        ("--follow=false", (False, True, ())),
        ("-f=1", (True, True, ())),
        ("--follow --follow=F", (False, True, ())),
        ("--follow=false -f", (True, True, ())),
        ("--orphans=false", (False, False, ())),
        ("--no-orphans=true", (False, False, ())),
        ("--no-orphans=0 --orphans=true", (False, True, ())),
        # What is the value of an option, or stands after `--`, is no flag.
        ("--name --follow=false", (False, True, ())),
        ("-- --follow=true", (False, True, ("--follow=true",))),
        ("web --follow=true", (True, True, ("web",))),
    ],
)
def test_a_flag_takes_true_and_false(words: str, expected: tuple[bool, bool, tuple[str, ...]]) -> None:
    seen: list[tuple[bool, bool, tuple[str, ...]]] = []

    @click.command("look", cls=Command, purpose=LOOK)
    @click.argument("rest", nargs=-1)
    @click.option("-f", "--follow", is_flag=True)
    @click.option("--orphans/--no-orphans", default=True)
    @click.option("--name")
    def look(rest: tuple[str, ...], follow: bool, orphans: bool, name: str | None) -> None:
        seen.append((follow, orphans, rest))

    with look.make_context("look", words.split()) as context:
        look.invoke(context)
    assert seen == [expected]


def test_words_of_a_command_in_a_container_are_not_touched() -> None:
    seen: list[tuple[str, ...]] = []

    @click.command("look", cls=Command, purpose=LOOK, context_settings={"allow_interspersed_args": False})
    @click.argument("rest", nargs=-1)
    @click.option("--rm", is_flag=True)
    def look(rest: tuple[str, ...], rm: bool) -> None:
        seen.append((str(rm), *rest))

    with look.make_context("look", ["--rm=true", "web", "go", "--rm=false"]) as context:
        look.invoke(context)
    assert seen == [("True", "web", "go", "--rm=false")]


def test_false_counts_more_than_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"PROVISION_QUIET": "1"}
    assert settings_of("look", env=env, monkeypatch=monkeypatch).quiet
    for words in (["--quiet=false", "look"], ["look", "--quiet=false"], ["look", "-q=false"]):
        assert not settings_of(*words, env=env, monkeypatch=monkeypatch).quiet, words
