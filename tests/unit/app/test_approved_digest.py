"""The digest that a reviewer approves: the same plan has the same one everywhere, and anything that moves is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from provisioner.app.approved_digest import (
    ApprovedDigest,
    ApprovedDigestOfPlays,
    digest_text,
    digest_text_of_plays,
)
from provisioner.app.external_inputs import PENDING
from provisioner.app.plays import PlayList
from provisioner.errors import PlanStale, UsageError
from provisioner.model.address import Address
from provisioner.model.state import Observed
from tests.unit.app.in_memory import in_memory, service
from tests.unit.app.test_saved_plan import WEB, prepared, request
from tests.unit.app.test_saved_plays import planned

if TYPE_CHECKING:
    from pathlib import Path

PLAYBOOK, ENGINE, CHANGES = "the playbook, or what it reads", "the engine, or what runs there", "what would be changed"


def test_the_same_plan_has_the_same_digest_and_needs_nothing_more(tmp_path: Path) -> None:
    first, again = (prepared(request(tmp_path)) for _ in range(2))
    assert digest_text(first) == digest_text(again)
    ApprovedDigest(digest_text(first)).require_current(again)


def test_what_moved_is_said(tmp_path: Path) -> None:
    approved = ApprovedDigest(digest_text(prepared(request(tmp_path))))
    here = prepared(request(tmp_path))
    old = Observed(WEB, "container", "1", "shop-web-1", {})
    seen = replace(here.plan.observed, resources={WEB: old})
    moved = {
        "colour": (prepared(request(tmp_path, "blue")), [PLAYBOOK]),
        "engine": (prepared(request(tmp_path), "ID2"), [ENGINE]),
        "objects": (replace(here, plan=replace(here.plan, observed=seen)), [ENGINE]),
        "changes": (replace(here, plan=replace(here.plan, changes=())), [CHANGES]),
    }
    for name, (now, said) in moved.items():
        with pytest.raises(PlanStale) as stale:
            approved.require_current(now)
        assert [text for text in (PLAYBOOK, ENGINE, CHANGES) if text in stale.value.message] == said, name


def test_a_value_that_the_apply_itself_makes_is_no_difference(tmp_path: Path) -> None:
    secret = Address("secret", "pw")
    first, again = (prepared(request(tmp_path), versions={secret: PENDING}) for _ in range(2))
    ApprovedDigest(digest_text(first)).require_current(again)
    made = prepared(request(tmp_path), versions={secret: "abc"})
    with pytest.raises(PlanStale, match="the playbook"):
        ApprovedDigest(digest_text(first)).require_current(made)


def test_of_a_list_every_play_and_their_order_count(tmp_path: Path) -> None:
    asked = request(tmp_path)
    every = [planned(name, asked, prepared(asked)) for name in ("One", "Two")]
    plays = PlayList("prod", asked, tuple(one.opened.play for one in every))
    approved = ApprovedDigestOfPlays(ApprovedDigest(digest_text_of_plays(every)))
    approved.require_current(plays, every)
    other = [every[0], replace(every[1], prepared=prepared(asked, "ID2"))]
    for now in (every[::-1], every[:1], other):
        with pytest.raises(PlanStale):
            approved.require_current(plays, now)


@pytest.mark.parametrize("text", ["", "abc", "0" * 50, "g" * 16 + "-" + "0" * 16 + "-" + "0" * 16])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not the digest of a plan"):
        ApprovedDigest(text)


def test_plan_shows_what_apply_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = in_memory(tmp_path, monkeypatch)
    shop.write({"name": "shop", "services": {"web": service()}})
    before = shop.plan().digest
    assert before == shop.plan().digest
    shop.apply()
    assert before != shop.plan().digest == shop.plan().digest
