"""Some services fail: nobody else is down, what can go back does so, and without the fault the next apply ends well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds.ownership import PREVIOUS
from provisioner.model.change import Action
from provisioner.model.plan import Policy, Verb
from provisioner.model.report import Outcome
from provisioner.reconcile.diff import diff
from provisioner.reconcile.downtime import out_of_service
from provisioner.reconcile.namespaces import containers_lived_in
from provisioner.reconcile.revert import rollback_plan
from provisioner.reconcile.update_policy import max_failures, rolls_back
from tests.property.environments import (
    NETWORKS,
    PROJECT_NAME,
    Wanted,
    bound_to,
    carry_out,
    converge,
    engine,
    in_any_order,
    look,
    planned,
    tried,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from provisioner.engines.memory import MemoryEngine
    from provisioner.model.address import Address
    from provisioner.model.plan import Plan
    from provisioner.model.report import Report
    from provisioner.model.state import ObservedState

_NAMES = ("api", "db", "jobs", "page", "web")
_SUBNETS = (("10.1.0.0/24", "10.2.0.0/24"), ("10.2.0.0/24", "10.1.0.0/24"))
_PORTS = ("8001", "8002")
# What makes a service fail, and what it has when it is well.
_SICK: tuple[dict[str, Any], ...] = (
    {"healthcheck": {"test": ["CMD", "false"]}},
    {"command": ["exit", "1"]},
)
_POLICY: dict[str, st.SearchStrategy[Any]] = {
    "order": st.sampled_from(("start-first", "stop-first")),
    "on_failure": st.sampled_from(("pause", "continue", "rollback")),
}


@st.composite
def environments(draw: st.DrawFn, *, sick: bool) -> tuple[Wanted, Wanted]:
    """An environment with what only one can have, and who lives in whom; with failing services, and without them."""
    names = draw(st.lists(st.sampled_from(_NAMES), unique=True, min_size=2, max_size=5))
    subnets = dict(zip(NETWORKS, draw(st.sampled_from(_SUBNETS)), strict=True))
    services: dict[str, dict[str, Any]] = {}
    for at, name in enumerate(names):
        body: dict[str, Any] = {"image": "app:1", "command": ["run"]}
        if draw(st.booleans()):
            body["environment"] = {"A": draw(st.sampled_from(("1", "2")))}
        body["update"] = draw(st.fixed_dictionaries({}, optional=_POLICY))
        host = draw(st.sampled_from([None, None, *names[:at]]))
        if host is not None:
            needs = {"condition": "service_started", "restart": True, "required": True}
            body["depends_on"] = {host: needs}
            body[draw(st.sampled_from(("network_mode", "pid")))] = f"service:{host}"
        if "network_mode" not in body:
            body["networks"] = {"back": None}
        services[name] = body
    _share_out(draw, list(services.values()), subnets)
    failing = {name: draw(st.sampled_from((None, *_SICK))) for name in names} if sick else {}
    networks = {
        key: {"name": f"{PROJECT_NAME}_{key}", "ipam": {"config": [{"subnet": subnet}]}}
        for key, subnet in subnets.items()
    }
    well = {"name": PROJECT_NAME, "services": services, "networks": networks}
    broken = {name: {**body, **(failing.get(name) or {})} for name, body in services.items()}
    return Wanted({**well, "services": broken}), Wanted(well)


def _share_out(draw: st.DrawFn, bodies: list[dict[str, Any]], subnets: Mapping[str, str]) -> None:
    attached = [body for body in bodies if "networks" in body]
    for port in _PORTS:
        owner = draw(st.sampled_from([None, *attached]))
        if owner is not None:
            owner.setdefault("ports", []).append({"target": 80, "published": port, "protocol": "tcp"})
    named = draw(st.sampled_from([None, *bodies]))
    if named is not None:
        named["container_name"] = f"{PROJECT_NAME}-named"
    owner = draw(st.sampled_from([None, *attached]))
    if owner is not None:
        owner["networks"] = {"back": {"ipv4_address": subnets["back"].replace("0/24", "9")}}


def _require_told(made: Plan, report: Report, back: Report, at: MemoryEngine, sick: AbstractSet[str]) -> None:
    """Who is down can not run, nor can whoever goes back; whoever else ran runs, in a host that began before it."""
    assert [str(one.error) for one in back.failures] == []
    assert {one.step.address.name for one in report.failures} <= sick
    now = look(at, made.desired)
    down = {address.name for address in out_of_service(made, now)}
    assert down <= sick
    staying = {a.name for a, one in made.desired.resources.items() if one.kind == "container" and not rolls_back(one)}
    staying |= {address.name for address in max_failures(made.details)}
    assert not [one for one in down if staying.isdisjoint(bound_to(one, made))]
    state = at.state()["containers"]
    for address, one in now.resources.items():
        if address not in made.desired.resources or address.name in sick or one.kind != "container":
            continue
        if one.runtime and one.runtime.status == "running" and _stays_attached(made, address):
            assert state[one.id]["NetworkSettings"]["Networks"], address
        for key in ("NetworkMode", "PidMode"):
            host = (state[one.id]["HostConfig"].get(key) or "").partition("container:")[2]
            if host in state and one.runtime and one.runtime.status == "running":
                assert state[host]["State"]["Status"] == "running"
                assert state[host]["State"]["StartedAt"] <= state[one.id]["State"]["StartedAt"]


def _stays_attached(made: Plan, address: Address) -> bool:
    """Whether it had networks, and is to have some."""
    before = made.observed.resources.get(address)
    wanted = made.desired.resources[address]
    return bool(before and before.workload_spec["networks"] and wanted.workload_spec["networks"])


def _require_nothing_aside(made: Plan, report: Report, now: ObservedState) -> None:
    """What a proven service replaced is removed, in whatever order the run ended; but not a host of others."""
    unproven = {
        result.step.address.whole for result in report.results
        if (result.step.verb is Verb.WAIT or result.step.made_by) and result.outcome is not Outcome.DONE
    }  # fmt: skip
    hosts = {host for living in containers_lived_in(now).values() for host in living}
    aside = [seen for seen in (*now.resources.values(), *now.leftovers) if seen.name.endswith(PREVIOUS)]
    assert not [
        seen.name for seen in aside
        if seen.address in made.desired.resources and seen.address.whole not in unproven and seen.id not in hosts
    ]  # fmt: skip


def _require_exclusive(at: MemoryEngine) -> None:
    running = [raw for raw in at.state()["containers"].values() if raw["State"]["Running"]]
    ports = [
        binding["HostPort"]
        for raw in running
        for bindings in (raw["HostConfig"].get("PortBindings") or {}).values()
        for binding in bindings
    ]
    assert len(ports) == len(set(ports))
    addresses = [
        entry["IPAddress"]
        for raw in running
        for entry in raw["NetworkSettings"]["Networks"].values()
        if entry.get("IPAddress")
    ]
    assert len(addresses) == len(set(addresses))


def _with_those_who_need_them(services: set[str], what: Wanted) -> set[str]:
    """Services and who needs them: without a host, or what it depends on, nobody begins."""
    found = set(services)
    for name, body in what.document["services"].items():
        if found & body.get("depends_on", {}).keys() and name not in found:
            return _with_those_who_need_them({*found, name}, what)
    return found


def _body(what: Wanted, service: str) -> Any:
    return what.document["services"][service]


def require_taken(before: Wanted, broken: Wanted, well: Wanted, order: random.Random | None = None) -> None:
    """Apply the first, then what fails, then what does not; the steps in their order or in any that they allow."""
    at = engine()
    assert converge(at, before).failures == ()
    made = planned(at, broken.lower(), Policy(prune=True))
    made = in_any_order(made, order) if order else made
    report = carry_out(made, at, {})
    back = carry_out(rollback_plan(made, report.results, look(at, made.desired)), at, {})
    if report.failures:
        sick = {one for one in broken.document["services"] if _body(broken, one) != _body(well, one)}
        _require_told(made, report, back, at, _with_those_who_need_them(sick, broken))
        _require_nothing_aside(made, report, look(at, made.desired))
    _require_exclusive(at)
    mended = converge(at, well)
    assert [str(one.error) for one in mended.failures] == []
    observed = look(at, well.lower())
    assert [c for c in diff(well.lower(), observed) if c.action is not Action.UNCHANGED] == []
    assert observed.leftovers == ()
    assert planned(at, well.lower(), Policy(prune=True)).steps == ()


@tried(150)
@given(environments(sick=False), environments(sick=True), st.none() | st.randoms(use_true_random=False))
def test_who_fails_takes_nobody_along(
    before: tuple[Wanted, Wanted], after: tuple[Wanted, Wanted], chance: random.Random | None
) -> None:
    require_taken(before[1], *after, chance)
