"""Inputs that broke a law once, as small as they could be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.model.change import Action
from provisioner.model.plan import Policy
from provisioner.reconcile.diff import diff
from tests.property.environments import PROJECT_NAME, Wanted, apply, carry_out, converge, engine, look, planned

if TYPE_CHECKING:
    from provisioner.engines.memory import MemoryEngine

PORT = {"ports": [{"target": 80, "published": "8002", "protocol": "tcp"}]}
SICK = {"healthcheck": {"test": ["CMD", "false"]}}


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
    return Wanted({"name": PROJECT_NAME, "services": bodies, "networks": networks})


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
    allowed = {"update": {"max_failure_ratio": 1.0, **update}, **PORT, **SICK}
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
