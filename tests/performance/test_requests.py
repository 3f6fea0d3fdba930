"""How many requests each step in the life of twenty services costs. A machine's speed does not change that.

While something is waited for an engine is asked again and again: there only what changes something is counted exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Environment, service

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.engine

SERVICES = 20
VOLUMES = 4


def declared(word: str = "") -> dict[str, Any]:
    services = {
        f"s{i:02}": service(volumes=[] if i % 5 else [f"v{i}:/data"], environment={"WORD": word if i == 1 else ""})
        for i in range(SERVICES)
    }
    return {"services": services, "volumes": {f"v{i}": {} for i in range(0, SERVICES, 5)}}


def counted(environment: Environment, step: Callable[[], object]) -> tuple[int, int]:
    """The requests of a step, and those among them that change something; the lease beats as long as it takes."""
    assert environment.proxy is not None
    environment.proxy.clear()
    step()
    changing = [one for one in environment.proxy.mutating if one.method != "PUT"]
    return len(environment.proxy.requests), len(changing)


def looks_at_the_ledger(environment: Environment) -> int:
    """How often the ledger was read in the step that was counted last: that takes longer than all else of a look."""
    assert environment.proxy is not None
    return sum(one.method == "GET" and one.query.get("path") == ["/revisions"] for one in environment.proxy.requests)


def test_a_life_costs_no_more_requests(environment: Environment) -> None:
    environment.write(declared())
    # Lists, one network, one image, an unfinished restore, and what would stand in the way of each object.
    assert counted(environment, environment.plan) == (SERVICES + VOLUMES + 10, 0)
    asked, changing = counted(environment, environment.apply)
    # Made and started; the network, the ledger, the lease and its end.
    assert changing == 2 * SERVICES + VOLUMES + 4
    assert asked - changing <= 12 * SERVICES
    # Each container once, and what is the same for any number of them.
    assert counted(environment, environment.apply) == (SERVICES + 13, 0)
    assert counted(environment, environment.plan) == (SERVICES + 11, 0)
    assert looks_at_the_ledger(environment) == 1

    environment.write(declared("other"))
    asked, changing = counted(environment, environment.apply)
    # Made, stopped, set aside, named, started, removed; the lease and its end.
    assert changing == 8
    assert asked - changing <= 7 * SERVICES
    # Before the question, and under the lease; nobody writes to it until the last look.
    assert looks_at_the_ledger(environment) == 2

    asked, changing = counted(environment, environment.destroy)
    # Stopped and removed; the network, the lease and its end.
    assert changing == 2 * SERVICES + 3
    assert asked - changing <= 5 * SERVICES
