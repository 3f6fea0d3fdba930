"""The deploy runbook of an environment: from the plan of now and from what the ledger knows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import begin as begin_module
from provisioner.app.outcome import durations
from provisioner.app.runbook import make_runbook
from provisioner.model.address import Address
from provisioner.model.operation import Goal, Start, Wait
from provisioner.model.plan import Policy, Step
from provisioner.model.report import Outcome, Report, StepResult
from provisioner.model.runbook import Stage
from provisioner.render.runbook_markdown import PlanOptions, runbook_markdown
from tests.unit.app.in_memory import InMemory, in_memory, service
from tests.unit.render.examples import NOTHING
from tests.unit.render.golden import check

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    made = in_memory(tmp_path, monkeypatch)
    monkeypatch.setattr(begin_module, "open_engine", lambda request, choice, **how: made.engine)
    return made


def playbook(level: str = "info", **more: Any) -> dict[str, Any]:
    web = service(environment={"LEVEL": level}, secrets=["key"], depends_on=["db"])
    return {
        "name": "shop", "services": {"web": web, "db": service(volumes=["data:/data"])}, "volumes": {"data": {}},
        "secrets": {"key": {"generate": {"length": 20}}}, **more,
    }  # fmt: skip


def page(shop: InMemory) -> str:
    return steady(runbook_markdown(make_runbook(shop.request(), Policy(), {}), "-f compose.yaml"))


def steady(text: str) -> str:
    """A page without what is another in each run."""
    for pattern, word in (
        (r"\d{4}-\d\d-\d\dT[\d:]+\+00:00", "TIME"), (r"[0-9a-f]{16}(-[0-9a-f]{16}){2}", "DIGEST"),
        (r"- \[ \] \S+, who", "- [ ] SOMEBODY, who"), (r" \(last time [\d.]+s\)", ""),
        (r"The whole of revision 1 took [\d.]+s\.\n\n", ""), (r"\(/\S*/compose", "(compose"),
    ):  # fmt: skip
        text = re.sub(pattern, word, text)
    return text


def test_the_first_apply_and_a_change(shop: InMemory) -> None:
    shop.write(playbook())
    check("runbook_first.md", page(shop))
    shop.apply()
    shop.write(playbook("debug"))
    check("runbook_change.md", page(shop))


def test_where_nothing_is_to_be_done_it_says_so(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    text = page(shop)
    assert "No changes." in text
    assert "## Do it" not in text


def test_what_is_asked_follows_from_the_plan(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    shop.write(playbook("debug", backup={"to": "./archives", "before": ["migration"]}))
    text = page(shop)
    assert "`provision backup list -f compose.yaml`" in text
    assert "Nothing is backed up" not in text
    assert "It takes a snapshot of the data itself before: migration." in text


def test_how_long_it_took_is_said_where_it_is_known(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    shop.write(playbook("debug"))
    made = make_runbook(shop.request(), Policy(), {})
    assert made.last is not None
    known = replace(
        made, last=replace(made.last, seconds=75.0), stages=tuple(replace(one, took=4.0) for one in made.stages)
    )
    text = runbook_markdown(known)
    assert "The whole of revision 1 took 1m15s." in text
    assert text.count("(last time 4.0s)") == len(made.stages)
    assert "last time" not in runbook_markdown(replace(made, stages=(Stage(made.stages[0].address, ("stop",)),)))


def test_how_long_an_object_took_is_from_its_first_step_to_its_last() -> None:
    web, db = Address("service", "web", 1), Address("service", "db", 1)
    results = (
        StepResult(Step(1, Start(), db, ""), Outcome.DONE, 1.0, began=0.5),
        StepResult(Step(2, Wait(Goal.HEALTHY, 9), db, ""), Outcome.DONE, 4.0, began=1.5),
        StepResult(Step(3, Start(), web, ""), Outcome.FAILED, 9.0, began=6.0),
    )
    assert durations(Report(NOTHING, results, 15.0)) == {"service.db": 5.0}


def test_its_commands_have_the_options_of_its_plan(shop: InMemory) -> None:
    """What is done once is not asked of the plan that is to be empty afterwards."""
    shop.write(playbook())
    shop.apply()
    shop.write({**playbook(), "services": {"db": service(volumes=["data:/data"])}})
    request = shop.request()
    assert "No changes." in runbook_markdown(make_runbook(request, Policy(), {}))
    made = make_runbook(request, Policy(prune=True), {"db": 2})
    text = runbook_markdown(made, "shop", PlanOptions("--scale db=2 --prune", "--rerun job"))
    assert "the owner of `service.web`: is it really not needed any more?" in text
    assert "+ replicas: 2" in text
    for line in (
        "`provision runbook shop --scale db=2 --prune --rerun job`",
        "provision plan shop --scale db=2 --prune --rerun job\n",
        "provision apply shop --scale db=2 --prune --rerun job --digest",
        "provision plan shop --scale db=2 --prune --detailed-exitcode",
        "provision status shop --exit-code",
    ):
        assert line in text
