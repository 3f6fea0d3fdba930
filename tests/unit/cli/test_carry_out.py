"""What `apply` and `destroy` show, ask and tell, with results by hand."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from provisioner.cli.carry_out import carry_out, only_look
from provisioner.cli.settings import Settings
from provisioner.model.event import Finished, Started
from provisioner.model.span import Problem
from provisioner.model.verification import CheckResult
from tests.unit.render.examples import DONE, FULL, NOTHING, REFUSED, STEPS, result

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from provisioner.model.plan import Plan
    from provisioner.model.report import Report
    from provisioner.ports import Listener
    from provisioner.render.places import PublishedPort


@dataclass(frozen=True)
class Ended:
    plan: Plan
    report: Report | None = None
    checks: tuple[CheckResult, ...] = ()
    exit_code: int = 0
    ports: tuple[PublishedPort, ...] = ()


def run(
    plan: Plan, *, report: Report | None = None, yes: bool = True, as_json: bool = False, quiet: bool = False,
    checks: tuple[CheckResult, ...] = (), code: int = 0, check: bool = False,
) -> tuple[int, bool]:  # fmt: skip
    """The exit code, and whether the plan was approved."""
    answers: list[bool] = []

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: threading.Event) -> Ended:
        answers.append(approve(plan))
        if not answers[0]:
            return Ended(plan)
        if report:
            listener(Started(STEPS[0]))
            listener(Finished(result(STEPS[0])))
        return Ended(plan, report, checks, code)

    ended = carry_out(
        Settings(quiet=quiet), act, as_json=as_json, yes=yes, check=check, question="Apply to {title} on {engine}?"
    )
    return ended, answers[0]


def test_the_plan_then_progress_then_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FULL, report=DONE) == (0, True)
    captured = capsys.readouterr()
    assert captured.out.startswith("telecom/dev → box")
    assert re.search(r"\ntelecom/dev: ok=20 changed=6 failed=0 skipped=0 in \d+\.\ds\n\Z", captured.out)
    assert "image.api  built" in captured.err
    assert "image.api  built" not in captured.out


@pytest.mark.parametrize(("typed", "code", "approved"), [("y\n", 0, True), ("yes\n", 0, True), ("n\n", 1, False)])
def test_a_question_is_answered(
    typed: str, code: int, approved: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert run(FULL, report=DONE, yes=False) == (code, approved)
    captured = capsys.readouterr()
    assert "Apply to telecom/dev on box (engine 20.10.24)? [y/N]" in captured.err
    assert ("No changes were made." in captured.err) is not approved
    assert ("changed=" in captured.out) is approved


@pytest.mark.parametrize("typed", ["", "\n", "yep\n"])
def test_whatever_is_not_yes_is_no(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert run(FULL, yes=False) == (1, False)


@pytest.mark.parametrize("plan", [NOTHING, REFUSED])
def test_nothing_is_asked_where_nothing_would_or_could_happen(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert run(plan, yes=False) == (0, True)
    assert "[y/N]" not in capsys.readouterr().err


def test_nothing_to_do_still_ends_with_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    run(NOTHING)
    assert capsys.readouterr().out.endswith("telecom/dev: ok=18 changed=0 failed=0 skipped=0 in 0.0s\n")


def test_json_is_one_object_per_line_and_the_last_is_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    checks = (CheckResult("answers", False, "expected 200, found 500", 1.0, 2),)
    assert run(FULL, report=DONE, as_json=True, checks=checks, code=1) == (1, True)
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert [line["type"] for line in lines] == ["plan", "started", "finished", "summary"]
    assert lines[-1]["exit_code"] == 1
    assert lines[-1]["checks"][0]["ok"] is False
    assert captured.err == ""


def test_quiet_leaves_only_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    run(FULL, report=DONE, quiet=True)
    captured = capsys.readouterr()
    assert re.fullmatch(r"telecom/dev: ok=20 changed=6 failed=0 skipped=0 in \d+\.\ds\n", captured.out)
    assert captured.err == ""


def test_quiet_says_why_a_plan_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    run(replace(FULL, refusals=(Problem("half of the old data and half of the new", hint="restore"),)), quiet=True)
    assert "half of the old data and half of the new (restore)" in capsys.readouterr().out


def test_a_question_is_never_asked_without_its_plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    run(FULL, yes=False, quiet=True)
    assert "service.api[1]" in capsys.readouterr().out


def test_a_failed_check_is_told_before_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    run(NOTHING, checks=(CheckResult("answers", False, "expected 200, found 500", 1.0, 2),), code=1)
    lines = capsys.readouterr().out.splitlines()
    assert "    expected 200, found 500" in lines
    assert lines[-1].startswith("telecom/dev: ")


@pytest.mark.parametrize(
    ("plan", "detailed", "code"), [(FULL, False, 0), (FULL, True, 2), (NOTHING, True, 0), (REFUSED, True, 1)]
)
def test_check_shows_the_plan_and_stops(
    plan: Plan, detailed: bool, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert only_look(Settings(), plan, as_json=True, detailed=detailed) == code
    assert [json.loads(line)["type"] for line in capsys.readouterr().out.splitlines()] == ["plan"]


def test_check_of_a_destroy_approves_nothing_and_sums_nothing_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FULL, check=True) == (0, False)
    assert "changed=" not in capsys.readouterr().out
