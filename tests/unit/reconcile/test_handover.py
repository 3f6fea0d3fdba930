"""Exclusive things pass from one to another: order, ways back, refusals. Each case is on the engine in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.model.address import Address
from provisioner.model.operation import CreateService, Remove, Stop, UpdateService
from provisioner.model.plan import Policy, Verb
from provisioner.model.state import DesiredState, Facts, Observed, ObservedState, Resource
from provisioner.reconcile.claims import Claim, ClaimKind, Holder, listed_holders, process_holders
from provisioner.reconcile.diff import diff
from provisioner.reconcile.handover import find_handovers
from provisioner.reconcile.handover_order import order_handovers
from provisioner.reconcile.planning import plan
from provisioner.reconcile.retained import Retained
from provisioner.reconcile.steps import Steps
from tests.property.environments import (
    PROJECT_NAME,
    Wanted,
    apply,
    carry_out,
    converge,
    engine,
    look,
    planned,
)

if TYPE_CHECKING:
    from provisioner.engines.memory import MemoryEngine
    from provisioner.model.plan import Plan, Step

SUBNET = "10.1.0.0/24"


def declared(subnets: dict[str, str] | None = None, **services: Any) -> Wanted:
    bodies = {
        name: {"image": "app:1", "command": ["run"], "networks": {"back": None}} | body
        for name, body in services.items()
    }
    networks = {
        key: {"name": f"{PROJECT_NAME}_{key}", "ipam": {"config": [{"subnet": subnet}]}}
        for key, subnet in (subnets or {"back": SUBNET}).items()
    }
    volumes = {"data": {"name": f"{PROJECT_NAME}_data"}}
    return Wanted({"name": PROJECT_NAME, "services": bodies, "networks": networks, "volumes": volumes})


def port(*published: str) -> dict[str, Any]:
    entries = []
    for text in published:
        host, _, number = text.rpartition(":")
        entries.append({"target": 80, "published": number, "protocol": "tcp"} | ({"host_ip": host} if host else {}))
    return {"ports": entries}


def at_address(address: str) -> dict[str, Any]:
    return {"networks": {"back": {"ipv4_address": address}}}


NAMED = {"container_name": f"{PROJECT_NAME}-fixed"}
VOLUME = {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}


def prepared(before: Wanted, after: Wanted, **policy: Any) -> tuple[MemoryEngine, Plan]:
    at = engine()
    assert converge(at, before).failures == ()
    return at, planned(at, after.lower(), Policy(**{"prune": True, **policy}))


def step(made: Plan, verb: Verb, service: str) -> Step:
    return next(s for s in made.steps if s.verb is verb and s.address.name == service)


def comes_after(made: Plan, later: Step, earlier: Step) -> bool:
    by_id = {s.id: s for s in made.steps}
    pending, seen = [later.id], set()
    while pending:
        for need in (*by_id[one := pending.pop()].needs, *by_id[one].after):
            if need not in seen:
                seen.add(need)
                pending.append(need)
    return earlier.id in seen


@pytest.mark.parametrize("held", [port("8001"), at_address("10.1.0.9"), VOLUME])
@pytest.mark.parametrize(
    ("before", "after"),
    [("api", "web"), ("web", "api")],
    ids=["to a later name", "to an earlier name"],
)
@pytest.mark.parametrize("stays", [True, False], ids=["moved", "renamed"])
def test_whoever_frees_comes_before_whoever_takes(before: str, after: str, stays: bool, held: Any) -> None:
    others: dict[str, Any] = {before: {}} if stays else {}
    at, made = prepared(declared(**{before: held}), declared(**{after: held}, **others))
    in_place = stays and "ports" not in held and "volumes" not in held
    start, stop = step(made, Verb.START, after), step(made, Verb.DISCONNECT if in_place else Verb.STOP, before)
    assert comes_after(made, start, stop)
    assert comes_after(made, stop, step(made, Verb.CREATE, after)), "nothing stops before its successor is prepared"
    assert carry_out(made, at, {}).failures == ()
    assert planned(at, declared(**{after: held}, **others).lower(), Policy(prune=True)).steps == ()


def test_two_that_exchange_their_ports_stop_together_and_then_start() -> None:
    after = declared(api=port("8002"), web=port("8001"))
    at, made = prepared(declared(api=port("8001"), web=port("8002")), after)
    stops = [step(made, Verb.STOP, name) for name in ("api", "web")]
    for name in ("api", "web"):
        start = step(made, Verb.START, name)
        assert all(comes_after(made, start, stop) for stop in stops)
        assert all(comes_after(made, stop, step(made, Verb.CREATE, name)) for stop in stops)
    assert not comes_after(made, stops[0], stops[1])
    assert not comes_after(made, stops[1], stops[0])
    assert carry_out(made, at, {}).failures == ()
    assert planned(at, after.lower()).steps == ()


@pytest.mark.parametrize("condition", ["service_started", "service_healthy"])
@pytest.mark.parametrize(("first", "second"), [("api", "web"), ("web", "api")])
def test_one_takes_what_the_other_has_and_waits_for_it(condition: str, first: str, second: str) -> None:
    """The proxy that takes the port of what it waits for, and an exchange with one that is waited for."""
    checked = {"healthcheck": {"test": ["CMD", "true"]}}
    depends = {"depends_on": {first: {"condition": condition, "restart": False, "required": True}}}
    before = declared(**{first: port("8001") | checked, second: port("8002")})
    for ports in ({}, port("8002")):
        after = declared(**{first: ports | checked, second: port("8001") | depends})
        at, made = prepared(before, after)
        assert carry_out(made, at, {}).failures == ()
        assert planned(at, after.lower()).steps == ()
        back = planned(at, before.lower())
        assert carry_out(back, at, {}).failures == ()


def test_three_hand_on_in_a_ring_and_in_a_row() -> None:
    before = declared(api=port("8001"), db=port("8002"), web=port("8003"))
    for after in (
        declared(api=port("8002"), db=port("8003"), web=port("8001")),
        declared(api={}, db=port("8001"), web=port("8002")),
        declared(api=port("8002"), db=port("8003"), web=port("8004")),
    ):
        at, made = prepared(before, after)
        assert carry_out(made, at, {}).failures == ()
        assert planned(at, after.lower()).steps == ()


@pytest.mark.parametrize(
    ("one", "two", "clash"),
    [
        (("8001",), ("127.0.0.1:8001",), True),
        (("0.0.0.0:8001",), ("127.0.0.1:8001",), True),
        (("127.0.0.1:8001",), ("127.0.0.2:8001",), False),
        (("0.0.0.0:8001",), ("::1:8001",), False),
        (("8000-8003",), ("8001",), True),
        (("8001",), ("8002",), False),
    ],
)
def test_ports_overlap_by_address_and_range(one: tuple[str, ...], two: tuple[str, ...], clash: bool) -> None:
    at, made = prepared(declared(api=port(*one)), declared(web=port(*two)))
    observed = look(at, declared(web=port(*two)).lower())
    assert bool(find_handovers(made.steps, declared(web=port(*two)).lower(), observed)) is clash


def test_what_gave_up_an_address_gets_another_only_when_that_is_taken() -> None:
    for more in ({}, {"environment": {"A": "2"}}):
        after = declared(api=more, web=at_address("10.1.0.2"))
        _, made = prepared(declared(api=at_address("10.1.0.2")), after)
        joins = step(made, Verb.START if more else Verb.CONNECT, "api")
        assert comes_after(made, joins, step(made, Verb.START, "web"))


@pytest.mark.parametrize(("after", "waits"), [("8000-8001", True), ("8002-8003", True), ("8000-8002", False)])
def test_a_replica_that_goes_frees_a_port_of_a_range_that_is_another(after: str, waits: bool) -> None:
    """Of three that have 8000 to 8002, in whatever order, two may have all that is left for the first one."""
    before = declared(api=port("8000-8002") | {"deploy": {"replicas": 3}})
    wanted = declared(api=port(after) | {"deploy": {"replicas": 2}, "environment": {"A": "1"}})
    at, made = prepared(before, wanted)
    stop = next(s for s in made.steps if s.verb is Verb.STOP and s.address.index == 3)
    starts = [s for s in made.steps if s.verb is Verb.START]
    assert len(starts) == 2
    assert [comes_after(made, start, stop) for start in starts] == [waits, waits]
    assert carry_out(made, at, {}).failures == ()
    assert planned(at, wanted.lower(), Policy(prune=True)).steps == ()

    at = engine()
    converge(at, before)
    served = {raw["Name"]: raw["Id"] for raw in at.state()["containers"].values()}
    sick = port(after) | {"deploy": {"replicas": 2}, "healthcheck": {"test": ["CMD", "false"]}}
    _, report, back = apply(at, declared(api=sick))
    assert report.failures
    assert back is not None
    assert back.failures == ()
    assert {raw["Name"]: raw["Id"] for raw in at.state()["containers"].values()} == served
    assert all(raw["State"]["Running"] for raw in at.state()["containers"].values())


def test_another_protocol_is_another_port() -> None:
    udp = {"ports": [{"target": 53, "published": "8001", "protocol": "udp"}]}
    _, made = prepared(declared(api=port("8001")), declared(web=udp))
    assert not comes_after(made, step(made, Verb.START, "web"), step(made, Verb.STOP, "api"))


@pytest.mark.parametrize(("before", "after"), [("api", "web"), ("web", "api")])
@pytest.mark.parametrize("more", [{}, port("8001")], ids=["name", "name and port"])
def test_a_name_passes_on_and_comes_back(before: str, after: str, more: Any) -> None:
    wanted = declared(**{after: NAMED | more})
    at, made = prepared(declared(**{before: NAMED | more}), wanted)
    assert made.refusals == ()
    assert carry_out(made, at, {}).failures == ()
    assert planned(at, wanted.lower(), Policy(prune=True)).steps == ()

    broken = declared(**{before: NAMED | more | {"healthcheck": {"test": ["CMD", "false"]}}})
    served = {raw["Name"]: raw["Id"] for raw in at.state()["containers"].values()}
    _, report, back = apply(at, broken)
    assert report.failures
    assert back is not None
    assert back.failures == ()
    assert {raw["Name"]: raw["Id"] for raw in at.state()["containers"].values()} == served
    assert all(raw["State"]["Running"] for raw in at.state()["containers"].values())


def test_two_exchange_their_names() -> None:
    other = {"container_name": f"{PROJECT_NAME}-other"}
    after = declared(api=other, web=NAMED)
    at, made = prepared(declared(api=NAMED, web=other), after)
    assert made.refusals == ()
    assert carry_out(made, at, {}).failures == ()
    assert planned(at, after.lower()).steps == ()


@pytest.mark.parametrize("held", [port("8001"), at_address("10.1.0.9"), VOLUME])
@pytest.mark.parametrize("stays", [True, False], ids=["moved", "renamed"])
@pytest.mark.parametrize(("before", "after"), [("api", "web"), ("web", "api")])
def test_a_holder_is_there_again_when_the_taker_fails(before: str, after: str, stays: bool, held: Any) -> None:
    at = engine()
    converge(at, declared(**{before: held}))
    served = {raw["Name"]: raw["Id"] for raw in at.state()["containers"].values()}
    broken = held | {"healthcheck": {"test": ["CMD", "false"]}}
    _, report, back = apply(at, declared(**{after: broken}, **({before: {}} if stays else {})))
    assert report.failures
    assert back is not None
    assert back.failures == ()
    state = at.state()["containers"].values()
    assert {raw["Name"]: raw["Id"] for raw in state} == served
    assert all(raw["State"]["Running"] for raw in state)


def test_what_failed_is_killed_and_what_did_not_is_asked_to_stop() -> None:
    at = engine()
    converge(at, declared(api=port("8001"), web=port("8002")))
    broken = {"healthcheck": {"test": ["CMD", "false"]}}
    _, _, back = apply(at, declared(api=port("8002") | broken, web=port("8001")))
    assert back is not None
    graces = {s.address.name: s.operation.grace_s for s in back.plan.steps if isinstance(s.operation, Stop)}
    assert graces["api"] == 0
    assert graces.get("web") is None


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (port("127.0.0.1:8001"), "host port 127.0.0.1:8001"),
        (NAMED, f"container name {PROJECT_NAME}-fixed"),
        (at_address("10.1.0.9"), f"address 10.1.0.9 on network {PROJECT_NAME}_back"),
    ],
)
def test_an_orphan_that_is_kept_is_named(held: Any, said: str) -> None:
    _, made = prepared(declared(web=held), declared(edge=held), prune=False)
    assert [str(one.message) for one in made.refusals] == [
        f"{said} is held by service.web[1], which is no longer declared and kept"
    ]
    assert made.refusals[0].hint is not None
    assert "--prune" in made.refusals[0].hint
    assert made.steps == ()


def test_a_service_of_an_inactive_profile_that_holds_a_port_is_told_so() -> None:
    at = engine()
    converge(at, declared(web=port("8001")))
    desired = declared(edge=port("8001")).lower()
    observed = look(at, desired)
    retained = Retained(inactive={("service", "web"): "its profile debug is not active"})
    made = plan(PROJECT_NAME, diff(desired, observed), desired, observed, Policy(prune=True), retained=retained)
    assert [one.message for one in made.refusals] == [
        "host port 8001 is held by service.web[1]: its profile debug is not active, and it is kept"
    ]


def test_what_the_targets_leave_alone_keeps_what_it_has() -> None:
    at = engine()
    converge(at, declared(api=port("8001")))
    desired = declared(web=port("8001")).lower()
    made = planned(at, desired, Policy(targets=(Address("service", "web"),)))
    assert [one.message for one in made.refusals] == [
        "host port 8001 is held by service.api[1], which this plan leaves as it is"
    ]


def test_a_container_that_is_kept_stays_on_a_network_that_is_replaced() -> None:
    at = engine()
    converge(at, declared(old={}, web={}))
    made = planned(at, declared({"back": "10.9.0.0/24"}, web={}).lower(), Policy())
    assert carry_out(made, at, {}).failures == ()
    kept = at.inspect("container", f"{PROJECT_NAME}-old-1")
    assert kept is not None
    attached = kept["NetworkSettings"]["Networks"][f"{PROJECT_NAME}_back"]
    assert "old" in attached["Aliases"]


def test_a_subnet_passes_from_a_network_to_another() -> None:
    before = declared({"back": "10.1.0.0/24", "front": "10.2.0.0/24"}, web={})
    moved = declared({"back": "10.2.0.0/24", "front": "10.1.0.0/24"}, web={})
    renamed = declared({"back": "10.9.0.0/24", "side": "10.2.0.0/16"}, web={"networks": {"side": None}})
    for after in (moved, renamed):
        at, made = prepared(before, after)
        assert carry_out(made, at, {}).failures == ()
        assert planned(at, after.lower(), Policy(prune=True)).steps == ()
    _, kept = prepared(before, renamed, prune=False)
    assert [one.message for one in kept.refusals] == [
        "subnet 10.2.0.0/16 is held by network.front, which is no longer declared and kept"
    ]


def test_a_stranger_that_holds_something_is_named() -> None:
    at = engine()
    other = at.create(
        "container", "shop-web-1",
        {"Image": "app:1", "Labels": {"provisioner.environment": "shop"},
         "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8001"}]}}},
    )  # fmt: skip
    desired = declared(web=port("127.0.0.1:8001"), api=port("8000-8001")).lower()

    def refusals() -> list[str]:
        observed, listed = look(at, desired), listed_holders(at.containers(), ())
        made = plan(PROJECT_NAME, diff(desired, observed), desired, observed, Policy(), listed=listed)
        return [one.message for one in made.refusals]

    assert refusals() == [], "what does not run holds no port"
    at.start(other)
    assert refusals() == ["host port 127.0.0.1:8001 is held by container shop-web-1 of the environment shop"]


@pytest.mark.parametrize(
    ("bound", "held"),
    [
        ([("127.0.0.1", 8001, "tcp")], True),
        ([("0.0.0.0", 8001, "tcp")], True),
        ([("::", 8001, "tcp")], True),
        ([("::", 8001, "tcp"), ("127.0.0.9", 8001, "tcp")], False),
        ([("127.0.0.2", 8001, "tcp")], False),
        ([("127.0.0.1", 8001, "udp")], False),
        ([("127.0.0.1", 8002, "tcp")], False),
    ],
)
def test_a_process_that_has_the_port_is_told(bound: list[tuple[str, int, str]], held: bool) -> None:
    at, desired = engine(), declared(web=port("127.0.0.1:8001")).lower()
    observed = look(at, desired)
    listed = process_holders(bound, ())
    made = plan(PROJECT_NAME, diff(desired, observed), desired, observed, Policy(), listed=listed)
    assert bool(made.refusals) is held
    assert not any(one.name for one in process_holders([("::", 8001, "tcp")], [_proxied(8001)]))


def _proxied(number: int) -> Holder:
    return Holder("1", "a container", (Claim(ClaimKind.PORT, "", "tcp", number, number),))


def test_what_is_shared_before_and_after_is_not_handed_over() -> None:
    _, made = prepared(declared(api=VOLUME, db=VOLUME), declared(db=VOLUME, web=VOLUME))
    assert not comes_after(made, step(made, Verb.START, "web"), step(made, Verb.STOP, "api"))


@pytest.mark.parametrize("gone", [False, True], ids=["moved", "pruned"])
def test_a_port_through_ingress_is_freed_before_another_service_takes_it(gone: bool) -> None:
    published, none = {"ports": {"80/tcp": ["8080:ingress"]}}, {"ports": {}}
    old, new = Address("service", "web"), Address("service", "api")
    wanted = {new: Resource(new, "service", "p_api", published)}
    if not gone:
        wanted[old] = Resource(old, "service", "p_web", none)
    observed = ObservedState(Facts(), {old: Observed(old, "service", "1", "p_web", published)})
    steps = Steps()
    taken = steps.add(CreateService(), new, "new")
    freed = steps.add(Remove("service") if gone else UpdateService(1, {}), old, "old", object_id="1")
    ordered = order_handovers(steps.all, DesiredState("p", wanted), observed, {})
    assert [step.id for step in ordered] == [freed, taken]
    assert ordered[1].needs == (freed,)
