"""Environments as hypothesis draws them, an engine to put them on, and what an apply does there."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from provisioner.document.sources import Document
from provisioner.engines.memory import MemoryEngine
from provisioner.errors import ProvisionError
from provisioner.kinds.ownership import PROJECT, ownership_labels
from provisioner.model.address import Address
from provisioner.model.node import from_plain
from provisioner.model.plan import Policy
from provisioner.model.span import Span
from provisioner.platforms.containers import lower
from provisioner.platforms.lowering import Inputs
from provisioner.playbook.bind import bind
from provisioner.reconcile.diff import diff
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.execute import execute
from provisioner.reconcile.observe import observe
from provisioner.reconcile.planning import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.model.plan import Plan, Step
    from provisioner.model.report import Report
    from provisioner.model.state import DesiredState, ObservedState

PROJECT_NAME = "laws"
NETWORKS = ("back", "front")
VOLUMES = ("data", "logs")
SERVICES = ("api", "db", "web")
FILES = ("one", "two")


@dataclass(frozen=True)
class Wanted:
    """A document with the contents of its configs."""

    document: Mapping[str, Any]
    contents: Mapping[str, bytes] = field(default_factory=dict)

    def lower(self) -> DesiredState:
        root = from_plain(dict(self.document), Span("laws.yaml", 1, 1))
        versions = {f"configs/{key}": content.hex() or "0" for key, content in self.contents.items()}
        document = Document(root, PROJECT_NAME, PROJECT_NAME, None, "/", ())
        return lower(bind(document), Inputs(versions=versions))


@st.composite
def wanted(draw: st.DrawFn) -> Wanted:
    """A small environment: services with everything that makes plans differ, and what they use."""
    subnets = {key: draw(st.sampled_from(("10.1.0.0/24", "10.2.0.0/24"))) for key in NETWORKS}
    names = draw(st.lists(st.sampled_from(SERVICES), unique=True, max_size=3))
    contents = {key: draw(st.sampled_from((b"x", b"y"))) for key in FILES}
    services = {name: draw(_service(name, [n for n in names if n < name])) for name in names}
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


@st.composite
def _service(draw: st.DrawFn, name: str, earlier: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "image": draw(st.sampled_from(("app:1", "app:2"))),
        "command": ["run"],
        "environment": draw(st.dictionaries(st.sampled_from(("A", "B")), st.sampled_from(("1", "2")))),
        "labels": draw(st.dictionaries(st.sampled_from(("x",)), st.sampled_from(("1", "2")))),
    }
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
        body["healthcheck"] = {"test": ["CMD", "true"]}
    if draw(st.booleans()):
        body["update"] = {"order": "start-first"}
    if draw(st.booleans()):
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


def planned(at: MemoryEngine, desired: DesiredState, policy: Policy | None = None) -> Plan:
    observed = look(at, desired)
    return plan(PROJECT_NAME, diff(desired, observed), desired, observed, policy or Policy())


def carry_out(
    plan_: Plan, at: MemoryEngine, contents: Mapping[str, bytes], *, steps: int | None = None, lost: bool = False
) -> Report:
    """Run a plan, all of it or only so many steps; `lost`: the step after them is made, and its answer is lost."""
    files = {f"configs/{key}": content for key, content in contents.items()}
    calls = Calls(plan_, at, files, Patient())
    done = 0

    def call(step: Step, made: Mapping[int, str], progress: Callable[[str], None], stopped: Callable[[], bool]) -> str:
        nonlocal done
        if steps is not None and done >= steps:
            if lost and done == steps:
                done += 1
                calls(step, made, progress, stopped)
            raise Stopped("killed")
        done += 1
        return calls(step, made, progress, stopped)

    return execute(plan_, call, parallel=1, clock=Patient(), listener=lambda event: None, interrupted=threading.Event())


def converge(at: MemoryEngine, what: Wanted) -> Report:
    """Apply all of it."""
    return carry_out(planned(at, what.lower(), Policy(prune=True)), at, what.contents)
