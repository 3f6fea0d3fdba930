"""Configs on a plain engine: each step is one call, stopped between any two the next apply ends well."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.kinds.ownership import PROJECT
from provisioner.model.address import Address
from provisioner.model.operation import Fill, FillPart, describe
from provisioner.model.report import Outcome
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.execute import execute
from tests.property.environments import PROJECT_NAME, Patient, Wanted, carry_out, converge, engine, look, planned
from tests.unit.reconcile.test_planning import declared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.engines.memory import MemoryEngine
    from provisioner.model.event import Event
    from provisioner.model.plan import Plan

WORDS = {"one": b"first", "two": b"second"}


def environment(target: str = "/etc/app", **more: Any) -> Wanted:
    """A service of two replicas with two configs."""
    uses = [{"source": "one", "target": target}, {"source": "two", "target": "/run/configs/two"}]
    document = dict(declared(web={"configs": uses, "deploy": {"replicas": 2}, **more}).document)
    document["configs"] = {key: {"name": f"{PROJECT_NAME}_{key}", "content": WORDS[key].decode()} for key in WORDS}
    return Wanted(document, WORDS)


def made(at: MemoryEngine) -> tuple[list[str], list[str]]:
    """The names of the containers and volumes of the environment that are there for files."""
    state = at.state()
    own = (raw for raw in state["containers"].values() if raw["Config"]["Labels"].get(PROJECT) == PROJECT_NAME)
    volumes = [name for name in (raw["Name"] for raw in state["volumes"].values()) if ".configs." in name]
    return [raw["Name"] for raw in own if ".configs." in raw["Name"]], volumes


def contents(at: MemoryEngine) -> dict[str, bytes]:
    [web, _] = (raw["Id"] for raw in at.state()["containers"].values() if raw["Name"].startswith("/laws-web-")
                if not raw["Name"].endswith((".copy", "-10")))  # fmt: skip
    return {path: content for path in ("/etc/app", "/run/configs/two") for content in at.read_files(web, path).values()}


def parts(plan: Plan) -> list[str]:
    return [step.operation.part.value for step in plan.steps if isinstance(step.operation, Fill)]


def test_each_step_is_one_call() -> None:
    at, what = engine(), environment()
    plan = planned(at, what.lower())
    assert parts(plan) == ["create volume", "create carrier", "put files", "remove carrier"], "once for both replicas"
    calls = Calls(plan, at, {Address("config", key): content for key, content in WORDS.items()}, Patient())
    done: dict[int, str] = {}
    for step in plan.steps:
        at.calls.clear()
        done[step.id] = calls(step, done, lambda text: None, lambda: False)
        if step.kind == "files":
            assert len(at.calls) == 1, step
    assert contents(at) == {"/etc/app": b"first", "/run/configs/two": b"second"}
    assert parts(planned(at, what.lower())) == []


@pytest.mark.parametrize("lost", [False, True])
def test_stopped_between_any_two_the_next_apply_ends_well(lost: bool) -> None:
    for steps in range(len(planned(engine(), environment().lower()).steps)):
        at, what = engine(), environment()
        carry_out(planned(at, what.lower()), at, WORDS, steps=steps, lost=lost)
        assert converge(at, what).failures == ()
        carriers, volumes = made(at)
        assert (carriers, len(volumes)) == ([], 1), steps
        assert contents(at) == {"/etc/app": b"first", "/run/configs/two": b"second"}, steps
        assert (look(at, what.lower()).leftovers, planned(at, what.lower()).steps) == ((), ())


def test_what_carried_files_that_do_not_arrive_is_removed() -> None:
    at = engine()
    report = converge(at, environment(target="/"))
    assert [result.step.operation for result in report.failures] == [Fill("configs")]
    assert "is a folder in the image app:1" in str(report.failures[0].error)
    assert made(at)[0] == []
    assert converge(at, environment()).failures == ()


def test_what_carries_files_is_removed_though_the_run_is_stopped() -> None:
    at, what, interrupted = engine(), environment(), threading.Event()

    def listener(event: Event) -> None:
        step = getattr(getattr(event, "result", None), "step", None)
        if step is not None and step.operation == Fill("configs", FillPart.CREATE_CARRIER):
            interrupted.set()

    plan = planned(at, what.lower())
    calls = Calls(plan, at, {Address("config", key): content for key, content in WORDS.items()}, Patient())
    report = execute(plan, calls, parallel=1, clock=Patient(), listener=listener, interrupted=interrupted)
    outcomes = {describe(r.step.operation): r.outcome for r in report.results}
    removed = outcomes["fill files section=configs part=remove carrier"]
    assert (removed, outcomes["create container name=laws-web-1"]) == (Outcome.DONE, Outcome.SKIPPED)
    assert made(at)[0] == []


def test_a_volume_of_somebody_else_is_left_alone() -> None:
    at, what = engine(), environment()
    plan = planned(at, what.lower())
    first = next(step for step in plan.steps if step.kind == "files")
    converge(other := engine(), what)
    [name] = made(other)[1]
    at.create("volume", name, {"Labels": {}})
    report = carry_out(replace(plan, steps=(replace(first, needs=()),)), at, WORDS)
    assert [str(result.error) for result in report.failures] == [f"a volume named {name} is there already"]
    labels: Mapping[str, str] = at.state()["volumes"][name]["Labels"] or {}
    assert PROJECT not in labels
