"""Plain TCP to another machine is said, and no secret goes that way unless it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.app.plan import _exposed
from provisioner.model.address import Address
from provisioner.model.operation import Build, Create, CreateContainer, Fill, Start
from provisioner.model.plan import Plan, Policy, Step
from provisioner.model.state import DesiredState, Facts, ImageWork, ObservedState, Resource

if TYPE_CHECKING:
    from provisioner.model.operation import Operation

WEB = Address("service", "web", 1)
IMAGE = Address("image", "web")


def planned(operation: Operation, address: Address, *, exposed_at: str = "tcp://prod:2375") -> Plan:
    web = {"secrets": {"tls": {"source": "key"}}, "environment": {"A": "1", "TOKEN": {"secret": "api"}}}
    recipe = {"secrets": [{"source": "token"}]}
    resources = {
        WEB: Resource(address=WEB, kind="container", name="web", spec=web),
        IMAGE: Resource(address=IMAGE, kind="image", name="web:1", spec={}, image=ImageWork(recipe)),
    }
    step = Step(1, operation, address, "declared")
    return Plan("shop", DesiredState("shop", resources), ObservedState(Facts(exposed_at=exposed_at), {}), (), (step,))


@pytest.mark.parametrize(
    ("plan", "secret"),
    [
        (planned(Fill("secrets"), WEB.whole), "secret.key"),
        (planned(Create("secret"), Address("secret", "db")), "secret.db"),
        (planned(CreateContainer("web"), WEB), "secret.api"),
        (planned(Build(), IMAGE), "secret.token"),
        (planned(Fill("configs"), WEB.whole), None),
        (planned(Start(), WEB), None),
    ],
)
def test_values_of_secrets_are_refused(plan: Plan, secret: str | None) -> None:
    found = _exposed(plan, Policy())
    assert found.notes[0].message.startswith("the engine at tcp://prod:2375 is reached over plain TCP")
    assert [one.path for one in found.refusals] == ([secret] if secret else [])
    assert (found.steps == ()) is (secret is not None)
    asked = _exposed(plan, Policy(insecure_transport=True))
    assert (asked.refusals, len(asked.notes), asked.steps) == ((), 1, plan.steps)


def test_an_engine_that_is_reached_safely_is_no_matter() -> None:
    plan = planned(Fill("secrets"), WEB.whole, exposed_at="")
    assert _exposed(plan, Policy()) is plan
