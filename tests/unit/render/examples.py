"""Plans and reports for the render tests, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import StepFailed
from provisioner.model.address import Address
from provisioner.model.change import Action, Change, FieldChange, Impact
from provisioner.model.operation import Build, Create, CreateContainer, Goal, Pull, Remove, Wait
from provisioner.model.plan import Plan, Step
from provisioner.model.playbook import UpdatePolicy
from provisioner.model.report import Outcome, Report, StepResult
from provisioner.model.span import Problem, Span
from provisioner.model.state import DesiredState, Facts, ObservedState, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "playbooks/telecom/dev.yml"
FACTS = Facts(engine_id="ID1", engine_name="box", engine_version="20.10.24")
CANARY = "c4n4ry-hunter2"


def address(text: str) -> Address:
    found = Address.parse(text)
    assert found is not None
    return found


def resource(text: str, *, kind: str, line: int, job: str | None = None, order: str | None = None) -> Resource:
    return Resource(
        address=address(text),
        kind=kind,
        name=f"telecom-dev_{text}",
        spec={"ports": {}, "networks": {}, "network_mode": None},
        job=job,  # type: ignore[arg-type]
        update=UpdatePolicy(order=order) if order else None,  # type: ignore[arg-type]
        span=Span(FILE, line, 3),
    )


def plan(
    changes: Iterable[Change] = (),
    steps: Iterable[Step] = (),
    *,
    unchanged: int = 0,
    declared: Iterable[str] = (),
    notes: tuple[Problem, ...] = (),
    refusals: tuple[Problem, ...] = (),
) -> Plan:
    return Plan(
        title="telecom/dev",
        desired=DesiredState(
            "telecom-dev", {address(text): resource(text, kind="container", line=1) for text in declared}
        ),
        observed=ObservedState(FACTS, {}),
        changes=tuple(changes),
        steps=tuple(steps),
        notes=notes,
        refusals=refusals,
        unchanged=unchanged,
    )


NETWORK = Change(
    address("network.backend"), Action.CREATE, "declared, and not there yet",
    desired=resource("network.backend", kind="network", line=60),
)  # fmt: skip
MIGRATE = Change(
    address("service.migrate"), Action.CREATE, "declared, and not there yet",
    desired=resource("service.migrate", kind="container", line=40, job="on_change"),
)  # fmt: skip
API = Change(
    address("service.api[1]"),
    Action.REPLACE,
    "image and environment changed",
    (
        FieldChange("image", "registry.example/api:1.8.3", "registry.example/api:1.9.0", Impact.REPLACE,
                    span=Span(FILE, 14, 5)),
        FieldChange("environment.API_KEY", CANARY, CANARY + "2", Impact.REPLACE, sensitive=True),
        FieldChange("environment.NEW", None, "yes", Impact.REPLACE, span=Span(FILE, 16, 7)),
        FieldChange("mem_limit", 536870912, 1073741824, Impact.IN_PLACE, unit="bytes"),
        FieldChange("command", ["serve", "--port", "8000"], ["serve", "--port", "8001"], Impact.REPLACE),
    ),
    desired=resource("service.api[1]", kind="container", line=12, order="start-first"),
)  # fmt: skip
WEB = Change(
    address("service.web[1]"), Action.REPLACE, "network.backend is replaced",
    desired=resource("service.web[1]", kind="container", line=30),
)  # fmt: skip
DB = Change(
    address("service.db[1]"), Action.UPDATE, "mem_limit changed by hand",
    (FieldChange("mem_limit", 256 << 20, 512 << 20, Impact.IN_PLACE, unit="bytes", drift=True,
                 span=Span(FILE, 22, 7)),),
    drift=True, desired=resource("service.db[1]", kind="container", line=20),
)  # fmt: skip
OLD = Change(address("volume.cache"), Action.DELETE, "no longer declared")
STEPS = (
    Step(1, Build(), address("image.api"), "its sources changed"),
    Step(2, Pull(), address("image.db"), "not on the engine yet"),
    Step(3, Create("network"), address("network.backend"), "declared, and not there yet"),
    Step(4, CreateContainer("api"), address("service.api[1]"), "image changed", needs=(1, 3), object_id="0ldc0nta1ner"),
    Step(5, Wait(Goal.HEALTHY, 60), address("service.api[1]"), "healthy before the old one stops", needs=(4,)),
    Step(6, Remove("volume"), address("volume.cache"), "no longer declared", needs=(5,)),
)
FULL = plan(
    (NETWORK, API, DB, MIGRATE, WEB, OLD),
    STEPS,
    unchanged=14,
    notes=(
        Problem(
            "port 3000 is published on every address", Span(FILE, 18, 9), "services.api.ports", "say 127.0.0.1:3000"
        ),
    ),
)
NOTHING = plan(unchanged=18)
REFUSED = plan(
    (OLD,), unchanged=3, refusals=(Problem("volume.cache is protected", Span(FILE, 70, 3), "volumes.cache"),)
)


def result(step: Step, outcome: Outcome = Outcome.DONE, seconds: float = 0.5, **more: object) -> StepResult:
    return StepResult(step, outcome, seconds, **more)  # type: ignore[arg-type]


DONE = Report(FULL, tuple(result(step) for step in STEPS), 8.43)
UNHEALTHY = StepFailed(
    "its health check did not pass within 30s (last: exit 1)",
    hint="provision logs telecom/dev api",
    evidence=("listening on 8001", "GET /health 500\x1b[31m"),
)
FAILED = Report(
    FULL,
    (
        *(result(step) for step in STEPS[:4]),
        result(STEPS[4], Outcome.FAILED, 30.0, error=UNHEALTHY),
        result(STEPS[5], Outcome.SKIPPED, 0.0, because="service.api[1] failed"),
    ),
    31.2,
)
