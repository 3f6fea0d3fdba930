"""Reports as text and as JSON lines, and the counts in both."""

from __future__ import annotations

import json

from provisioner.errors import PlaybookInvalid, StepFailed, UsageError
from provisioner.model.change import Action, Change
from provisioner.model.event import Finished, Progress, Started
from provisioner.model.operation import CreateContainer, Fill, Goal, UpdateContainer, Wait
from provisioner.model.plan import Step
from provisioner.model.report import Outcome, Report
from provisioner.model.span import Problem, Span
from provisioner.render.error_json import error_json
from provisioner.render.error_text import error_text
from provisioner.render.report_json import event_line, line, plan_line, summary_line
from provisioner.render.report_text import last_line, report_text
from provisioner.render.summary import Recap, recap
from tests.unit.render.examples import DB, DONE, FAILED, FULL, NOTHING, STEPS, address, plan, result
from tests.unit.render.golden import check


def test_a_report_without_trouble_says_only_the_last_line() -> None:
    assert report_text(DONE) == ""
    assert last_line(DONE) == "telecom/dev: ok=20 changed=6 failed=0 skipped=0 in 8.4s\n"


def test_the_text_of_a_failure() -> None:
    check("report_failed.txt", report_text(FAILED) + last_line(FAILED))


def test_an_interrupted_report_says_what_was_not_done() -> None:
    report = Report(
        FULL, (result(STEPS[0]), result(STEPS[1], Outcome.SKIPPED, because="interrupted")), 1.0, interrupted=True
    )
    check("report_interrupted.txt", report_text(report) + last_line(report))


def test_a_report_that_did_not_converge_names_the_field() -> None:
    report = Report(plan([DB], unchanged=1), (result(Step(1, UpdateContainer(()), DB.address, "x")),), 1.0, (DB,))
    text = report_text(report)
    assert "Not converged" in text
    assert "mem_limit  256 MiB → 512 MiB" in text


def test_nothing_to_do_counts_the_unchanged_as_ok() -> None:
    assert recap(Report(NOTHING, (), 0.1)) == Recap(ok=18, changed=0, failed=0, skipped=0)


def test_a_wait_on_an_unchanged_object_changes_no_count() -> None:
    wait = Step(1, Wait(Goal.HEALTHY, 60), address("service.db[1]"), "healthy")
    assert recap(Report(plan(steps=[wait], unchanged=3), (result(wait),), 0.1)) == Recap(3, 0, 0, 0)


def test_a_failed_wait_on_an_unchanged_object_is_no_longer_ok() -> None:
    wait = Step(1, Wait(Goal.HEALTHY, 60), address("service.db[1]"), "healthy")
    failed = result(wait, Outcome.FAILED, error=StepFailed("no"))
    waited = plan(steps=[wait], unchanged=3, declared=["service.db[1]"])
    assert recap(Report(waited, (failed,), 0.1)) == Recap(2, 0, 1, 0)


def test_replicas_count_as_their_service() -> None:
    change = Change(address("service.api"), Action.REPLACE, "image changed")
    steps = [Step(n, CreateContainer("api"), address(f"service.api[{n}]"), "image changed") for n in (1, 2, 3)]
    done = Report(plan([change], steps, unchanged=2), tuple(result(step) for step in steps), 0.1)
    assert recap(done) == Recap(ok=3, changed=1, failed=0, skipped=0)
    half = Report(
        done.plan, (result(steps[0]), result(steps[1], Outcome.FAILED), result(steps[2], Outcome.SKIPPED)), 0.1
    )
    assert recap(half) == Recap(ok=2, changed=0, failed=1, skipped=0)


def test_a_volume_that_carries_secrets_is_not_an_object_of_its_own() -> None:
    change = Change(address("service.api"), Action.REPLACE, "secrets changed")
    steps = [
        Step(1, Fill("secrets"), address("files.x_api_1"), "secrets changed"),
        Step(2, CreateContainer("api"), address("service.api[1]"), "secrets changed"),
    ]
    assert recap(Report(plan([change], steps), tuple(result(step) for step in steps), 0.1)) == Recap(1, 1, 0, 0)


def test_a_plan_that_was_not_carried_out_is_skipped() -> None:
    assert recap(Report(FULL, (), 0.0)) == Recap(ok=14, changed=0, failed=0, skipped=6)


def test_the_lines_of_a_stream() -> None:
    step = STEPS[1]
    lines = [
        plan_line(NOTHING),
        event_line(Started(step), 0.0),
        event_line(Progress(step, "layer 1 of 3"), 0.5),
        event_line(Finished(FAILED.results[4]), 30.1234),
        summary_line(FAILED, 1),
    ]
    text = "".join(line(value) for value in lines)
    check("stream.jsonl", text)
    assert [json.loads(row)["type"] for row in text.splitlines()] == [
        "plan",
        "started",
        "progress",
        "finished",
        "summary",
    ]


PROBLEMS = PlaybookInvalid(
    [
        Problem("unknown key 'helthcheck'", Span("a.yml", 14, 5), "services.api", "did you mean 'healthcheck'?"),
        Problem("must be a mapping", Span("a.yml", 2, 1), "services"),
    ]
)


def test_an_invalid_playbook_lists_every_problem_in_the_order_of_the_file() -> None:
    assert error_text(PROBLEMS).splitlines() == [
        "a.yml:2:1: services: must be a mapping",
        "a.yml:14:5: services.api: unknown key 'helthcheck' (did you mean 'healthcheck'?)",
        "The playbook is invalid: 2 problems. Nothing was changed.",
    ]
    assert [problem["line"] for problem in error_json(PROBLEMS)["problems"]] == [2, 14]  # type: ignore[index, union-attr]


def test_an_error_says_what_to_do_next_and_details_only_when_asked() -> None:
    error = UsageError("no such thing\nthere are: a, b", hint="type a", detail="Traceback ...")
    assert error_text(error) == "Error: no such thing\n  there are: a, b\n  Next: type a\n"
    assert "Traceback" in error_text(error, detailed=True)
    assert error_json(error) == {"kind": "UsageError", "message": error.message, "hint": "type a", "exit_code": 64}
