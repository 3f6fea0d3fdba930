"""What reading, binding and planning cost, in calls of functions: no machine makes them more or fewer.

What stands in the way of a larger environment is growth, so that is held too: four times the services, little more
than four times the calls.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.wiring import SystemClock
from provisioner.reconcile.execute import NeverSet, execute
from provisioner.reconcile.namespaces import containers_lived_in
from provisioner.render.object_progress import Board
from tests.unit.app.in_memory import InMemory, in_memory, service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Calls for each service, at 200; with a little room, as versions of Python count differently.
PLANNED_COLD, PLANNED_AGAIN = 3_950, 5_300


def calls(work: Callable[[], Any]) -> int:
    """How many functions a piece of work calls in this thread, those written in C too."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def apart(count: int) -> dict[str, Any]:
    """Services that do not need each other; each fifth has a volume."""
    return {
        "name": "shop",
        "services": {f"s{i:04}": service(volumes=[] if i % 5 else [f"v{i}:/data"]) for i in range(count)},
        "volumes": {f"v{i}": {} for i in range(0, count, 5)},
    }


def bare(count: int) -> dict[str, Any]:
    """Services of which nothing is said but what they run."""
    return {"name": "shop", "services": {f"s{i:04}": {"image": "app:1"} for i in range(count)}}


def chain(count: int, word: str = "") -> dict[str, Any]:
    """Services of which each needs the next one, and is restarted with it; `word` changes the one that all need."""
    needs = {"condition": "service_started", "restart": True}
    services = {f"s{i:04}": service(depends_on={f"s{i + 1:04}": needs}) for i in range(count - 1)}
    return {"name": "shop", "services": {**services, f"s{count - 1:04}": service(environment={"WORD": word})}}


def planned(shop: InMemory) -> int:
    """The calls of a plan; the first one imports what it needs."""
    shop.plan()
    return calls(shop.plan)


def cold(shop: InMemory, declared: Callable[[int], dict[str, Any]], count: int) -> int:
    shop.write(declared(count))
    return planned(shop)


def changed(shop: InMemory, count: int) -> int:
    """A plan in which all services follow from the change of one."""
    shop.write(chain(count, "before"))
    shop.apply()
    shop.write(chain(count, "after"))
    assert len(shop.plan().changes) == count
    found = planned(shop)
    shop.destroy()
    return found


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    return in_memory(tmp_path, monkeypatch)


def test_a_plan_costs_no_more_calls(shop: InMemory) -> None:
    assert cold(shop, apart, 200) <= 200 * PLANNED_COLD
    shop.apply()
    assert planned(shop) <= 200 * PLANNED_AGAIN


@pytest.mark.parametrize("declared", [apart, bare, chain])
def test_a_plan_grows_with_its_services(shop: InMemory, declared: Callable[[int], dict[str, Any]]) -> None:
    assert cold(shop, declared, 200) <= 4.2 * cold(shop, declared, 50)


def test_what_follows_from_one_change_grows_with_the_chain(shop: InMemory) -> None:
    assert changed(shop, 120) <= 4.2 * changed(shop, 30)


def carried_out(shop: InMemory, count: int) -> int:
    """The calls of carrying out a plan and telling of it, without those of the steps."""
    shop.write(apart(count))
    plan, board = shop.plan(), Board(lambda: 0.0)
    return calls(
        lambda: execute(
            plan, lambda step, made, progress, stopped: "", parallel=8, clock=SystemClock(), listener=board.take,
            interrupted=NeverSet(),
        )
    )  # fmt: skip


def test_carrying_out_grows_with_its_steps(shop: InMemory) -> None:
    carried_out(shop, 1)
    assert carried_out(shop, 200) <= 4.4 * carried_out(shop, 50)


def lived_in(shop: InMemory, count: int) -> int:
    """The calls with which it is found who lives in whom."""
    shop.write(apart(count))
    shop.apply()
    observed = shop.plan().observed
    shop.destroy()
    return calls(lambda: containers_lived_in(observed))


def test_who_lives_in_whom_grows_with_the_containers(shop: InMemory) -> None:
    assert lived_in(shop, 200) <= 4.2 * lived_in(shop, 50)
