"""What an apply of a list shows, asks and tells, with results by hand."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from provisioner.app.apply_plays import PlaysResult
from provisioner.cli.plays import carry_out_plays, show_plans
from provisioner.cli.settings import Settings
from provisioner.errors import LeaseHeld
from provisioner.model.event import Finished
from provisioner.model.play import PlayPlan, PlayResult
from provisioner.model.span import Problem
from tests.unit.render.examples import DONE, FULL, NOTHING, REFUSED, STEPS, result

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply_plays import Approve, OpenListener
    from provisioner.ports import Interrupt

PLANS = (PlayPlan("Telecom", FULL), PlayPlan("Campaign", NOTHING))
FAILED = PlayResult("Telecom", FULL, "failed", 75, error=LeaseHeld("another apply holds the lease"))
LEFT = PlayResult("Campaign", NOTHING, "not_started", 0, because="the play 'Telecom' failed")
WELL = (PlayResult("Telecom", FULL, "done", 0, DONE), PlayResult("Campaign", NOTHING, "done", 0))


def run(
    results: tuple[PlayResult, ...] = WELL, *, plans: tuple[PlayPlan, ...] = PLANS, yes: bool = True,
    as_json: bool = False, quiet: bool = False, check: bool = False, beside: bool = False,
) -> int:  # fmt: skip
    def act(
        approve: Approve, open_listener: OpenListener, ended: Callable[[PlayResult], None], interrupt: Interrupt
    ) -> PlaysResult:
        if not approve(plans) or any(one.plan.refusals for one in plans):
            return PlaysResult(plans)
        for one, outcome in zip(plans, results, strict=True):
            if outcome.state != "not_started":
                with open_listener(one) as listener:
                    listener(Finished(result(STEPS[0])))
            ended(outcome)
        return PlaysResult(plans, results)

    return carry_out_plays(
        Settings(quiet=quiet), "prod", act, as_json=as_json, yes=yes, check=check, beside=beside,
        question="Apply these changes to {count} of {title} on {engines}?",
    )  # fmt: skip


def test_plans_then_each_play_then_the_recap(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("── Telecom ─")
    assert captured.out.count("── Campaign ─") == 2
    assert "Plan of 2 plays: " in captured.out
    lines = captured.out.rstrip().split("\n")[-4:]
    assert lines[0].startswith("Telecom   telecom/dev: ok=20 changed=6 failed=0 skipped=0 in ")
    assert lines[1].startswith("Campaign  telecom/dev: ok=18 changed=0 failed=0 skipped=0 in ")
    assert lines[2] == "Plays: 2 done."
    assert lines[3].startswith("prod: ok=38 changed=6 failed=0 skipped=0 in ")
    assert "image.api  built" in captured.err


def test_quiet_says_why_a_list_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    refused = replace(PLANS[0].plan, refusals=(Problem("half of the old data and half of the new"),))
    run(plans=(replace(PLANS[0], plan=refused), *PLANS[1:]), quiet=True)
    assert "half of the old data and half of the new" in capsys.readouterr().out


def test_how_a_play_failed_and_which_were_not_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert run((FAILED, LEFT), quiet=True) == 75
    captured = capsys.readouterr()
    assert "✘ another apply holds the lease" in captured.out
    assert "- not started: the play 'Telecom' failed" in captured.out
    assert "Plays: 1 failed, 1 not started.\nprod: " in captured.out
    assert "another apply holds the lease" in captured.err


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_one_question_for_all(
    typed: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert run(yes=False) == code
    captured = capsys.readouterr()
    assert captured.err.count("Apply these changes to 2 plays of prod on box (engine 20.10.24)? [y/N]") == 1
    assert ("changed=" in captured.out) is (code == 0)


def test_nothing_is_asked_where_nothing_would_change_or_could(capsys: pytest.CaptureFixture[str]) -> None:
    assert run((WELL[1],), plans=(PlayPlan("Campaign", NOTHING),), yes=False) == 0
    assert run(plans=(PlayPlan("Campaign", REFUSED), PlayPlan("Telecom", FULL)), yes=False) == 1
    captured = capsys.readouterr()
    assert "[y/N]" not in captured.err
    assert "No changes in 1 play." in captured.out
    assert "Refused as it stands by Campaign; nothing would be changed in any play." in captured.out


def test_programs_get_lines_with_their_play_and_a_total(capsys: pytest.CaptureFixture[str]) -> None:
    assert run((FAILED, LEFT), as_json=True) == 75
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["type"] for line in lines] == ["plan", "finished", "summary", "summary", "summary"]
    assert [play["name"] for play in lines[0]["plays"]] == ["Telecom", "Campaign"]
    assert {line["play"] for line in lines[1:3]} == {"Telecom"}
    assert (lines[2]["state"], lines[2]["error"]["exit_code"], lines[3]["state"]) == ("failed", 75, "not_started")
    total = lines[-1]
    assert (total["target"], total["exit_code"], total["changed"], total["skipped"]) == ("prod", 75, 0, 6)
    assert [(play["name"], play["state"]) for play in total["plays"]] == [
        ("Telecom", "failed"), ("Campaign", "not_started")
    ]  # fmt: skip


def test_lines_of_plays_beside_each_other_begin_with_the_play(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(beside=True) == 0
    captured = capsys.readouterr()
    assert all(line.startswith(("Telecom | ", "Campaign | ")) for line in captured.err.splitlines())


def test_check_shows_the_plans_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(check=True) == 0
    assert "changed=" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("plans", "detailed", "code"), [(PLANS, True, 2), (PLANS, False, 0), ((PlayPlan("a", NOTHING),), True, 0)]
)
def test_the_exit_code_of_plans(
    plans: tuple[PlayPlan, ...], detailed: bool, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_plans(Settings(), "prod", plans, detailed=detailed, target="prod") == code
    assert ("To carry it out: provision apply prod" in capsys.readouterr().out) is (plans is PLANS)
