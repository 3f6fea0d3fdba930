"""Interrupted after any step, what ran before runs again: the old one or the new one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.errors import LeaseHeld, StepFailed, Unreachable
from provisioner.model.address import Address
from provisioner.model.plan import Policy, Verb
from provisioner.model.report import Outcome
from provisioner.reconcile.diff import diff
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.downtime import out_of_service
from provisioner.reconcile.execute import NeverSet, execute
from provisioner.reconcile.revert import rollback_plan
from tests.property.environments import Patient, Wanted, carry_out, converge, engine, look, planned, tried, wanted
from tests.unit.reconcile.test_planning import declared, running

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.engines.memory import MemoryEngine
    from provisioner.model.event import Event
    from provisioner.model.plan import Plan, Step
    from provisioner.model.report import Report
    from provisioner.ports import Listener


def run(
    made: Plan,
    at: MemoryEngine,
    contents: Mapping[str, bytes] = {},
    *,
    after: int = 10_000,
    failing: Callable[[Step], Exception | None] = lambda step: None,
    listener: Listener = lambda event: None,
    keep_going: bool = False,
) -> Report:
    """Carry out a plan; the user interrupts it after so many steps."""
    calls = Calls(made, at, {Address("config", key): content for key, content in contents.items()}, Patient())
    interrupted = threading.Event()
    count = 0

    def call(step: Step, *arguments: Any) -> str:
        nonlocal count
        if error := failing(step):
            raise error
        answer = calls(step, *arguments)
        count += 1
        if count >= after:
            interrupted.set()
        return answer

    return execute(
        made, call, parallel=1, clock=Patient(), listener=listener, interrupted=interrupted, keep_going=keep_going
    )


def taken_back(made: Plan, report: Report, at: MemoryEngine) -> None:
    back = rollback_plan(made, report.results, look(at, made.desired), interrupted=True)
    done = carry_out(back, at, {})
    assert done.failures == ()


@tried(40)
@given(wanted(), wanted(), st.integers(1, 40))
def test_nothing_that_ran_is_left_down(before: Wanted, after: Wanted, steps: int) -> None:
    at = engine()
    converge(at, before)
    made = planned(at, after.lower(), Policy(prune=True))
    report = run(made, at, after.contents, after=steps)
    if report.interrupted:
        taken_back(made, report, at)
    assert out_of_service(made, look(at, made.desired)) == ()
    converge(at, after)
    assert planned(at, after.lower(), Policy(prune=True)).changes == ()


@pytest.mark.parametrize("on_failure", ["rollback", "pause"])
@pytest.mark.parametrize("steps", range(1, 8))
def test_a_replacement_is_finished_or_taken_back(on_failure: str, steps: int) -> None:
    update = {"update": {"on_failure": on_failure}}
    at = running(declared(web=update))
    (before,) = [raw["Id"] for raw in at.state()["containers"].values() if raw["Name"] == "/laws-web-1"]
    made = planned(at, declared(web={**update, "environment": {"A": "1"}}).lower())
    report = run(made, at, after=steps)
    taken_back(made, report, at)
    (now,) = [raw for raw in at.state()["containers"].values() if raw["Name"] == "/laws-web-1"]
    assert now["State"]["Status"] == "running"
    proven = any(one.step.verb is Verb.WAIT and one.outcome is Outcome.DONE for one in report.results)
    if on_failure == "rollback" and not proven:
        assert now["Id"] == before


def test_a_service_that_is_not_at_fault_does_not_stay_stopped() -> None:
    """Another one fails between its stop and its start: without a way back it goes forward."""
    update = {"update": {"on_failure": "pause"}}
    at = running(declared(db=update, web=update))
    new = {**update, "environment": {"A": "1"}}
    made = planned(at, declared(db=new, web=new).lower())
    stopped = False

    def failing(step: Step) -> Exception | None:
        nonlocal stopped
        if step.verb is Verb.STOP and step.address.name == "web":
            stopped = True
        return StepFailed("no") if stopped and step.address.name == "db" else None

    run(made, at, failing=failing)
    assert stopped
    assert [str(one) for one in out_of_service(made, look(at, made.desired))] in ([], ["service.db[1]"])


@pytest.mark.parametrize("error", [LeaseHeld("taken over"), Unreachable("no engine answers")])
def test_without_the_lease_or_the_engine_nothing_is_changed_any_more(error: Exception) -> None:
    """Not even where failures are allowed, and not to finish what was begun."""
    update = {"deploy": {"replicas": 3}, "update": {"on_failure": "continue"}}
    at = running(declared(web=update))
    made = planned(at, declared(web={**update, "environment": {"A": "1"}}).lower())
    calls: list[Verb] = []

    def failing(step: Step) -> Exception | None:
        calls.append(step.verb)
        return error if step.verb is Verb.START else None

    report = run(made, at, failing=failing, keep_going=True)
    assert calls.count(Verb.START) == 1
    assert len(report.failures) == 1
    assert calls[-1] is Verb.START


def test_who_watches_never_stops_the_work() -> None:
    def broken(event: Event) -> None:
        raise OSError(28, "No space left on device")

    at = engine()
    report = run(planned(at, declared(web={}).lower()), at, listener=broken)
    assert {result.outcome for result in report.results} == {Outcome.DONE}


@pytest.mark.parametrize("keep_going", [False, True])
def test_what_does_not_need_what_failed_is_done_if_asked(keep_going: bool) -> None:
    at = engine()
    needs = {"web": {"condition": "service_started", "restart": False, "required": True}}
    made = planned(at, declared(api={}, page={"depends_on": needs}, web={}).lower())

    def failing(step: Step) -> Exception | None:
        return StepFailed("no") if step.address.name in ("api", "web") and step.verb is Verb.CREATE else None

    report = run(made, at, failing=failing, keep_going=keep_going)
    assert {str(one.step.address) for one in report.failures} == (
        {"service.api[1]", "service.web[1]"} if keep_going else {"service.api[1]"}
    )
    page = {one.outcome for one in report.results if one.step.address.name == "page"}
    assert Outcome.SKIPPED in page


def test_never_is_never() -> None:
    assert not NeverSet().is_set()


def test_what_a_killed_apply_left_is_not_called_a_change_by_hand() -> None:
    desired = declared(web={"restart": "always"}).lower()
    reasons = []
    for steps in range(1, 8):
        at = running(declared(web={"restart": "always"}))
        made = planned(at, declared(web={"restart": "always", "environment": {"A": "1"}}).lower())
        carry_out(made, at, {}, steps=steps)
        (found,) = [c for c in diff(desired, look(at, desired), desired) if str(c.address) == "service.web[1]"]
        if found.observed is not None and found.observed.name.endswith((".previous", ".next")):
            reasons.append(found.reason)
    assert reasons
    assert all(one.startswith("an interrupted apply left it half replaced") for one in reasons), reasons
    assert not any("container_name" in one for one in reasons), reasons
