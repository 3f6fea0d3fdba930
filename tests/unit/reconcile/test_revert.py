"""Rollouts that fail: how many may, what goes on, what comes back. On the engine in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.model.operation import Goal, Pause, Wait
from provisioner.model.plan import Verb
from provisioner.model.report import Outcome
from tests.property.environments import apply, planned
from tests.unit.reconcile.test_planning import declared, running

if TYPE_CHECKING:
    from provisioner.engines.memory import MemoryEngine

SICK = {"test": ["CMD", "false"]}


def web(**update: Any) -> dict[str, Any]:
    return {"deploy": {"replicas": 4}, "update": update, "healthcheck": {"test": ["CMD", "true"]}}


def names(at: MemoryEngine) -> dict[str, str]:
    """The containers of the service, by name."""
    containers = [raw for raw in at.state()["containers"].values() if raw["Name"].startswith("/laws-web-")]
    return {raw["Name"]: raw["Id"] for raw in containers if raw["Config"]["Labels"] and ".copy" not in raw["Name"]}


@pytest.mark.parametrize(
    ("update", "tried"),
    [
        ({"on_failure": "rollback"}, 1),
        ({"on_failure": "pause"}, 1),
        ({"on_failure": "continue"}, 4),
        ({"on_failure": "rollback", "max_failure_ratio": 0.5}, 3),
        ({"on_failure": "pause", "max_failure_ratio": 0.25}, 2),
    ],
)
def test_how_many_are_tried(update: dict[str, Any], tried: int) -> None:
    at = running(declared(web=web(**update)))
    before = names(at)
    _, report, back = apply(at, declared(web={**web(**update), "healthcheck": SICK}))
    started = {r.step.address for r in report.results if r.step.verb is Verb.START and r.outcome is Outcome.DONE}
    assert len(started) == tried
    assert back is not None
    assert (names(at) == before) is (update["on_failure"] == "rollback")


def test_the_pause_lies_between_two_groups() -> None:
    update = {"delay": "10s", "parallelism": 2, "monitor": "3s"}
    at = running(declared(web=web(**update)))
    made = planned(at, declared(web={**web(**update), "environment": {"A": "1"}}).lower())
    waits = [(str(step.address), step.operation) for step in made.steps
             if step.verb is Verb.WAIT and getattr(step.operation, "goal", None) is not Goal.READY]  # fmt: skip
    watched = Wait(Goal.STAYS_READY, 3.0)
    assert waits == [
        ("service.web[1]", watched),
        ("service.web[2]", watched),
        ("service.web", Pause(10.0)),
        ("service.web[3]", watched),
        ("service.web[4]", watched),
    ]
    turn = next(step for step in made.steps if isinstance(step.operation, Pause))
    assert [made.steps[end - 1].operation for end in turn.after] == [watched, watched]
    stops = [step for step in made.steps if step.verb is Verb.STOP]
    assert [turn.id in step.needs for step in stops] == [False, False, True, True]


def test_replicas_too_many_stay_until_the_others_are_proven() -> None:
    at = running(declared(web=web()))
    before = names(at)
    fewer = {**web(), "deploy": {"replicas": 2}, "healthcheck": SICK}
    apply(at, declared(web=fewer))
    assert names(at) == before


def test_what_lives_in_a_service_goes_back_with_it() -> None:
    """The host of a namespace is not proven before its guests are: they can only go back together."""
    guest: dict[str, Any] = {
        "networks": None, "network_mode": "service:web",
        "depends_on": {"web": {"condition": "service_started", "restart": True, "required": True}},
    }  # fmt: skip
    at = running(declared(web={}, probe=guest))
    before = {raw["Name"]: raw["Id"] for raw in at.state()["containers"].values()}
    changed = {"environment": {"A": "1"}}
    _, report, back = apply(at, declared(web=changed, probe={**guest, "healthcheck": SICK}))
    assert [str(result.step.address) for result in report.failures] == ["service.probe[1]"]
    assert back is not None and back.failures == ()
    assert {raw["Name"]: raw["Id"] for raw in at.state()["containers"].values()} == before
    assert all(raw["State"]["Running"] for raw in at.state()["containers"].values() if "laws" in raw["Name"]
               and not raw["Name"].endswith("10"))  # fmt: skip


def test_what_did_not_run_comes_back_running() -> None:
    """An apply that was killed may have stopped it: what is declared runs."""
    at = running(declared(web={}))
    container = at.inspect("container", "laws-web-1")
    assert container is not None
    at.stop(container["Id"])
    _, report, back = apply(at, declared(web={"environment": {"A": "1"}, "healthcheck": SICK}))
    assert len(report.failures) == 1
    assert back is not None and back.failures == ()
    now = at.inspect("container", "laws-web-1")
    assert now is not None
    assert (now["Id"], now["State"]["Status"]) == (container["Id"], "running")
