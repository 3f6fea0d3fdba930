"""Plans as text and as JSON, from the same values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from provisioner.model.change import Action, Change, FieldChange, Impact
from provisioner.model.operation import Goal, Start, UpdateContainer, Wait
from provisioner.model.plan import Plan, Step
from provisioner.model.play import PlayPlan
from provisioner.model.span import Problem, Span
from provisioner.render.findings_github import findings_github
from provisioner.render.findings_gitlab import findings_gitlab
from provisioner.render.paint import Paint
from provisioner.render.plan_findings import findings_of_plan
from provisioner.render.plan_json import plan_json
from provisioner.render.plan_markdown import plan_markdown, plans_markdown
from provisioner.render.plan_text import plan_text
from provisioner.render.summary import summarize
from tests.unit.render.examples import API, CANARY, FULL, NOTHING, REFUSED, address, plan
from tests.unit.render.golden import check


@pytest.mark.parametrize(("name", "value"), [("full", FULL), ("nothing", NOTHING), ("refused", REFUSED)])
def test_the_text_of_a_plan(name: str, value: Plan) -> None:
    check(f"plan_{name}.txt", plan_text(value, next_command="provision apply telecom/dev"))


@pytest.mark.parametrize(("name", "value"), [("full", FULL), ("nothing", NOTHING), ("refused", REFUSED)])
def test_the_json_of_a_plan(name: str, value: Plan) -> None:
    check(f"plan_{name}.json", json.dumps(plan_json(value), indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize(("name", "value"), [("full", FULL), ("nothing", NOTHING), ("refused", REFUSED)])
def test_a_plan_for_a_pull_request(name: str, value: Plan) -> None:
    digest = "0123456789abcdef-0123456789abcdef-0123456789abcdef"
    text = plan_markdown(replace(value, digest=digest), "provision apply telecom/dev")
    check(f"plan_{name}.md", text)
    assert (f"--digest {digest}" in text) == (value is not REFUSED)
    assert CANARY not in text
    kept = plan_markdown(replace(value, digest=digest), "provision apply plan.json", kept=True)
    assert ("`provision apply plan.json` does exactly this" in kept) == (value is not REFUSED)


def test_the_plans_of_a_list_for_a_pull_request() -> None:
    text = plans_markdown("prod", [PlayPlan("One", FULL), PlayPlan("Two", REFUSED)], "a-b-c", "provision apply prod")
    assert text.startswith("### prod\n")
    assert "#### One: " in text
    assert "--digest" not in text, "one of them is refused"
    assert "`provision apply prod --digest a-b-c`" in plans_markdown(
        "prod", [PlayPlan("One", FULL)], "a-b-c", "provision apply prod"
    )


def test_markdown_in_names_and_values_stays_text() -> None:
    nasty = FieldChange("labels.x", "a", "```</details><script>|`", Impact.REPLACE)
    text = plan_markdown(plan([replace(API, reason="<b>|*x*", differences=(nasty,))]))
    row = next(line for line in text.splitlines() if line.startswith("| `-/+`"))
    assert row.endswith(r"| \<b\>\|\*x\* |")
    fences = [line for line in text.splitlines() if set(line) == {"`"} or line.endswith("`diff")]
    assert fences == ["````diff", "````"]
    assert "</details>" in text.splitlines()[-1]


def test_a_plan_beside_the_lines_of_a_playbook() -> None:
    check("plan_full.github", findings_github(findings_of_plan(FULL)))
    check(
        "plan_refused.gitlab",
        json.dumps(findings_gitlab(findings_of_plan(REFUSED)), indent=2, ensure_ascii=False) + "\n",
    )
    assert CANARY not in findings_github(findings_of_plan(FULL))


def test_colours_add_nothing_but_colours() -> None:
    from provisioner.render.paint import printable

    colored = plan_text(FULL, paint=Paint(color=True))
    assert "\x1b[" in colored
    assert "\n".join(printable(line) for line in colored.split("\n")) == plan_text(FULL)


def test_a_sensitive_value_is_in_neither_form() -> None:
    assert CANARY not in plan_text(FULL)
    assert CANARY not in json.dumps(plan_json(FULL))
    assert "environment.API_KEY  (sensitive) → (sensitive)" in plan_text(FULL)


def test_a_sensitive_value_that_comes_or_goes_says_so() -> None:
    gone = replace(API, differences=(FieldChange("environment.KEY", CANARY, None, Impact.REPLACE, sensitive=True),))
    assert "(sensitive) → (none)" in plan_text(plan([gone]))
    difference = plan_json(plan([gone]))["changes"][0]["differences"][0]
    assert (difference["before"], difference["after"]) == ("(sensitive)", None)


def test_the_line_that_forces_a_replacement_says_so_and_the_others_do_not() -> None:
    lines = plan_text(FULL).splitlines()
    assert [line.split()[0] for line in lines if "# forces replacement" in line] == [
        "image", "environment.API_KEY", "environment.NEW", "command",
    ]  # fmt: skip


def test_without_differences_only_the_objects_are_named() -> None:
    text = plan_text(FULL, differences=False)
    assert "service.api[1]" in text
    assert "environment.API_KEY" not in text


def test_unchanged_objects_are_counted_and_not_listed() -> None:
    same = Change(address("service.same[1]"), Action.UNCHANGED, "")
    text = plan_text(plan([same], unchanged=1))
    assert "service.same" not in text
    assert "No changes." in text
    assert plan_json(plan([same], unchanged=1))["changes"] == []


def test_a_plan_that_only_waits_is_not_pending_and_one_that_starts_something_is() -> None:
    wait = Step(1, Wait(Goal.HEALTHY, 60), address("service.db[1]"), "healthy")
    start = Step(2, Start(), address("service.db[1]"), "stopped")
    assert not summarize(plan(steps=[wait])).pending
    assert [plan_json(plan(steps=steps))["pending"] for steps in ([wait], [wait, start])] == [False, True]
    assert summarize(plan(steps=[wait, start])).pending
    assert "No changes." in plan_text(plan(steps=[wait]))
    assert "No changes." not in plan_text(plan(steps=[start]))


def test_no_command_is_offered_for_a_refused_plan() -> None:
    assert "provision apply" not in plan_text(REFUSED, next_command="provision apply")


def test_steps_in_json_carry_no_arguments() -> None:
    step = Step(1, UpdateContainer(("content",), {"content": CANARY}), address("volume.x"), "content")
    assert CANARY not in json.dumps(plan_json(plan(steps=[step])))


def test_control_characters_of_a_value_do_not_reach_the_terminal() -> None:
    nasty = replace(API, differences=(FieldChange("labels.x", "a", "\x1b[2Jb\x07", Impact.REPLACE),))
    assert "\x1b" not in plan_text(plan([nasty]))
    assert "\x07" not in plan_text(plan([nasty]))


def create(text: str) -> Change:
    return Change(address(text), Action.CREATE, "declared, and not there yet", desired=API.desired)


def test_a_reason_that_all_have_is_said_once() -> None:
    lines = plan_text(plan([create("network.a"), create("volume.b")])).splitlines()
    assert lines[2] == "  + create: declared, and not there yet"
    assert sum("declared, and not there yet" in line for line in lines) == 1
    alone = plan_text(plan([create("network.a")]))
    assert "+ network.a  create: declared, and not there yet" in alone


def test_lines_that_are_alike_are_put_together_and_apart_with_details() -> None:
    many = plan([create(f"volume.v{number:02}") for number in range(30)] + [create("service.web")])
    text = plan_text(many)
    assert "+ volume.v00 … v29 (30)  create" in text
    assert "volume.v17" not in text
    assert "volume.v17" in plan_text(many, detailed=True)


@pytest.mark.parametrize("width", [80, 200])
def test_a_reason_that_the_legend_says_for_all_is_broken_between_words(width: int) -> None:
    reason = "stopped on purpose (since 2026-01-31 18:04 UTC, by somebody@a-machine-with-a-name); an apply starts it"
    both = [replace(API, address=address(f"service.{name}"), reason=reason) for name in ("api", "web")]
    text = plan_text(plan(both), width=width)
    assert text.count("stopped on purpose") == 1
    assert [line for line in text.splitlines() if len(line) > width] == []


@pytest.mark.parametrize("width", [80, 200])
def test_no_line_is_broken_by_the_terminal(width: int) -> None:
    text = plan_text(FULL, width=width, next_command="provision apply telecom/dev")
    words = [line for line in text.splitlines() if len(line) >= width]
    # What has no space can not be broken: a reference of an image.
    assert all("registry.example" in line or "─" in line for line in words), words
    assert "(playbooks/telecom/dev.yml:12:3)" in plan_text(FULL, width=200)


def test_many_waits_are_counted_and_named_with_details() -> None:
    steps = [Step(number, Wait(Goal.READY, 60), address(f"service.s{number:02}[1]"), "") for number in range(30)]
    many = plan([create("network.a")], steps)
    assert "Waits for: 30 services" in plan_text(many)
    assert "service.s29" in plan_text(many, detailed=True)


def test_what_is_the_matter_in_several_places_is_said_once() -> None:
    notes = tuple(
        Problem("its address hangs", Span("compose.yaml", line, 5), f"service.{name}", "say dnsrr")
        for line, name in ((5, "db"), (9, "api"))
    )
    text = plan_text(plan([API], notes=(*notes, Problem("goes to revision 1"))))
    assert "  compose.yaml:5:5: service.db, service.api: its address hangs (say dnsrr)\n" in text
    assert text.count("its address hangs") == 1
    assert "  goes to revision 1\n" in text
