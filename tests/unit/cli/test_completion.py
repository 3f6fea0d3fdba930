"""What shells are offered: by the types that commands declare, and through bash, zsh and fish themselves."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from provisioner.cli.completion import Completed, Words
from provisioner.cli.completion_shells import answer
from provisioner.cli.main import program

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAYBOOK = """\
name: shop
vars: {TAG: "1"}
services:
  api: {image: "busybox:${TAG}", deploy: {replicas: 2}, secrets: [key], volumes: ["data:/data"]}
  web: {image: "nginx:${VERSION:-1}", profiles: [front]}
volumes: {data: {}}
secrets: {key: {file: ./key}}
verify:
  - {name: it answers, exec: {service: api, command: ["true"]}}
"""
BREAKS = " \t\n\"'@><=;|&(:"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("dev", "prod"):
        path = tmp_path / f"playbooks/shop/{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLAYBOOK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("PROVISION_", "COMPOSE_", "DOCKER_")):
            monkeypatch.delenv(name)
    return tmp_path


def offered(line: str, monkeypatch: pytest.MonkeyPatch, shell: str = "bash") -> list[str]:
    """The words that a shell is offered at the end of a line."""
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_WORDBREAKS", BREAKS)
    return [row.split("\t")[1] for row in answer(program(), f"{shell}_complete").splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("provision pla", ["plan"]),
        ("provision plan ", ["shop/dev", "shop/prod"]),
        ("provision logs ", ["shop/dev", "shop/prod"]),
        ("provision logs shop/dev ", ["api", "web"]),
        ("provision logs shop/dev api ", ["web"]),
        ("provision exec shop/dev ", ["api", "web"]),
        ("provision exec shop/dev api ", []),
        ("provision -f playbooks/shop/dev.yml logs ", ["api", "web"]),
        ("provision logs --file playbooks/shop/dev.yml a", ["api"]),
        ("provision plan shop/dev --target service", ["service.api", "service.api[1]", "service.api[2]"]),
        ("provision plan shop/dev --target v", ["volume.data"]),
        ("provision plan shop/dev --target ap", ["api"]),
        ("provision apply shop/dev --scale ", ["api=", "web="]),
        ("provision plan shop/dev -e ", ["TAG=", "VERSION="]),
        ("provision config shop/dev --explain ", ["TAG", "VERSION", "key"]),
        ("provision apply shop/dev --profile ", ["front"]),
        ("provision verify shop/dev --check ", ["it answers"]),
        ("provision secrets set shop/dev ", ["key"]),
        ("provision destroy shop/dev --volume ", ["data"]),
        ("provision plan --context ", ["default"]),
        ("X=1 /opt/bin/provision logs shop/dev w", ["web"]),
    ],
)
def test_what_is_offered(line: str, words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(line, monkeypatch) == words


def test_each_shell_gets_the_part_of_a_word_that_it_puts_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "provision plan shop/dev --target=volume."
    assert offered(line, monkeypatch, "bash") == ["volume.data"]
    assert offered(line, monkeypatch, "zsh") == ["volume.data"]
    assert offered(line, monkeypatch, "fish") == ["--target=volume.data"]


def test_numbers_of_revisions_come_from_the_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from provisioner.app import candidates
    from tests.unit.app.in_memory import QUICK, in_memory

    shop = in_memory(folder, monkeypatch)
    monkeypatch.setattr(candidates, "open_engine", lambda request, choice: shop.engine)
    shutil.rmtree(folder / "playbooks")
    for value in ("1", "2"):
        shop.write({"name": "shop", "services": {"api": {**QUICK, "environment": {"A": value}}}})
        assert shop.apply().exit_code == 0
    assert offered("provision show ", monkeypatch)[:2] == ["2", "1"]
    assert offered("provision rollback 1", monkeypatch) == ["1"]
    assert offered("provision diff 1 ", monkeypatch) == ["2", "1"]


@pytest.mark.parametrize("line", ["provision logs ", "provision show ", "provision plan --target "])
def test_what_can_not_be_read_offers_nothing_and_says_nothing(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "compose.yaml").write_text("services: [", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert offered(line, monkeypatch) == []
    assert capfd.readouterr() == ("", "")


def parameters(command: click.Command, path: str) -> Iterator[tuple[str, click.Parameter]]:
    for parameter in command.params:
        yield f"{path} {parameter.opts[-1]}", parameter
    for name, member in getattr(command, "commands", {}).items():
        yield from parameters(member, f"{path} {name}")


def test_every_argument_is_of_a_type_that_shells_complete() -> None:
    main = program()
    with main.make_context("provision", ["--help"], resilient_parsing=True) as context:
        commands = [(name, main.get_command(context, name)) for name in main.list_commands(context)]
    plain = [
        where
        for name, command in commands
        if command is not None
        for where, parameter in parameters(command, name)
        if isinstance(parameter, click.Argument)
        and not isinstance(parameter.type, Completed | Words | click.Choice | click.Path)
    ]
    assert plain == []


# Typed in each shell, and one word of what it then shows: services, addresses, targets, variables, profiles, contexts,
# names of secrets, numbers to scale to, options, files.
TYPED = (
    ("provision logs shop/dev a", "api"),
    ("provision plan shop/dev --target volume.", "volume.data"),
    ("provision plan shop/dev --target=volume.", "volume.data"),
    ("provision plan shop/p", "shop/prod"),
    ("provision plan shop/dev -e VER", "VERSION="),
    ("provision apply shop/dev --profile f", "front"),
    ("provision plan --context def", "default"),
    ("provision secrets set shop/dev k", "key"),
    ("provision apply shop/dev --scale ap", "api="),
    ("provision plan --detailed", "--detailed-exitcode"),
    ("provision config --env-file kept", "kept.env"),
)


@pytest.fixture
def surroundings(folder: Path) -> dict[str, str]:
    (folder / "kept.env").write_text("A=1\n", encoding="utf-8")
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TERM": "dumb"}


def test_bash_itself(folder: Path, surroundings: dict[str, str]) -> None:
    outer, inner = pty.openpty()
    shell = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"], env=surroundings, stdin=inner, stdout=inner, stderr=inner,
        start_new_session=True,
    )  # fmt: skip
    os.close(inner)
    try:
        ready = "PS1=; bind 'set enable-bracketed-paste off'; eval \"$(provision completion bash)\"; echo REA''DY\r"
        assert "READY" in typed(outer, ready, "READY")
        for line, word in TYPED:
            shown = typed(outer, f"{line}\t", word)
            assert word in shown, (line, shown)
            # Away with the line.
            os.write(outer, b"\x15")
    finally:
        shell.kill()
        shell.wait()
        os.close(outer)


def typed(terminal: int, text: str, word: str) -> str:
    """Type it; what the terminal shows until the word is there, for at most 30 s."""
    os.write(terminal, text.encode())
    shown, deadline = "", time.monotonic() + 30
    while word not in shown and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.5)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown


def test_bash_gets_what_it_would_read_otherwise_in_quotes(folder: Path, surroundings: dict[str, str]) -> None:
    script = """
        eval "$(provision completion bash)"
        COMP_LINE="$1" COMP_POINT=${#1}
        _provision_completion provision
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    line = "provision plan shop/dev --target service.api["
    ended = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", line], capture_output=True, text=True, check=False, timeout=60,
        env=surroundings,
    )  # fmt: skip
    assert ended.stdout.splitlines() == [r"service.api\[1\]", r"service.api\[2\]"], ended.stderr


def test_fish_itself(folder: Path, surroundings: dict[str, str]) -> None:
    script = "provision completion fish | source; for line in $argv; complete -C $line | head -n 1; end"
    lines = [line for line, _ in TYPED]
    ended = subprocess.run(
        ["fish", "--no-config", "-c", script, *lines], capture_output=True, text=True, check=False, timeout=60,
        env=surroundings,
    )  # fmt: skip
    shown = [line.split("\t")[0] for line in ended.stdout.splitlines()]
    expected = [f"--target={word}" if "--target=" in line else word for line, word in TYPED]
    assert shown == expected, ended.stderr


def test_zsh_itself(folder: Path, surroundings: dict[str, str]) -> None:
    script = """
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell 'PS1=; eval "$(provision completion zsh)"; echo READY-$((1+1))'
        zpty -r shell out '*READY-2*'
        while [ $# -gt 0 ]; do
            zpty -w -n shell "$1"$'\\t'
            zpty -r shell out "*$2*" && print -r -- "FOUND $2"
            zpty -w -n shell $'\\x15'
            shift 2
        done
    """
    pairs = [word for pair in TYPED for word in pair]
    ended = subprocess.run(
        ["zsh", "-f", "-c", script, "zsh", *pairs], capture_output=True, text=True, check=False, timeout=60,
        env=surroundings,
    )  # fmt: skip
    assert ended.stdout.splitlines() == [f"FOUND {word}" for _, word in TYPED], ended.stdout + ended.stderr
