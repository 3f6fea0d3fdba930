"""A saved plan of a list: sealed play by play with the environments' keys, and refused in any other form."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.plan_plays import OpenedPlay, PlannedPlay
from provisioner.app.plays import PlayList, PlayRequest, Selection
from provisioner.app.saved_plan import read, write
from provisioner.app.saved_plays import SavedPlays, load_any, save_plays
from provisioner.errors import PlanStale, PlaybookInvalid
from provisioner.model.plan import Policy
from provisioner.model.span import Span
from tests.unit.app.test_saved_plan import prepared, request

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request


class Signer:
    """The key of an environment."""

    id = "key-1"

    def seal(self, content: bytes) -> str:
        return f"sealed-{len(content)}-{hash(content)}"


def signed(what: Prepared) -> Prepared:
    return replace(what, materials=replace(what.materials, signer=Signer()))


def planned(name: str, asked: Request, what: Prepared) -> PlannedPlay:
    play = PlayRequest(name, asked, Span("prod.yml", 1, 3))
    engine: Any = None
    return PlannedPlay(OpenedPlay(play, what.playbook, engine, "ID1", what.platform), what, Policy())


def saved(folder: Path, asked: Request, *names: str) -> tuple[SavedPlays, PlayList, list[PlannedPlay]]:
    every = [planned(name, asked, signed(prepared(asked))) for name in names]
    plays = PlayList("prod", asked, tuple(one.opened.play for one in every))
    path = folder / "prod.plan"
    save_plays(path, plays, Selection(), Policy(), {}, every)
    found = load_any(path)
    assert isinstance(found, SavedPlays)
    return found, plays, every


def test_the_seal_of_a_key_fits_each_play(tmp_path: Path) -> None:
    found, plays, every = saved(tmp_path, request(tmp_path), "One", "Two")
    found.require_current(plays, every)
    assert found.remarks(every[0]) == ()


def test_a_play_that_was_changed_in_the_file_is_refused(tmp_path: Path) -> None:
    _, plays, every = saved(tmp_path, request(tmp_path), "One", "Two")
    path = tmp_path / "prod.plan"
    content = json.loads(json.dumps(read(path)))
    content["plays"][1]["policy"]["prune"] = True
    body = {key: value for key, value in content.items() if key not in ("kind", "format_version", "made_by")}
    write(path, body)
    changed = load_any(path)
    assert isinstance(changed, SavedPlays)
    with pytest.raises(PlaybookInvalid, match="was changed after it was written"):
        changed.require_current(plays, every)


def test_other_plays_or_another_playbook_are_stale(tmp_path: Path) -> None:
    asked = request(tmp_path)
    found, plays, every = saved(tmp_path, asked, "One", "Two")
    with pytest.raises(PlanStale, match="the plays were One, Two, and are One"):
        found.require_current(replace(plays, plays=plays.plays[:1]), every[:1])
    blue = signed(prepared(request(tmp_path, "blue")))
    with pytest.raises(PlanStale, match="play 'Two': the playbook: services changed"):
        found.require_current(plays, [every[0], planned("Two", asked, blue)])


@pytest.mark.parametrize(
    "body",
    [{"plays": []}, {"plays": [1]}, {"plays": [{"name": "a"}]}, {"plays": {}, "selection": {}}],
)
def test_a_file_without_the_form_of_a_plan_is_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    write(tmp_path / "prod.plan", body)
    with pytest.raises(PlaybookInvalid, match="has not the form of a plan"):
        load_any(tmp_path / "prod.plan")
