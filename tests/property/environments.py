"""Environments as hypothesis draws them, an engine to put them on, and what an apply does there."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st

from provisioner.document.sources import Document
from provisioner.engines.memory import MemoryEngine
from provisioner.errors import ProvisionError
from provisioner.kinds.ownership import PROJECT, ownership_labels
from provisioner.model.address import Address
from provisioner.model.node import from_plain
from provisioner.model.operation import CreatePreStart
from provisioner.model.plan import Policy
from provisioner.model.report import Outcome
from provisioner.model.span import Span
from provisioner.platforms.containers import lower
from provisioner.platforms.lowering import InputVersions
from provisioner.playbook.bind import bind
from provisioner.reconcile.diff import diff
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.execute import execute
from provisioner.reconcile.namespaces import lives_in
from provisioner.reconcile.observe import observe
from provisioner.reconcile.planning import plan
from provisioner.reconcile.revert import rollback_plan

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from provisioner.model.plan import Plan, Step
    from provisioner.model.report import Report
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource

PROJECT_NAME = "laws"
NETWORKS = ("back", "front")
VOLUMES = ("data", "logs")
SERVICES = ("api", "db", "web")
FILES = ("one", "two")


# Of each network: none of two overlap, and each overlaps one of the other's in another environment.
_SUBNETS = (("10.1.0.0/24", "10.2.0.0/24"), ("10.2.0.0/24", "10.1.0.0/24"), ("10.3.0.0/24", "10.1.0.0/16"))

_POLICY: dict[str, st.SearchStrategy[Any]] = {
    "order": st.sampled_from(("start-first", "stop-first")),
    "parallelism": st.integers(0, 2),
    "delay": st.just("5s"),
    "monitor": st.just("5s"),
    "on_failure": st.sampled_from(("pause", "continue", "rollback")),
    "max_failure_ratio": st.sampled_from((0.0, 0.4, 1.0)),
}


def tried(times: int) -> settings:
    """With how many examples a law is tried: so many in every run, and as many as EXAMPLES says where that is set."""
    return settings(max_examples=int(os.environ.get("EXAMPLES") or times))


@dataclass(frozen=True)
class Wanted:
    """A document with the contents of its configs."""

    document: Mapping[str, Any]
    contents: Mapping[str, bytes] = field(default_factory=dict)

    def lower(self) -> DesiredState:
        document = dict(self.document)
        document["services"] = {name: _canonical(body) for name, body in document["services"].items()}
        root = from_plain(document, Span("laws.yaml", 1, 1))
        versions = {Address("config", key): content.hex() or "0" for key, content in self.contents.items()}
        read = Document(root, PROJECT_NAME, PROJECT_NAME, None, "/", ())
        return lower(bind(read), InputVersions(versions=versions))


def _canonical(body: Mapping[str, Any]) -> dict[str, Any]:
    """A service as the document layer hands it on: `update` is another name of `deploy.update_config`."""
    if "update" not in body:
        return dict(body)
    rest = {key: value for key, value in body.items() if key != "update"}
    policy = {"failure_action" if key == "on_failure" else key: value for key, value in body["update"].items()}
    return {**rest, "deploy": {**rest.get("deploy", {}), "update_config": policy}}


@st.composite
def wanted(draw: st.DrawFn, *, broken: bool = False) -> Wanted:
    """A small environment: services with everything that makes plans differ, and what they use.

    `broken` ones may never become healthy, and say what shall follow from that.
    """
    subnets = dict(zip(NETWORKS, draw(st.sampled_from(_SUBNETS)), strict=True))
    names = draw(st.lists(st.sampled_from(SERVICES), unique=True, max_size=3))
    contents = {key: draw(st.sampled_from((b"x", b"y"))) for key in FILES}
    services = {name: draw(_service(name, [n for n in names if n < name], broken)) for name in names}
    _share_out(draw, services, subnets)
    return Wanted(
        {
            "name": PROJECT_NAME,
            "services": services,
            "networks": {
                key: {"name": f"{PROJECT_NAME}_{key}", "ipam": {"config": [{"subnet": subnet}]}}
                for key, subnet in subnets.items()
            },
            "volumes": {key: {"name": f"{PROJECT_NAME}_{key}"} for key in VOLUMES},
            "configs": {key: {"name": f"{PROJECT_NAME}_{key}", "content": c.decode()} for key, c in contents.items()},
        },
        contents,
    )


def _share_out(draw: st.DrawFn, services: dict[str, dict[str, Any]], subnets: Mapping[str, str]) -> None:
    """Give services what only one can have: host ports, a name, fixed addresses, each to one that is single."""
    single = [body for body in services.values() if body.get("deploy", {}).get("replicas", 1) == 1]
    attached = [body for body in single if "networks" in body]
    for port in ("127.0.0.1:8001", "8002") if attached else ():
        host, _, published = port.rpartition(":")
        owner = draw(st.sampled_from([None, *attached]))
        if owner is not None:
            entry = {"target": 80, "published": published, "protocol": "tcp"} | ({"host_ip": host} if host else {})
            owner.setdefault("ports", []).append(entry)
    named = draw(st.sampled_from([None, *single]))
    if named is not None:
        named["container_name"] = f"{PROJECT_NAME}-named"
    for key, subnet in subnets.items():
        owner = draw(st.sampled_from([None, *(body for body in attached if key in body["networks"])]))
        if owner is not None:
            owner["networks"][key] = {"ipv4_address": subnet.replace("0/24", "9").replace("0/16", "9")}


@st.composite
def _service(draw: st.DrawFn, name: str, earlier: list[str], broken: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "image": draw(st.sampled_from(("app:1", "app:2"))),
        "command": ["run"],
        "environment": draw(st.dictionaries(st.sampled_from(("A", "B")), st.sampled_from(("1", "2")))),
        "labels": draw(st.dictionaries(st.sampled_from(("x",)), st.sampled_from(("1", "2")))),
    }
    if broken:
        body["update"] = draw(st.fixed_dictionaries({}, optional=_POLICY))
        body["deploy"] = {"replicas": draw(st.integers(1, 3))}
        body["healthcheck"] = {"test": ["CMD", draw(st.sampled_from(("true", "false")))]}
    host = draw(st.sampled_from([None, *earlier]))
    if host is not None and draw(st.booleans()):
        body["network_mode"] = f"service:{host}"
        body["depends_on"] = {host: {"condition": "service_started", "restart": True, "required": True}}
        return body
    body["networks"] = {key: None for key in draw(st.lists(st.sampled_from(NETWORKS), unique=True, min_size=1))}
    if draw(st.booleans()):
        source = draw(st.sampled_from(VOLUMES))
        body["volumes"] = [
            {"type": "volume", "source": source, "target": "/data"},
            {"type": "volume", "target": "/tmp/x"},
        ]
    if draw(st.booleans()):
        body["configs"] = [{"source": draw(st.sampled_from(FILES)), "target": "/etc/app"}]
    if draw(st.booleans()):
        body["mem_limit"] = draw(st.sampled_from(("67108864", "134217728")))
    if draw(st.booleans()):
        codes = draw(st.lists(st.sampled_from("01" if broken else "0"), min_size=1, max_size=2))
        body["pre_start"] = [{"command": ["exit", code], "per_replica": draw(st.booleans())} for code in codes]
    if not broken and draw(st.booleans()):
        body["healthcheck"] = {"test": ["CMD", "true"]}
    if not broken and draw(st.booleans()):
        body["update"] = {"order": "start-first"}
    if not broken and draw(st.booleans()):
        body["deploy"] = {"replicas": draw(st.integers(1, 3))}
    if host is not None:
        body["depends_on"] = {host: {"condition": "service_started", "restart": draw(st.booleans()), "required": True}}
    return body


class Patient:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        self._now += 0.01
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


class Stopped(ProvisionError):
    """The run ended here, as if it had been killed."""


def engine() -> MemoryEngine:
    """An engine with images, and with other people's look-alikes on it."""
    found = MemoryEngine()
    for reference in ("app:1", "app:2"):
        found.add_image(reference, {"Env": ["PATH=/bin", f"V={reference}"], "Cmd": ["run"], "Volumes": {"/image": {}}})
    copied = ownership_labels(PROJECT_NAME, Address("service", "web", 1), f"{PROJECT_NAME}-web-1")
    other = ownership_labels("other", Address("service", "web", 1), "other-web-1")
    found.create("network", f"{PROJECT_NAME}_back_", {"Labels": {PROJECT: PROJECT_NAME}})
    found.create("volume", f"{PROJECT_NAME}_data_", {"Labels": copied})
    found.create("volume", f"{PROJECT_NAME}_dat", {})
    for name, labels in (
        (f"{PROJECT_NAME}-web-1.copy", copied),
        (f"{PROJECT_NAME}-web-10", {}),
        ("other-web-1", other),
    ):
        found.start(found.create("container", name, {"Image": "app:1", "Labels": labels}))
    found.calls.clear()
    return found


def strangers(of: MemoryEngine) -> dict[str, Any]:
    """The look-alikes as they are now."""
    names = {f"/{PROJECT_NAME}-web-1.copy", f"/{PROJECT_NAME}-web-10", "/other-web-1"}
    names |= {f"{PROJECT_NAME}_back_", f"{PROJECT_NAME}_data_", f"{PROJECT_NAME}_dat"}
    state = of.state()
    return {raw["Name"]: raw for kind in state.values() for raw in kind.values() if raw["Name"] in names}


def look(at: MemoryEngine, desired: DesiredState) -> ObservedState:
    return observe(at, desired)


def planned(
    at: MemoryEngine,
    desired: DesiredState,
    policy: Policy | None = None,
    order: Mapping[Address, Resource] | None = None,
) -> Plan:
    observed = look(at, desired)
    return plan(PROJECT_NAME, diff(desired, observed), desired, observed, policy or Policy(), order)


def carry_out(
    plan_: Plan, at: MemoryEngine, contents: Mapping[str, bytes], *, steps: int | None = None, lost: bool = False
) -> Report:
    """Run a plan, all of it or only so many steps; `lost`: the step after them is made, and its answer is lost."""
    files = {Address("config", key): content for key, content in contents.items()}
    calls = Calls(plan_, at, files, Patient())
    done = 0
    clock = Patient()

    def call(step: Step, made: Mapping[int, str], progress: Callable[[str], None], stopped: Callable[[], bool]) -> str:
        nonlocal done
        if steps is not None and done >= steps:
            if lost and done == steps:
                done += 1
                calls(step, made, progress, stopped)
            raise Stopped("killed")
        done += 1
        return calls(step, made, progress, stopped)

    return execute(plan_, call, parallel=1, clock=clock, listener=lambda event: None, interrupted=threading.Event())


def in_any_order(plan_: Plan, chance: random.Random) -> Plan:
    """The same plan with other ids: of the steps that are ready, the one with the lowest is made first."""
    ids = [step.id for step in plan_.steps]
    new = dict(zip(ids, chance.sample(ids, len(ids)), strict=True))

    def renumbered(step: Step) -> Step:
        operation = step.operation
        if isinstance(operation, CreatePreStart) and operation.mounts_of:
            operation = replace(operation, mounts_of=new[operation.mounts_of])
        return replace(
            step, id=new[step.id], made_by=new[step.made_by] if step.made_by else None,
            needs=tuple(new[one] for one in step.needs), after=tuple(new[one] for one in step.after),
            operation=operation,
        )  # fmt: skip

    return replace(plan_, steps=tuple(renumbered(step) for step in plan_.steps))


def converge(at: MemoryEngine, what: Wanted) -> Report:
    """Apply all of it."""
    return carry_out(planned(at, what.lower(), Policy(prune=True)), at, what.contents)


def apply(at: MemoryEngine, what: Wanted, *, steps: int | None = None) -> tuple[Plan, Report, Report | None]:
    """Apply all of it, and take back what failed; or stop after so many steps. The plan and both reports."""
    made = planned(at, what.lower(), Policy(prune=True))
    report = carry_out(made, at, what.contents, steps=steps)
    if not report.failures or (steps is not None and steps < len(made.steps) and _killed(report)):
        return made, report, None
    back = rollback_plan(made, report.results, look(at, made.desired))
    taken = sum(1 for result in report.results if result.outcome is not Outcome.SKIPPED)
    return made, report, carry_out(back, at, {}, steps=None if steps is None else max(steps - taken, 0))


def _killed(report: Report) -> bool:
    return any(isinstance(result.error, Stopped) for result in report.failures)


def bound_to(service: str, made: Plan) -> set[str]:
    """The services that share something with one, now or as declared, straight or through others, and itself."""
    groups: list[set[str]] = []
    for state in (made.observed.resources, made.desired.resources):
        for address, one in state.items():
            if one.kind == "container":
                groups.append({address.name, *lives_in(one)})
    holders: dict[str, set[str]] = {}
    for state in (made.observed.resources, made.desired.resources):
        for address, one in state.items():
            if one.kind == "container":
                for mark in _marks(one):
                    holders.setdefault(mark, set()).add(address.name)
    found, groups = {service}, [*groups, *holders.values()]
    while more := {name for group in groups if group & found for name in group} - found:
        found |= more
    return found


def _marks(one: Resource | Observed) -> set[str]:
    """What only one can have, or writes to: a name, ports, addresses, volumes."""
    ports = {binding for bindings in one.spec["ports"].values() for binding in bindings}
    addresses = {str(entry.get("ipv4_address")) for entry in one.spec["networks"].values() if entry.get("ipv4_address")}
    volumes = {f"volume {entry['source']}" for entry in one.spec["volumes"].values() if entry.get("source")}
    return {one.name, *ports, *addresses, *volumes}
