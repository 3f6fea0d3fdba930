"""Options that many commands have do the same for each of them: found in the commands themselves, and tried."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

import provisioner.app
from provisioner.app.wiring import SystemClock
from provisioner.cli.main import execute, program
from provisioner.ledger.adoptions import with_adoptions
from provisioner.ledger.lease import lease
from provisioner.model.state import Facts
from tests.unit.app.in_memory import InMemory, in_memory, service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import click

# What else has to be said, so that they come as far as the lease.
WORDS: dict[str, list[str]] = {
    "adopt": ["--yes", "other"], "apply": ["--yes"], "destroy": ["--yes"], "down": ["--yes"], "rollback": ["--yes"],
    "scale": ["web=2"], "up": [], "backup create": [], "clone": [],
    "restore": [], "secrets rotate": ["--yes"],
    "secrets key rotate": ["--yes"],
}  # fmt: skip
# They need more than an engine in memory has: volumes with data, a key, another project.
ELSEWHERE = {"adopt", "backup create", "clone", "restore", "secrets rotate", "secrets key rotate"}


def commands_with(option: str) -> list[str]:
    """The names of all commands that have it."""
    main = program()
    with main.make_context("provision", ["--help"], resilient_parsing=True) as context:
        found = [(name, main.get_command(context, name)) for name in main.list_commands(context)]
    return [path for name, command in found if command is not None for path in _with(command, name, option)]


def _with(command: click.Command, path: str, option: str) -> Iterator[str]:
    if any(option in one.opts for one in command.params):
        yield path
    for name, member in getattr(command, "commands", {}).items():
        yield from _with(member, f"{path} {name}", option)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    found = in_memory(tmp_path, monkeypatch)
    found.write({"name": "shop", "services": {"web": service(), "db": service()}})
    found.apply()
    found.write({"name": "shop", "services": {"web": service(labels={"a": "1"}), "db": service()}})
    found.apply()
    monkeypatch.chdir(tmp_path)
    for name, module in list(sys.modules.items()):
        if name.startswith(provisioner.app.__name__) and hasattr(module, "open_engine"):
            monkeypatch.setattr(module, "open_engine", lambda request, choice, **how: with_adoptions(found.engine))
    return found


def test_every_command_that_waits_for_the_lease_is_known() -> None:
    assert sorted(commands_with("--lock-timeout")) == sorted(WORDS)


@pytest.mark.parametrize("command", sorted(set(WORDS) - ELSEWHERE))
def test_another_run_is_waited_for_and_then_named(
    command: str, shop: InMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write({"name": "shop", "services": {"web": service(labels={"a": "2"}), "db": service()}})
    line = [*command.split(), *WORDS[command], "--lock-timeout", "0.2"]
    with lease(shop.engine, "shop", "containers", clock=SystemClock()):
        assert execute(line) == 75
    told = capsys.readouterr().err
    assert "waiting for the lease" in told
    assert execute(line) == 0


@pytest.mark.parametrize("command", sorted({"apply", "plan", "rollback", "up"}))
def test_a_secret_goes_over_plain_tcp_only_where_that_is_asked_for(
    command: str, shop: InMemory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command in commands_with("--insecure-transport")
    facts = shop.engine.facts()
    far = Facts(**{**{name: getattr(facts, name) for name in Facts.__slots__}, "exposed_at": "tcp://prod:2375"})
    (shop.folder / "key").write_text("s3cret")
    secret = {"secrets": {"key": {"file": "./key"}}}
    shop.write({"name": "shop", "services": {"web": service(secrets=["key"]), "db": service()}, **secret})
    if command == "rollback":
        shop.apply()
        shop.write({"name": "shop", "services": {"web": service(), "db": service()}})
        shop.apply()
    monkeypatch.setattr(shop.engine, "facts", lambda: far)
    words = [] if command in ("plan", "up") else ["--yes"]
    code = execute([command, *words])
    said = capsys.readouterr()
    assert "--insecure-transport" in said.out + said.err
    assert code == 1 or command == "plan"
    assert execute([command, *words, "--insecure-transport"]) == 0


def test_a_rollback_leaves_checks_out_where_that_is_asked_for(
    shop: InMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    verify = {"verify": [{"name": "never", "exec": {"service": "web", "command": ["false"]}}]}
    for value in ("2", "3"):
        shop.write({"name": "shop", "services": {"web": service(labels={"a": value}), "db": service()}, **verify})
        shop.apply()
    assert execute(["rollback", "--yes", "--no-verify", "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["checks"] == []
