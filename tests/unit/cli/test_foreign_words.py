"""Words and options of other tools: answered from a table, never by a likeness that would delete something."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click
import pytest

from provisioner import __version__
from provisioner.cli.foreign_words import COMMANDS, DESTRUCTIVE, OPTIONS, nearest_command, single_dash
from provisioner.cli.main import program
from tests.unit.cli.process import provision, write

if TYPE_CHECKING:
    from pathlib import Path

_TYPED = re.compile(r"provision ([a-z]+)((?: -{1,2}[a-z-]+)*)")


def commands() -> list[str]:
    main = program()
    return main.list_commands(click.Context(main))


@pytest.mark.parametrize("hint", sorted({*COMMANDS.values(), *OPTIONS.values()}))
def test_what_is_offered_can_be_typed_and_deletes_nothing(hint: str) -> None:
    main = program()
    for name, options in _TYPED.findall(hint):
        with main.make_context("provision", ["--help"], resilient_parsing=True) as context:
            command = main.get_command(context, name)
        assert command is not None, f"there is no command {name}"
        known = {spelling for parameter in command.params for spelling in parameter.opts}
        assert set(options.split()) <= known
        assert name not in DESTRUCTIVE or "--check" in options, hint


@pytest.mark.parametrize("word", ["deploy", "destory", "destry", "rollbak", "restor", "delete", "kil", "dow"])
def test_no_word_leads_to_a_command_that_deletes(word: str, tmp_path: Path) -> None:
    ended = provision(word, cwd=tmp_path)
    assert ended.returncode == 64
    assert not re.search(
        r"did you mean '(destroy|rollback|restore|kill|down|rm)'|provision destroy(?! --check)", ended.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["validate"], "provision lint"),
        (["refresh"], "no state file"),
        (["taint", "x"], "provision plan"),
        (["setup"], "provision doctor"),
        (["deploy"], "Next: provision apply\n"),
        (["apply", "--dry-run"], "provision plan shows what would be done"),
        (["apply", "--force-recreate"], "apply replaces what differs"),
        (["apply", "--force"], "what is refused stays refused"),
        (["rollback", "--version", "1"], "provision history lists them"),
        (["volume", "rm", "x"], "Next: provision volumes\n"),
        (["envify"], "provision secrets list"),
        (["apply", "--remove-orphans"], "provision plan --prune"),
        (["plan", "-out=x.plan"], "no such option '-out'\n  Next: -o FILE"),
        (["apply", "-auto-approve"], "Next: --yes"),
        (["plan", "--prun"], "no such option '--prun'\n"),
        (["plan", "--scal", "a=1"], "(did you mean '--scale'?)"),
        (["secrets", "unse"], "no such command 'unse' (there are:"),
        (["destroy", "-v"], "--volumes deletes the volumes too"),
        (["docker", "ps"], "Next: provision ps\n"),
        (["compose", "-f", "x.yaml", "up", "-d"], "Next: provision up\n"),
        (["docker", "compose", "deploy"], "Next: provision apply\n"),
        (["docker", "compose", "down", "-v"], "Next: leave `docker compose` out: provision --help"),
        (["help", "statsu"], "did you mean 'status'?"),
        (["ps", "--format"], "Next: provision ps --help"),
        (["secrets", "set", "--to"], "Next: provision secrets set --help"),
        (["--profile"], "Next: provision --help"),
        (["stop", "-t", "abc"], "'abc' is no number\n"),
        (["apply", "--parallel", "many"], "'many' is no whole number\n"),
        (["ps", "--orphans=maybe"], "--orphans=maybe is neither true nor false\n  Next: --orphans=true"),
        (["ps", "--format=false", "--no-such=false"], "no such option '--no-such'"),
        (["exec", "shop/dev", "-T", "web", "sh"], "provision exec: -T stands too late"),
        (["exec", "web", "--index=2", "sh"], "provision exec --index=2 ..., before TARGET and SERVICE"),
    ],
)  # fmt: skip
def test_words_and_options_are_answered_with_what_is_meant(arguments: list[str], says: str, tmp_path: Path) -> None:
    ended = provision(*arguments, cwd=tmp_path)
    assert ended.returncode == 64
    assert says in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_exists_is_not_looked_up() -> None:
    assert nearest_command("plna", commands()) == "plan"
    assert nearest_command("destroi", commands()) == ""
    # Letters in another order are nearer than other letters.
    assert [nearest_command(word, commands()) for word in ("statsu", "sttas", "lgos")] == ["status", "stats", "logs"]


@pytest.mark.parametrize("words", ["", "logs", "secrets set", "exec"])
def test_help_is_a_word_too(words: str, tmp_path: Path) -> None:
    ended = provision("help", *words.split(), cwd=tmp_path)
    asked = provision(*words.split(), "--help", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (asked.returncode, asked.stdout)
    assert ended.stdout.startswith(f"Usage: provision {words} ".replace("  ", " "))


def test_one_dash_is_refused_among_the_options_of_provision_only() -> None:
    assert single_dash(["-o", "x", "-target=service.web"]) == ("-target", "--target")
    assert single_dash(["-it", "-f", "x", "--", "-out=x"]) is None


def test_exec_takes_what_compose_takes(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    for options in (["-it"], ["-i", "-t"], ["-ti"], ["-T", "-i"]):
        assert provision("exec", *options, "a", "psql", "-out=x", cwd=tmp_path).returncode == 69, options


def test_config_q_prints_nothing_and_the_version_is_json_where_that_is_asked(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "services: {a: {image: x, environment: {PASSWORD: s3cr3t}}}\n")
    for options in (["-q"], ["--quiet"], ["-q", "--format", "json"]):
        ended = provision("config", *options, cwd=tmp_path)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert "s3cr3t" in provision("-q", "config", cwd=tmp_path).stdout
    write(tmp_path, "compose.yaml", "services: {a: {imge: x}}\n")
    assert provision("config", "-q", cwd=tmp_path).returncode == 65
    for form in (["-f", "json"], ["--format", "json"], ["--format=json"], ["--json"]):
        assert json.loads(provision("version", *form, cwd=tmp_path).stdout)["version"] == __version__
    assert provision("version", "--short", cwd=tmp_path).stdout == f"{__version__}\n"


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_service_in_the_place_of_a_target_is_told_so(command: str, tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "services: {web: {image: x}, d: {image: x, profiles: [debug]}}\n")
    for name in ("web", "d"):
        ended = provision(command, *(["--yes"] if command == "apply" else []), name, cwd=tmp_path)
        assert ended.returncode == 64
        assert f"'{name}' is a service" in ended.stderr
        assert f"Next: provision {command} --target service.{name}" in ended.stderr
    assert "'web' is a service" in provision("drift", "web", cwd=tmp_path).stderr
    assert "no playbook 'wbe'" in provision("plan", "wbe", cwd=tmp_path).stderr


def test_a_target_of_thousands_of_letters_is_wrong_usage(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    for arguments, code in (
        (["plan", "x" * 5000], 64),
        (["apply", "--yes", "x" * 5000], 64),
        (["plan", "-f", "x" * 5000], 65),
    ):
        ended = provision(*arguments, cwd=tmp_path)
        assert ended.returncode == code
        assert "defect" not in ended.stderr
        assert len(ended.stderr) < 6000
