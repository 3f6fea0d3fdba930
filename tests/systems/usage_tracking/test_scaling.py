"""More gateways, and a new version of them under load."""

from __future__ import annotations

import urllib.request
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually
from tests.systems.usage_tracking.environment import somebody
from tests.systems.usage_tracking.load import under_load

if TYPE_CHECKING:
    from tests.systems.usage_tracking.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

THREE = ("--scale", "api_gateway=3")


@pytest.fixture(scope="module")
def scaled(system: Environment) -> Environment:
    """Three gateways instead of two. This file comes last: nobody needs the two any more."""
    system.apply(*THREE)
    return system


def test_three_gateways_share_the_load(scaled: Environment) -> None:
    assert len(scaled.replicas("api_gateway")) == 3
    served: Counter[str] = Counter()
    for _ in range(60):
        with urllib.request.urlopen(f"{scaled.url('ENTRY_PORT')}/health", timeout=10) as response:
            served[response.headers["X-Served-By"]] += 1
    assert set(served) == {container.id[:12] for container in scaled.replicas("api_gateway")}
    assert min(served.values()) >= 6, served


def test_a_second_apply_with_three_changes_nothing(scaled: Environment) -> None:
    plan = scaled.provision("plan", "--detailed-exitcode", *THREE)
    assert plan.code == 0, plan.everything


def test_gateways_are_updated_one_after_the_other_and_no_request_fails(scaled: Environment) -> None:
    before = {container.id for container in scaled.replicas("api_gateway")}
    customer = somebody()
    with under_load(scaled, customer) as load:
        scaled.apply(*THREE, variables={**scaled.variables, "QUEUE_LIMIT": _another_limit(scaled)})
    after = {container.id for container in scaled.replicas("api_gateway")}
    assert len(after) == 3
    assert not before & after
    assert load.failed == []
    assert load.sent > 20
    # Each was stored, and once, though a request may have gone to two gateways.
    assert eventually(lambda: scaled.total(customer) == (load.sent, load.sent), within=30)
    assert load.seen > 3


def _another_limit(system: Environment) -> str:
    """Another one than what runs has, however often this test has run."""
    variables = system.replicas("api_gateway")[0].attrs["Config"]["Env"]
    (limit,) = (each.removeprefix("QUEUE_LIMIT=") for each in variables if each.startswith("QUEUE_LIMIT="))
    return str(int(limit) - 1)
