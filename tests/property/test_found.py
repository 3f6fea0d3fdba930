"""Inputs that broke a law once, as small as they could be made."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.errors import StepFailed
from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.plan import Policy, Verb
from provisioner.reconcile.diff import diff
from provisioner.reconcile.downtime import out_of_service
from provisioner.reconcile.revert import rollback_plan
from tests.property.environments import (
    PROJECT_NAME,
    Wanted,
    apply,
    carry_out,
    converge,
    engine,
    in_any_order,
    look,
    planned,
)
from tests.property.test_interrupted import run, taken_back

if TYPE_CHECKING:
    from collections.abc import Collection

    from provisioner.engines.memory import MemoryEngine
    from provisioner.model.plan import Plan, Step
    from provisioner.model.state import ObservedState

PORT = {"ports": [{"target": 80, "published": "8002", "protocol": "tcp"}]}
TWO_PORTS = {"ports": [*PORT["ports"], {"target": 80, "published": "8001", "protocol": "tcp"}]}
OTHER_PORT = {"ports": TWO_PORTS["ports"][1:]}
DATA = {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}
SICK = {"healthcheck": {"test": ["CMD", "false"]}}
NAMED = {"container_name": f"{PROJECT_NAME}-named"}
CHANGED = {"environment": {"A": "1"}}
SWAPPED = ("10.2.0.0/24", "10.1.0.0/24")


def wanted(subnets: tuple[str, str] = ("10.1.0.0/24", "10.2.0.0/24"), **services: dict[str, Any]) -> Wanted:
    networks = {
        key: {"name": f"{PROJECT_NAME}_{key}", "ipam": {"config": [{"subnet": subnet}]}}
        for key, subnet in zip(("back", "front"), subnets, strict=True)
    }
    bodies = {
        name: {"image": "app:1", "command": ["run"]}
        | ({} if "network_mode" in body else {"networks": {"back": None}})
        | body
        for name, body in services.items()
    }
    volumes = {"data": {"name": f"{PROJECT_NAME}_data"}}
    return Wanted({"name": PROJECT_NAME, "services": bodies, "networks": networks, "volumes": volumes})


def living_in(host: str) -> dict[str, Any]:
    needs = {"condition": "service_started", "restart": True, "required": True}
    return {"network_mode": f"service:{host}", "depends_on": {host: needs}}


def require_applied(at: MemoryEngine, what: Wanted) -> None:
    report = converge(at, what)
    assert [str(one.error) for one in report.failures] == []
    observed = look(at, what.lower())
    assert [c for c in diff(what.lower(), observed) if c.action is not Action.UNCHANGED] == []
    assert observed.leftovers == ()


@pytest.mark.parametrize("update", [{}, {"monitor": "5s"}], ids=["proven", "watched"])
def test_what_an_allowed_failure_got_is_not_asked_back(update: dict[str, Any]) -> None:
    """The port's old holder is gone for good: the failed one has it, and may have it."""
    at = engine()
    converge(at, wanted(api={}, db=PORT))
    allowed: dict[str, Any] = {"update": {"max_failure_ratio": 1.0, **update}, **PORT, **SICK}
    _, report, back = apply(at, wanted(api=allowed))
    assert report.failures
    assert back is None or back.failures == ()
    require_applied(at, wanted(api=PORT))


def test_who_lives_in_a_container_that_was_replaced_is_made_anew() -> None:
    """Killed between the two: the one that it joined is stopped for good, so that it can not be started there again."""
    for steps in range(1, 14):
        at = engine()
        converge(at, wanted(db={}, web=living_in("db")))
        after = wanted(db={"environment": {"A": "1"}}, web=living_in("db"))
        carry_out(planned(at, after.lower(), Policy(prune=True)), at, {}, steps=steps)
        require_applied(at, after)


def test_two_that_were_to_have_one_name_are_set_aside_apart() -> None:
    """Killed with the name's old holder in place and the new one beside it; neither is to have it now."""
    named = {"container_name": f"{PROJECT_NAME}-named"}
    for steps in range(1, 10):
        at = engine()
        converge(at, wanted(db={}, web={**living_in("db"), **named}))
        apply(at, wanted(api=named), steps=steps)
        require_applied(at, wanted(api={"deploy": {"replicas": 2}}, web=living_in("api")))


def needing(name: str) -> dict[str, Any]:
    return {"depends_on": {name: {"condition": "service_started", "restart": False, "required": True}}}


def require_nothing_left_down(before: Wanted, after: Wanted) -> None:
    """Interrupted after any step, what began is finished or taken back, and nothing that ran is down."""
    for steps in range(1, 100):
        at = engine()
        converge(at, before)
        made = planned(at, after.lower(), Policy(prune=True))
        if steps > len(made.steps):
            return
        report = run(made, at, after.contents, after=steps)
        taken_back(made, report, at)
        assert out_of_service(made, look(at, made.desired)) == ()
        require_applied(at, after)
    raise AssertionError("the plan did not end")


@pytest.mark.parametrize("host", [CHANGED, {**CHANGED, "update": {"order": "start-first"}}], ids=["stop", "start"])
@pytest.mark.parametrize("guest", [{}, needing("api")], ids=["free", "needing"])
def test_who_moves_out_of_a_container_that_is_replaced_can_move_back(
    guest: dict[str, Any], host: dict[str, Any]
) -> None:
    """Its old one can only be started in the very container that it lived in: that comes back with it, before it."""
    require_nothing_left_down(wanted(api={}, db=living_in("api")), wanted(api=host, db=guest))


@pytest.mark.parametrize("port", [{}, PORT], ids=["nothing", "port"])
def test_who_moves_out_of_a_container_that_is_removed_can_move_back(port: dict[str, Any]) -> None:
    """With a port that passes to the guest its host has to be stopped first."""
    require_nothing_left_down(wanted(api=port, db=living_in("api")), wanted(db=port))


def test_who_lived_in_what_a_third_takes_from_can_move_back() -> None:
    before = wanted(api=PORT, db=living_in("api"), web={})
    require_nothing_left_down(before, wanted(db=needing("web"), web=PORT))


def test_two_that_live_in_each_other_the_other_way_round_can_go_back() -> None:
    require_nothing_left_down(wanted(api={}, db=living_in("api")), wanted(api=living_in("db"), db={}))


@pytest.mark.parametrize("holder", [None, CHANGED], ids=["removed", "replaced"])
def test_two_that_got_something_of_one_go_back_together(holder: dict[str, Any] | None) -> None:
    """One of the two was proven, and what it was had been removed: it kept the port that the first one wanted back."""
    after = {"db": OTHER_PORT, "web": PORT} | ({} if holder is None else {"api": holder})
    require_nothing_left_down(wanted(api=TWO_PORTS, db={}, web={}), wanted(**after))


def test_a_name_comes_back_to_whom_another_lives_in() -> None:
    """The name had passed to one that was proven; the guest, which was not, takes its host back with it."""
    before = wanted(api=NAMED, db={}, web={})
    require_nothing_left_down(before, wanted(SWAPPED, api={}, db=living_in("api"), web=NAMED))


class Last(random.Random):
    """An order of steps in which one of them is made when there is nothing else to do."""

    def __init__(self, step: int) -> None:
        self._step = step

    def sample(self, population: Any, k: int, **more: Any) -> list[Any]:
        order = sorted(population, key=lambda one: (one == self._step, one))
        rank = dict(zip(order, sorted(population), strict=True))
        return [rank[one] for one in population]


def _refuse(last: int, step: Step) -> Exception | None:
    return StepFailed("no") if step.id == last else None


def require_all_back(before: Wanted, after: Wanted) -> None:
    """Whatever does not get to its end, after all others did: what is taken back runs, and what runs has its host."""
    at = engine()
    converge(at, before)
    waits = [step.id for step in planned(at, after.lower(), Policy(prune=True)).steps if step.verb is Verb.WAIT]
    assert waits
    for wait in waits:
        at = engine()
        converge(at, before)
        made = in_any_order(planned(at, after.lower(), Policy(prune=True)), Last(wait))
        last = max(step.id for step in made.steps)
        report = run(made, at, failing=partial(_refuse, last))
        assert [one.step.id for one in report.failures] == [last]
        back = carry_out(rollback_plan(made, report.results, look(at, made.desired)), at, {})
        assert [str(one.error) for one in back.failures] == []
        assert out_of_service(made, look(at, made.desired)) == ()
        state = at.state()["containers"]
        modes = [raw["HostConfig"].get("NetworkMode") or "" for raw in state.values()]
        hosts = [mode.removeprefix("container:") for mode in modes if mode.startswith("container:")]
        assert [state[host]["State"]["Status"] for host in hosts if host in state] == ["running"] * len(hosts)
        require_applied(at, after)


WATCHED = {**CHANGED, "update": {"monitor": "5s", "order": "start-first"}}


def test_who_lives_in_one_that_goes_back_goes_with_it() -> None:
    """The guest was proven while its host was still watched: it would run on in a network that is gone."""
    require_all_back(wanted(api={}, db=living_in("api")), wanted(api=WATCHED, db=living_in("api")))
    require_all_back(wanted(api={}, db={}), wanted(api=WATCHED, db=living_in("api")))
    require_all_back(wanted(api={}), wanted(api=WATCHED, db=living_in("api")))
    require_all_back(wanted(api=NAMED, db={}, web={}), wanted(SWAPPED, api={}, db=living_in("api"), web=NAMED))


def test_whoever_fails_last_of_those_that_hand_something_over_finds_the_others() -> None:
    require_all_back(wanted(api=PORT, web={}), wanted(api=CHANGED, web=PORT))
    require_all_back(wanted(api=TWO_PORTS, db={}, web={}), wanted(api=CHANGED, db=OTHER_PORT, web=PORT))
    require_all_back(wanted(api=TWO_PORTS, db={}, web={}), wanted(db=OTHER_PORT, web=PORT))


ADDRESS = {"networks": {"back": {"ipv4_address": "10.1.0.9"}}}
OTHER_ADDRESS = {"networks": {"back": {"ipv4_address": "10.1.0.8"}}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (wanted(api=ADDRESS, web={}), wanted(api=CHANGED, web=ADDRESS)),
        (wanted(api=ADDRESS, web=OTHER_ADDRESS), wanted(api={**CHANGED, **OTHER_ADDRESS}, web=ADDRESS)),
        (wanted(api=ADDRESS, db={}, web=OTHER_ADDRESS), wanted(api=CHANGED, db=OTHER_ADDRESS, web=ADDRESS)),
        (wanted(api=ADDRESS, db={}, web={}), wanted(db={}, web=ADDRESS)),
    ],
    ids=["moved", "exchanged", "chain", "removed"],
)
def test_an_address_that_one_got_while_it_ran_is_given_back(before: Wanted, after: Wanted) -> None:
    require_nothing_left_down(before, after)
    require_all_back(before, after)


def test_an_address_that_passed_between_two_that_ran_on_stays_where_it_is() -> None:
    before, after = wanted(api=ADDRESS, web={}), wanted(api={}, web=ADDRESS)
    at = engine()
    converge(at, before)
    made = planned(at, after.lower())
    report = run(made, at, failing=lambda step: StepFailed("no") if step.verb is Verb.WAIT else None)
    assert report.failures
    assert rollback_plan(made, report.results, look(at, made.desired)).steps == ()
    require_all_back(before, after)


def test_a_fixed_address_does_not_keep_one_from_going_back_to_a_network_with_another_subnet() -> None:
    before = wanted(api=ADDRESS)
    there = {"networks": {"back": {"ipv4_address": "10.2.0.9"}}}
    require_nothing_left_down(before, wanted(SWAPPED, api={**CHANGED, **there}))
    require_all_back(before, wanted(SWAPPED, api={**CHANGED, **there}))


PAUSED = {"update": {"on_failure": "pause"}}
GOES_ON = {"update": {"on_failure": "continue"}}
START_FIRST = {"update": {"order": "start-first"}}


def require_in_what_runs(at: MemoryEngine, now: ObservedState, failed: Collection[Address] = ()) -> None:
    """Whoever is declared and did not fail lives in a host that runs, and that began before it."""
    state = at.state()["containers"]
    for address, one in now.resources.items():
        host = state[one.id]["HostConfig"].get("NetworkMode", "").partition("container:")[2] if one.runtime else ""
        if host and one.runtime and one.runtime.status == "running" and address.whole not in failed:
            assert state[host]["State"]["Status"] == "running"
            assert state[host]["State"]["StartedAt"] <= state[one.id]["State"]["StartedAt"]


def require_others_serve(before: Wanted, after: Wanted) -> None:
    """One fails, and is taken back or stays, as it says: who did not fail runs, and began in a host that runs."""
    at = engine()
    converge(at, before)
    made, report, back = apply(at, after)
    assert report.failures
    assert back is None or [str(one.error) for one in back.failures] == []
    failed = {one.step.address.whole for one in report.failures}
    now = look(at, made.desired)
    assert {address.whole for address in out_of_service(made, now)} <= failed
    require_in_what_runs(at, now, failed)
    services = {
        name: {key: value for key, value in body.items() if key != "healthcheck"}
        for name, body in after.document["services"].items()
    }
    require_applied(at, Wanted({**after.document, "services": services}))


STAYING = {
    "a name that one who pauses has": (
        wanted(db=NAMED, web=living_in("db")),
        wanted(db=CHANGED, api={**NAMED, **SICK, **PAUSED}, web=living_in("db")),
    ),
    "a port of one who pauses": (wanted(web=OTHER_PORT), wanted(api={**SICK, **TWO_PORTS}, web=PAUSED)),
    "a port that one who pauses has": (wanted(web=PORT), wanted(db={**SICK, **PAUSED, **PORT}, web={})),
    "a guest who pauses": (
        wanted(api=NAMED),
        wanted(web={**SICK, **NAMED}, api={**GOES_ON, **living_in("web")}),
    ),
    "a guest who does not go back": (
        wanted(db={}, web=living_in("db")),
        wanted(web=GOES_ON, db=SICK),
    ),
    "a host who pauses": (
        wanted(db={}, api=living_in("db")),
        wanted(web={}, db={**SICK, **PAUSED}, api=living_in("web")),
    ),
    "a guest who moves to one that fails": (
        wanted(api={}, db=living_in("api")),
        wanted(web={**SICK, **GOES_ON}, db={**GOES_ON, **living_in("web")}, api=TWO_PORTS),
    ),
    "one set aside before its replacement starts": (
        wanted(web=NAMED),
        wanted(
            api={**SICK, **NAMED}, web={**START_FIRST, **living_in("api")}, db={**GOES_ON, **living_in("api")}
        ),
    ),
    "one that can not go on": (
        wanted(api=PORT, db=NAMED, web={}),
        wanted(SWAPPED, web={**SICK, **START_FIRST, **NAMED}, db=PORT, api={**PAUSED, **living_in("db")}),
    ),
    "two holders for whom one waits": (
        wanted(web=PORT, db=ADDRESS),
        wanted(db={**GOES_ON, **OTHER_PORT}, web={**SICK, **START_FIRST}, api={**PORT, **ADDRESS}),
    ),
    "a guest of a guest": (wanted(api={}, web=living_in("api"), db=living_in("web")), wanted(web={}, api=SICK, db={})),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), STAYING.values(), ids=STAYING.keys())
def test_what_needs_one_that_stays_goes_on_instead_of_back(before: Wanted, after: Wanted) -> None:
    require_others_serve(before, after)


@pytest.mark.parametrize("kept", [{}, {"api": {}}], ids=["removed", "replaced"])
@pytest.mark.parametrize("steps", range(1, 9))
def test_a_name_that_two_were_renamed_for_can_be_had_again(steps: int, kept: dict[str, Any]) -> None:
    """Its old holder has been set aside, and so is to be the one that has it."""
    at = engine()
    converge(at, wanted(db=NAMED, **kept))
    carry_out(planned(at, wanted(api=NAMED).lower(), Policy(prune=True)), at, {}, steps=steps)
    require_applied(at, wanted(db=NAMED, **kept))


def needed(made: Plan) -> dict[int, set[int]]:
    """The steps that end before each step of a plan begins."""
    found: dict[int, set[int]] = {}
    for step in made.steps:
        needs = {*step.needs, *step.after}
        found[step.id] = needs.union(*(found[need] for need in needs))
    return found


CIRCLES = {
    "a name and a port of one that lives in who takes the port": (
        wanted(api=PORT, jobs={**OTHER_PORT, **NAMED}),
        wanted(
            db=PORT, api=OTHER_PORT,
            page={"update": {"order": "start-first", "on_failure": "pause"}, **living_in("db"), **NAMED},
            jobs={**CHANGED, **SICK, **START_FIRST, **living_in("db")},
        ),
    ),
    "held by one that starts first": (
        wanted(web=PORT, db=NAMED),
        wanted(web={**GOES_ON, **NAMED}, api=PORT, db={**SICK, **START_FIRST, **living_in("api")}),
    ),
    "held by one that pauses": (
        wanted(db=NAMED, api=TWO_PORTS),
        wanted(web={**PAUSED, **OTHER_PORT}, db={**SICK, **START_FIRST, **living_in("web")}, api=NAMED),
    ),
    "passed on by one that waits for a port": (
        wanted(web=PORT, db=NAMED),
        wanted(
            db={**PAUSED, **TWO_PORTS}, api=NAMED,
            web={**SICK, **START_FIRST, "pid": "service:api", **needing("api")},
        ),
    ),
    "a port, passed on by one that starts first": (
        wanted(db=OTHER_PORT, web=PORT),
        wanted(api={**PAUSED, **PORT}, db={**SICK, **START_FIRST, **living_in("api")}, web=OTHER_PORT),
    ),
    "three that exchange what they have": (
        wanted(page=PORT, web=OTHER_PORT, jobs=NAMED),
        wanted(web={**SICK, **START_FIRST, **NAMED}, jobs=PORT, page={**GOES_ON, **OTHER_PORT}),
    ),
    "a volume, passed on by one that starts first": (
        wanted(web=ADDRESS, db=DATA),
        wanted(api=ADDRESS, web={**GOES_ON, **DATA}, db={**SICK, **START_FIRST, **living_in("api")}),
    ),
    "a port beside one that the host of the holder takes": (
        wanted(jobs=TWO_PORTS, api={}),
        wanted(page={**SICK, **PORT}, jobs={**START_FIRST, **living_in("page")}, api={**GOES_ON, **OTHER_PORT}),
    ),
    "a port that a host needs, of one that starts first": (
        wanted(web=PORT, db={**OTHER_PORT, **ADDRESS}),
        wanted(
            api=PORT, page={**GOES_ON, **OTHER_PORT}, host=ADDRESS,
            web={**SICK, **START_FIRST, **living_in("host")}, db=living_in("api"),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CIRCLES.values(), ids=CIRCLES.keys())
def test_nobody_is_down_until_another_is_proven(before: Wanted, after: Wanted) -> None:
    """What runs gives up its name, and the one that fails all else: who waits for that does not bear the failure."""
    at = engine()
    converge(at, before)
    made = planned(at, after.lower(), Policy(prune=True))
    before_it = needed(made)
    for stop in made.steps:
        for start in made.steps:
            if stop.verb is Verb.STOP and start.verb is Verb.START and stop.address == start.address:
                between = before_it[start.id] - before_it[stop.id]
                assert [s for s in made.steps if s.id in between and s.verb is Verb.WAIT] == []
    apply(at, after)
    bodies = after.document["services"]
    sick = {name for name, body in bodies.items() if "healthcheck" in body}
    sick |= {name for name, body in bodies.items() if sick & body.get("depends_on", {}).keys()}
    assert {address.name for address in out_of_service(made, look(at, made.desired))} <= sick
    require_others_serve(before, after)


def test_who_gives_up_its_name_for_its_host_takes_the_new_one_when_it_is_proven() -> None:
    """What it was is called otherwise before: its successor still proves itself before it is in its place."""
    before = wanted(web=NAMED)
    after = wanted(db={**GOES_ON, **NAMED}, web={**SICK, **START_FIRST, "pid": "service:db", **needing("db")})
    at = engine()
    converge(at, before)
    made = planned(at, after.lower(), Policy(prune=True))
    [proof] = [s.id for s in made.steps if s.verb is Verb.WAIT and s.address.name == "web"]
    own = [s for s in made.steps if s.address.name == "web" and s.verb in (Verb.RENAME, Verb.STOP)]
    late = [s for s in own if s.made_by is not None or s.verb is Verb.STOP]
    assert late
    assert all(proof in needed(made)[step.id] for step in late)
    require_others_serve(before, after)


def test_who_lives_in_a_host_that_nobody_touches_does_not_go_back_for_another_guest() -> None:
    """Its name is taken for good; the other guest of the host, which was interrupted, goes back."""
    before = wanted(api={}, page=living_in("api"), web={"pid": "service:api", **needing("api"), **NAMED})
    after = wanted(
        api={}, db={**GOES_ON, **NAMED}, page=START_FIRST,
        web={**SICK, **START_FIRST, "pid": "service:db", **needing("db")},
    )  # fmt: skip
    at = engine()
    converge(at, before)
    page = [s.id for s in planned(at, after.lower(), Policy(prune=True)).steps if s.address.name == "page"]
    for last in page:
        at = engine()
        converge(at, before)
        made = in_any_order(planned(at, after.lower(), Policy(prune=True)), Last(last))
        report = run(made, at)
        back = carry_out(rollback_plan(made, report.results, look(at, made.desired)), at, {})
        assert [str(one.error) for one in back.failures] == []


def test_who_was_to_go_stays_with_what_it_lived_in_until_its_name_is_proven() -> None:
    """Both are no longer declared: it is not without its host before it goes, and can come back."""
    before = wanted(api={}, db={}, jobs={}, page={**living_in("db"), **NAMED})
    after = wanted(api={}, jobs={**NAMED, **SICK})
    at = engine()
    converge(at, before)
    made = planned(at, after.lower(), Policy(prune=True))
    [removed] = [s.id for s in made.steps if s.verb is Verb.REMOVE and s.address.name == "page"]
    [stopped] = [s.id for s in made.steps if s.verb is Verb.STOP and s.address.name == "db"]
    assert removed in needed(made)[stopped]
    require_others_serve(before, after)


def test_who_was_to_go_comes_back_after_what_it_lived_in() -> None:
    """It is no longer declared; its address is asked for by one that runs on, and its host goes back."""
    at_nine = {"networks": {"back": {"ipv4_address": "10.1.0.9"}}}
    in_jobs = {"pid": "service:jobs", **needing("jobs")}
    before = wanted(api={}, page={}, jobs=living_in("page"), db={**in_jobs, **at_nine})
    require_others_serve(before, wanted(page=at_nine, jobs=SICK))


def test_a_host_that_is_not_declared_stays_for_a_guest_whose_name_another_gets() -> None:
    """The guest has moved out and is proven: it goes back, into its host, when the other fails."""
    before = wanted(api={}, db={}, page={**living_in("db"), **NAMED})
    after = wanted(api={**NAMED, **SICK}, page={})
    at = engine()
    converge(at, before)
    made = planned(at, after.lower(), Policy(prune=True))
    [removed] = [s.id for s in made.steps if s.verb is Verb.REMOVE and s.address.name == "db"]
    for late in [s.id for s in made.steps if s.verb is Verb.WAIT]:
        assert late in needed(made)[removed]
    require_others_serve(before, after)


@pytest.mark.parametrize("chance", range(12))
def test_who_lives_in_one_that_begins_anew_with_its_host_begins_anew_too(chance: int) -> None:
    """Its own replacement waits and never began: it is no more in a network that is gone."""
    before = wanted(api={}, db=living_in("api"), web=living_in("db"))
    pausing = {"update": {"order": "start-first", "on_failure": "pause"}}
    after = wanted(api=CHANGED, db=START_FIRST, jobs=SICK, page={}, web=pausing)
    at = engine()
    converge(at, before)
    made = in_any_order(planned(at, after.lower(), Policy(prune=True)), random.Random(chance))
    report = carry_out(made, at, {})
    back = carry_out(rollback_plan(made, report.results, look(at, made.desired)), at, {})
    assert [str(one.error) for one in back.failures] == []
    require_in_what_runs(at, look(at, made.desired))


@pytest.mark.parametrize("guest", [{}, START_FIRST], ids=["stop", "start"])
@pytest.mark.parametrize("host", [CHANGED, {**CHANGED, **START_FIRST}, PORT], ids=["stop", "start", "port"])
def test_nobody_stops_under_one_that_moves_out(host: dict[str, Any], guest: dict[str, Any]) -> None:
    at = engine()
    converge(at, wanted(api={}, db=living_in("api")))
    made = planned(at, wanted(api=host, db=guest).lower(), Policy(prune=True))
    stops = {s.address.name: s.id for s in made.steps if s.verb is Verb.STOP and s.made_by is None}
    assert stops["db"] in needed(made)[stops["api"]]


def test_a_network_that_is_replaced_does_not_keep_a_port_from_passing_on() -> None:
    """The holder needs the taker, and is taken off the network, the removal of which waits for neither."""
    on_front = {"networks": {"front": None}}
    at = engine()
    converge(at, wanted(api={}, db={**PORT, **on_front}))
    require_applied(at, wanted(("10.1.0.0/24", "10.4.0.0/24"), api=PORT, db={**needing("api"), **on_front}))


@pytest.mark.parametrize("replicas", [1, 2])
def test_one_that_fails_as_it_may_does_not_run_on_beside_what_it_was_to_replace(replicas: int) -> None:
    scaled = {"deploy": {"replicas": replicas}}
    at = engine()
    converge(at, wanted(api=scaled))
    before = look(at, wanted(api=scaled).lower()).resources
    allowed = {"update": {"order": "start-first", "max_failure_ratio": 1.0, "parallelism": 0}, **scaled, **SICK}
    made, report, back = apply(at, wanted(api=allowed))
    assert len(report.failures) == replicas
    assert back is not None
    assert back.failures == ()
    now = look(at, made.desired)
    assert now.leftovers == ()
    assert {a: one.id for a, one in now.resources.items()} == {a: one.id for a, one in before.items()}


def test_who_was_to_get_the_address_of_one_that_failed_as_it_may_is_on_its_network_again() -> None:
    """It left the network for the address that it does not get; what failed goes with it, once."""
    addressed = {"networks": {"back": {"ipv4_address": "10.1.0.9"}}}
    allowed = {"update": {"order": "start-first", "on_failure": "continue"}}
    at = engine()
    converge(at, wanted(db={}, api=addressed))
    made, report, back = apply(at, wanted(db=addressed, api={**allowed, **SICK}))
    assert [one.step.address.name for one in report.failures] == ["api"]
    assert back is not None
    assert back.failures == ()
    attached = {a.name: sorted(one.workload_spec["networks"]) for a, one in look(at, made.desired).resources.items()
                if one.kind == "container"}  # fmt: skip
    assert attached == {"db": ["back"], "api": ["back"]}
    require_applied(at, wanted(db=addressed, api=allowed))


def test_who_is_not_to_go_back_does_so_where_it_would_stay_without_its_network() -> None:
    """The network is made anew under both; the port never comes free."""
    paused = {"update": {"order": "start-first", "on_failure": "pause"}}
    at = engine()
    converge(at, wanted(db={}, jobs=PORT))
    made, report, back = apply(at, wanted(SWAPPED, db={**PORT, **paused}, jobs={**paused, **SICK}))
    assert [one.step.address.name for one in report.failures] == ["jobs"]
    assert back is not None
    assert back.failures == ()
    db = look(at, made.desired).resources[Address("service", "db", 1)]
    assert list(db.workload_spec["networks"]) == ["back"]


def test_who_can_not_go_back_and_has_not_failed_goes_on() -> None:
    """It lived in one that is gone, and gave its address to one that can not begin."""
    addressed = {"networks": {"back": {"ipv4_address": "10.1.0.9"}}}
    paused = {"update": {"on_failure": "pause"}}
    inside = {**needing("api"), "pid": "service:api"}
    at = engine()
    converge(at, wanted(api={}, jobs={**addressed, **inside}, db={}))
    made, report, back = apply(
        at, wanted(api={**paused, "command": ["exit", "1"]}, jobs={}, db={**addressed, **inside})
    )
    assert {one.step.address.name for one in report.failures} == {"api", "db"}
    assert back is not None
    assert back.failures == ()
    assert {address.name for address in out_of_service(made, look(at, made.desired))} == {"api"}


@pytest.mark.parametrize("held", [DATA, PORT], ids=["volume", "port"])
def test_who_handed_something_to_the_host_of_one_that_stays_serves_and_is_mended(held: dict[str, Any]) -> None:
    """It goes back, or stays as it is where the one that stays was begun before: which of two comes first is open."""
    before = wanted(web=held)
    stays = {**living_in("api"), "update": {"on_failure": "pause"}}
    after = wanted(api=held, db=stays, web={**CHANGED, **SICK})
    for _ in range(12):
        at = engine()
        converge(at, before)
        made, report, back = apply(at, after)
        assert report.failures
        assert back is None or back.failures == ()
        assert out_of_service(made, look(at, made.desired)) == ()
        require_applied(at, wanted(api=held, db=stays, web=CHANGED))
