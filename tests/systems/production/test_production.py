"""`provision apply prod` from nothing: all five systems on one engine with a Swarm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.systems.lifetime import swarm_of_one_node
from tests.systems.production.environment import PLAYS, TARGETS, Production, states

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.engine, pytest.mark.system, pytest.mark.whole, pytest.mark.timeout(5400),
    pytest.mark.xdist_group("production"),
]  # fmt: skip


@pytest.fixture(scope="module")
def production(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """Production with its secrets on a Swarm of one node, of which nothing is up yet."""
    with swarm_of_one_node(engine_url) as (machine, engine):
        made = Production.make(tmp_path_factory.mktemp("production"), machine.url, machine.address)
        missing = made.provision("secrets check")
        assert missing.code == 77, missing.everything
        made.canaries.extend(made.make_secrets())
        there = made.provision("secrets check")
        assert there.code == 0, there.everything
        made.bring_images(engine_url, engine)
        yield made


def test_all_five_come_up_from_nothing_and_then_nothing_changes(production: Production) -> None:
    planned = production.provision("plan", "--json")
    assert planned.code == 0, planned.everything
    assert [play["target"] for play in json.loads(planned.output)["plays"]] == list(TARGETS)

    first = production.apply()
    assert states(first) == [(name, "done") for name in PLAYS], first["everything"]
    assert first["exit_code"] == 0
    verified = production.provision("verify", "--json")
    assert verified.code == 0, verified.everything
    assert all(play["summary"]["passed"] > 0 for play in json.loads(verified.output)["plays"])

    second = production.apply()
    assert [(play["name"], play["changed"]) for play in second["plays"]] == [(name, 0) for name in PLAYS], second
    plan = production.provision("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.everything
    shown = first["everything"] + plan.everything + production.provision("status").everything
    assert len(production.canaries) >= 12
    assert [canary for canary in production.canaries if canary in shown] == []


def test_one_that_is_broken_stops_those_after_it_and_says_so(production: Production) -> None:
    broken = production.folder / "playbooks" / "campaign" / "broken.yml"
    broken.write_text(
        "extends: prod.yml\nenvironment: prod\nverify:\n"
        "  - {name: broken on purpose, exec: {service: redis, command: ['false']}, within: 1s}\n",
        encoding="utf-8",
    )
    listed = production.folder / "playbooks" / "prod.yml"
    text = listed.read_text(encoding="utf-8")
    listed.write_text(text.replace("campaign/prod.yml", "campaign/broken.yml"), encoding="utf-8")
    try:
        ended = production.apply()
    finally:
        listed.write_text(text, encoding="utf-8")
    assert states(ended) == [
        ("Telecom", "done"), ("Usage tracking", "done"), ("Campaign", "failed"),
        ("Ichrisbirch", "not_started"), ("Stock tracker", "not_started"),
    ]  # fmt: skip
    assert ended["exit_code"] == 1
    assert ended["plays"][3]["reason"] == "not started: the play 'Campaign' failed"


def test_it_is_taken_down_in_reverse(production: Production) -> None:
    ended = production.provision("destroy", "--yes", "--json")
    assert ended.code == 0, ended.everything
    assert [play["name"] for play in json.loads(ended.summary)["plays"]] == list(reversed(PLAYS))
