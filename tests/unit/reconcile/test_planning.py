"""What follows from what: cascades, order, refusals. Each case is one environment on the engine in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.operation import CreateContainer, Goal, Wait
from provisioner.model.plan import Policy, Step, Verb
from provisioner.reconcile.diff import diff
from provisioner.reconcile.observe import observe
from tests.property.environments import PROJECT_NAME, Wanted, carry_out, converge, engine, planned

if TYPE_CHECKING:
    from provisioner.engines.memory import MemoryEngine
    from provisioner.model.plan import Plan


def declared(subnet: str = "10.1.0.0/24", **services: Any) -> Wanted:
    bodies = {
        name: {"image": "app:1", "command": ["run"], "networks": {"back": None}} | body
        for name, body in services.items()
    }
    network = {"name": f"{PROJECT_NAME}_back", "ipam": {"config": [{"subnet": subnet}]}}
    volumes = {"data": {"name": f"{PROJECT_NAME}_data"}}
    return Wanted({"name": PROJECT_NAME, "services": bodies, "networks": {"back": network}, "volumes": volumes})


def running(what: Wanted) -> MemoryEngine:
    at = engine()
    assert converge(at, what).failures == ()
    return at


def reasons(plan: Plan) -> dict[str, tuple[Action, str, int]]:
    return {str(c.address): (c.action, c.reason, len(c.differences)) for c in plan.changes}


def after(name: str, **more: Any) -> dict[str, Any]:
    return {name: {"condition": "service_started", "restart": False, "required": True, **more}}


def test_a_replaced_network_reconnects_its_services() -> None:
    at = running(declared(web={}))
    assert reasons(planned(at, declared("10.9.0.0/24", web={}).lower())) == {
        "network.back": (Action.REPLACE, "ipam changed", 1),
        "service.web": (Action.UPDATE, "network.back is replaced", 0),
    }


def test_what_shares_a_namespace_is_replaced_with_it() -> None:
    shared: dict[str, Any] = {"networks": None, "network_mode": "service:web", "depends_on": after("web", restart=True)}
    at = running(declared(web={}, probe=shared))
    found = reasons(planned(at, declared(web={"environment": {"A": "1"}}, probe=shared).lower()))
    assert found["service.probe"] == (Action.REPLACE, "service.web is replaced, and it lives in it", 0)


@pytest.mark.parametrize(("restart", "expected"), [(True, ["service.db", "service.web"]), (False, ["service.db"])])
def test_restarted_with_a_dependency_only_where_asked(restart: bool, expected: list[str]) -> None:
    web = {"depends_on": after("db", restart=restart)}
    at = running(declared(db={}, web=web))
    found = reasons(planned(at, declared(db={"environment": {"A": "1"}}, web=web).lower()))
    assert list(found) == expected
    if restart:
        assert found["service.web"] == (Action.UPDATE, "restarted with service.db", 0)


def test_a_job_that_runs_at_every_apply_is_due_and_was_changed_by_nobody() -> None:
    wanted = declared(daily={"job": {"run": "always"}})
    at = engine()
    # Nothing ends by itself on this engine, so the wait for the job does not end well.
    converge(at, wanted)
    state = wanted.lower()
    (change,) = (one for one in diff(state, observe(at, state), state) if str(one.address) == "service.daily[1]")
    assert (change.drift, change.reason) == (False, "")
    assert [(one.path, one.drift) for one in change.differences] == [("job", False)]


def test_a_limit_moved_in_place_restarts_nobody() -> None:
    web = {"depends_on": after("db", restart=True)}
    at = running(declared(db={"mem_limit": "67108864"}, web=web))
    assert list(reasons(planned(at, declared(db={"mem_limit": "134217728"}, web=web).lower()))) == ["service.db"]


def test_a_rebuilt_image_is_the_difference_and_its_container_follows() -> None:
    at = running(declared(web={}))
    at.add_image("app:1", {"Env": ["V=other"], "Cmd": ["run"]})
    found = reasons(planned(at, declared(web={}).lower()))
    assert found == {"service.web": (Action.REPLACE, "image changed", 1)}


def test_removals_go_dependents_first_and_networks_last() -> None:
    what = declared(db={}, web={"depends_on": after("db")})
    at = running(what)
    made = planned(at, declared().lower(), Policy(prune=True), order=what.lower().resources)
    removed = {str(step.address): step for step in made.steps if step.verb is Verb.REMOVE}
    assert list(removed) == ["service.web[1]", "service.db[1]"]
    stop = next(step for step in made.steps if step.verb is Verb.STOP and str(step.address) == "service.db[1]")
    assert removed["service.web[1]"].id in stop.needs
    whole = planned(at, what.lower().__class__(PROJECT_NAME, {}), Policy(prune=True))
    assert [s.kind for s in whole.steps if s.verb is Verb.REMOVE][-1] == "network"


def test_a_guest_on_a_network_that_has_to_go_stops_everything() -> None:
    at = running(declared(web={}))
    guest = at.create("container", "guest", {"Image": "app:1", "Labels": {}})
    at.start(guest)
    network = at.inspect("network", f"{PROJECT_NAME}_back")
    assert network is not None
    at.connect(network["Id"], guest, {})
    made = planned(at, declared("10.9.0.0/24", web={}).lower())
    assert made.steps == ()
    assert [problem.path for problem in made.refusals] == ["network.back"]
    assert made.refusals[0].message.endswith("are on it: guest")


def test_what_is_not_ready_yet_is_waited_for_and_nothing_else_is_done() -> None:
    web = {"healthcheck": {"test": ["CMD", "false"]}}
    at = engine()
    assert [str(result.step.address) for result in converge(at, declared(web=web)).failures] == ["service.web[1]"]
    made = planned(at, declared(web=web).lower())
    assert made.changes == ()
    assert [(step.verb, str(step.address)) for step in made.steps] == [(Verb.WAIT, "service.web[1]")]
    wait = made.steps[0].operation
    assert isinstance(wait, Wait)
    assert (wait.goal, wait.goes_on) == (Goal.READY, True)


def identity(at: MemoryEngine, service: str) -> str:
    raw = at.inspect("container", f"{PROJECT_NAME}-{service}-1")
    assert raw is not None
    return str(raw["Id"])


def healthy(name: str) -> dict[str, Any]:
    return {"depends_on": {name: {"condition": "service_healthy", "restart": False, "required": True}}}


def checked(**more: Any) -> dict[str, Any]:
    return {"healthcheck": {"test": ["CMD", "true"], "interval": "2s", "timeout": "1s", "retries": 4}} | more


def waits_for(plan: Plan, service: str) -> list[tuple[Goal, float, bool]]:
    found = [step.operation for step in plan.steps if step.address.name == service and isinstance(step.operation, Wait)]
    return [(wait.goal, wait.timeout_s, wait.goes_on) for wait in found]


@pytest.mark.parametrize("verdict", ["unhealthy", "starting"])
def test_what_starts_waits_for_the_next_verdict_of_a_dependency_that_goes_on(verdict: str) -> None:
    what: dict[str, Any] = {"api": checked(), "web": healthy("api")}
    at = running(declared(**what))
    at.set_health(identity(at, "api"), verdict)
    made = planned(at, declared(**{**what, "web": {**what["web"], "hostname": "x"}}).lower())
    # One that has not decided yet has as long as one that was just started.
    limit = {"unhealthy": 2 + 1 + 5, "starting": 60 + (2 + 1) * 4}[verdict]
    assert waits_for(made, "api") == [(Goal.READY, limit, True), (Goal.HEALTHY, 60 + (2 + 1) * 4, True)]
    ready, well = (step for step in made.steps if step.address.name == "api")
    assert well.needs == (ready.id,)
    assert well.id in next(step for step in made.steps if step.address.name == "web" and step.verb is Verb.START).needs


def test_a_dependency_that_is_well_is_waited_for_once_and_may_turn_bad_meanwhile() -> None:
    what: dict[str, Any] = {"api": checked(), "web": healthy("api")}
    at = running(declared(**what))
    made = planned(at, declared(**{**what, "web": {**what["web"], "hostname": "x"}}).lower())
    assert waits_for(made, "api") == [(Goal.HEALTHY, 60 + (2 + 1) * 4, True)]


def test_one_that_fails_for_what_is_mended_is_judged_once_that_is_ready() -> None:
    """The order goes through a service that needs no change, whatever the names are."""
    what: dict[str, Any] = {"api": checked(**healthy("store")), "store": checked(), "worker": healthy("api")}
    at = running(declared(**what))
    for name in ("store", "worker"):
        at.stop(identity(at, name))
    at.set_health(identity(at, "api"), "unhealthy")
    made = planned(at, declared(**what).lower())
    limit = 60 + (2 + 1) * 4
    assert waits_for(made, "api") == [(Goal.READY, limit, True), (Goal.HEALTHY, limit, True)]
    lines = {(step.address.name, step.verb, str(getattr(step.operation, "goal", ""))): step for step in made.steps}
    stored, judged = lines["store", Verb.WAIT, "ready"], lines["api", Verb.WAIT, "ready"]
    assert stored.id in judged.needs
    assert lines["api", Verb.WAIT, "healthy"].id in lines["worker", Verb.START, ""].needs
    assert carry_out(made, at, {}).failures != ()
    at.set_health(identity(at, "api"), "healthy")
    assert carry_out(planned(at, declared(**what).lower()), at, {}).failures == ()


def test_one_that_starts_first_is_found_by_nobody_until_it_is_ready() -> None:
    web = {"update": {"order": "start-first"}}
    at = running(declared(web=web))
    made = planned(at, declared(web={**web, "environment": {"A": "1"}}).lower())
    verbs = [step.verb for step in made.steps if step.address == Address("service", "web", 1)]
    assert verbs == [
        Verb.CREATE, Verb.START, Verb.WAIT, Verb.DISCONNECT, Verb.CONNECT, Verb.RENAME, Verb.RENAME, Verb.STOP,
        Verb.REMOVE,
    ]  # fmt: skip
    create = made.steps[0].operation
    assert isinstance(create, CreateContainer)
    assert create.aliases is False


@pytest.mark.parametrize("policy", [{}, {"on_failure": "rollback", "monitor": "3s"}, {"on_failure": "continue"}])
def test_one_that_starts_first_starts_when_the_one_before_has_stopped(policy: dict[str, str]) -> None:
    """Or the address that comes free is given to it when it gets its aliases, and its connections are dead."""
    web = {"deploy": {"replicas": 3}, "update": {"order": "start-first", **policy}}
    at = running(declared(web=web))
    made = planned(at, declared(web={**web, "environment": {"A": "1"}}).lower())
    by_id = {step.id: step for step in made.steps}

    def before(step: Step) -> set[int]:
        direct = {*step.needs, *step.after}
        return direct.union(*(before(by_id[one]) for one in direct))

    starts = {step.address.index: before(step) for step in made.steps if step.verb is Verb.START}
    stops = {step.address.index: step.id for step in made.steps if step.verb is Verb.STOP}
    for index in (2, 3):
        assert stops[index - 1] in starts[index], made.text()


def test_a_replacement_left_behind_is_removed_once() -> None:
    web = {"update": {"order": "start-first"}}
    at = running(declared(web=web))
    wanted = declared(web={**web, "environment": {"A": "1"}}).lower()
    carry_out(planned(at, wanted), at, {}, steps=2)
    made = planned(at, wanted)
    removed = [step.object_id for step in made.steps if step.verb is Verb.REMOVE]
    assert len(removed) == len(set(removed)) == 2
    assert carry_out(made, at, {}).failures == ()


def test_a_target_prunes_nothing() -> None:
    at = running(declared(web={}, other={}))
    made = planned(at, declared(web={}).lower(), Policy(prune=True, targets=(Address("service", "web"),)))
    assert made.steps == ()


@pytest.mark.parametrize("kind", ["network", "volume", "container"])
def test_what_is_made_after_the_lists_is_ours_all_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by an apply that was killed, whose last request the engine had still to carry out."""
    wanted = declared(web={"volumes": [{"type": "volume", "source": "data", "target": "/data"}]})
    at, state = running(wanted), wanted.lower()
    before, listed = observe(at, state), at.list
    monkeypatch.setattr(at, "list", lambda of, labels: [] if of == kind else listed(of, labels))
    after_lists = observe(at, state)
    assert after_lists.foreign == ()
    assert after_lists.resources.keys() == before.resources.keys()
    assert {a: o.id for a, o in after_lists.resources.items()} == {a: o.id for a, o in before.resources.items()}
