"""`pre_start`: what runs before a container, once or for each replica, and when it runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.errors import StepFailed
from provisioner.kinds.container_pre_start import pre_start_spec
from provisioner.model.address import Address
from provisioner.model.operation import CreateContainer, CreatePreStart
from provisioner.model.plan import Verb
from tests.property.environments import apply, carry_out, converge, planned
from tests.unit.reconcile.test_planning import declared, running

if TYPE_CHECKING:
    from provisioner.engines.memory import MemoryEngine
    from provisioner.model.plan import Plan


def web(code: int = 0, replicas: int = 1, **more: Any) -> dict[str, Any]:
    entries = [{"command": ["exit", "0"]}, {"command": ["exit", str(code)], **more}]
    return {"pre_start": entries, "deploy": {"replicas": replicas}}


def runs(plan: Plan) -> list[tuple[str, int]]:
    return [(str(step.address), step.operation.number) for step in plan.steps
            if isinstance(step.operation, CreatePreStart)]  # fmt: skip


def left(at: MemoryEngine) -> list[str]:
    return [raw["Name"] for raw in at.state()["containers"].values() if ".initial." in raw["Name"]]


def test_once_for_a_service_and_only_where_it_is_made_anew() -> None:
    at = running(declared(web=web()))
    assert left(at) == []
    assert planned(at, declared(web=web()).lower()).steps == ()
    assert runs(planned(at, declared(web=web(replicas=3)).lower())) == []
    changed = {**web(replicas=2), "environment": {"A": "1"}}
    assert runs(planned(at, declared(web=changed).lower())) == [("service.web[1]", 1), ("service.web[1]", 2)]


def test_for_each_replica_that_asks_for_it() -> None:
    at = running(declared())
    made = planned(at, declared(web=web(replicas=2, per_replica=True)).lower())
    assert runs(made) == [("service.web[1]", 1), ("service.web[1]", 2), ("service.web[2]", 2)]
    starts = [s for s in made.steps if s.verb is Verb.START and s.made_by in
              {c.id for c in made.steps if isinstance(c.operation, CreateContainer)}]  # fmt: skip
    removed = [s.id for s in made.steps if s.verb is Verb.REMOVE]
    assert [set(removed) & set(start.needs) != set() for start in starts] == [True, True]


def test_one_that_fails_is_kept_and_named_and_run_again() -> None:
    at = running(declared())
    (failed,) = converge(at, declared(web=web(3))).failures
    assert isinstance(failed.error, StepFailed)
    assert failed.error.message == (
        "the container before it, laws-web-1.initial.2, failed and is kept: it exited with code 3"
    )
    assert left(at) == ["/laws-web-1.initial.2"]
    assert at.inspect("container", "laws-web-1")["State"]["Status"] == "created"  # type: ignore[index]

    assert runs(planned(at, declared(web=web(3)).lower())) == [("service.web[1]", 1), ("service.web[1]", 2)]
    assert converge(at, declared(web=web())).failures == ()
    assert left(at) == []
    assert planned(at, declared(web=web()).lower()).steps == ()


def test_one_that_fails_never_costs_the_running_one() -> None:
    at = running(declared(web={}))
    before = at.inspect("container", "laws-web-1")
    _, report, back = apply(at, declared(web=web(1)))
    assert len(report.failures) == 1
    assert back is not None and back.failures == ()
    assert at.inspect("container", "laws-web-1") == before


@pytest.mark.parametrize("steps", range(8))
def test_killed_anywhere_it_is_run_before_the_start(steps: int) -> None:
    at = running(declared())
    wanted = declared(web=web())
    carry_out(planned(at, wanted.lower()), at, {}, steps=steps)
    made = planned(at, wanted.lower())
    found = at.inspect("container", "laws-web-1")
    if found is None or found["State"]["Status"] == "created":
        assert runs(made) == [("service.web[1]", 1), ("service.web[1]", 2)]
    assert carry_out(made, at, {}).failures == ()
    assert left(at) == []


def test_it_is_the_services_container_with_another_command() -> None:
    resources = declared(web={"command": ["run"], "user": "7", "environment": {"A": "1", "B": "1"}}).lower().resources
    spec = {**resources[Address("service", "web", 1)].spec, "entrypoint": ["enter"]}
    same = pre_start_spec(spec, {"command": ["x"], "environment": {"B": "2"}})
    assert (same["image"], same["entrypoint"], same["command"], same["user"]) == ("app:1", ["enter"], ["x"], "7")
    assert same["environment"] == {"A": "1", "B": "2"}
    assert same["networks"] == {"back": {"aliases": []}}
    other = pre_start_spec(spec, {"command": ["x"], "image": "app:2", "user": "root"})
    assert (other["image"], other["entrypoint"], other["user"]) == ("app:2", None, "root")
