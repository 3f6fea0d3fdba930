"""The lists in this checkout: what `plan` takes where nothing is named, and what `apply prod` brings up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provisioner.app.load import load_playbook
from provisioner.app.plays import PlayList, Selection, find_plays, select_plays
from provisioner.app.request import Request
from provisioner.cli.target import choose
from provisioner.platforms.clashes import PlacedEnvironment, clashes

if TYPE_CHECKING:
    from provisioner.platforms.choice import Mode

ROOT = Path(__file__).parents[3]
SYSTEMS = {"telecom", "usage-tracking", "campaign", "ichrisbirch", "stock-tracker"}


def plays(name: str, *tags: str, monkeypatch: pytest.MonkeyPatch) -> PlayList:
    monkeypatch.chdir(ROOT)
    request = Request(files=(f"playbooks/{name}.yml",), directory=str(ROOT), target=name, in_playbooks=True)
    found = find_plays(request)
    assert found is not None
    return select_plays(found, Selection(tags=tags))


def problems(found: PlayList, mode: Mode) -> list[str]:
    """What two of the environments can not both have on one engine."""
    placed = [PlacedEnvironment(play.name, play.span, load_playbook(play.request), mode, "one") for play in found.plays]
    return [str(problem) for problem in clashes(placed)]


def test_production_is_all_five_systems_apart_from_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    found = plays("prod", monkeypatch=monkeypatch)
    playbooks = [load_playbook(play.request) for play in found.plays]
    assert {playbook.title for playbook in playbooks} == {f"{system}/prod" for system in SYSTEMS}
    assert {playbook.engine.mode for playbook in playbooks} == {"swarm"}
    assert all(playbook.checks for playbook in playbooks)
    assert problems(found, "swarm") == []


def test_where_nothing_is_named_the_smallest_system_comes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    chosen = choose(
        None, None, directory=str(ROOT), exists=lambda path: Path(path).is_file(), known=lambda folder: ()
    )  # fmt: skip
    assert chosen.files == ("playbooks/local.yml",)
    assert [play.request.target for play in plays("local", monkeypatch=monkeypatch).plays] == ["telecom/local"]


def test_all_systems_fit_on_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    found = plays("local", "all", "others", monkeypatch=monkeypatch)
    assert {load_playbook(play.request).name for play in found.plays} == SYSTEMS
    assert problems(found, "containers") == []


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_the_secrets_of_production_are_declared_for_the_system(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = (ROOT / "secrets" / f"{system}.yml").read_text(encoding="utf-8")
    found = plays("prod", monkeypatch=monkeypatch)
    (play,) = (play for play in found.plays if play.request.target == f"{system}/prod")
    secrets = load_playbook(play.request).secrets
    assert secrets
    assert [key for key in secrets if f"\n  {key}:" not in declared] == []
