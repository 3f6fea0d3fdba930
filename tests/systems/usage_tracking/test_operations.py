"""Running the system: more gateways, a new version of them under load, alerts."""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import ask, eventually
from tests.systems.usage_tracking.environment import somebody, usage_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.systems.usage_tracking.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

THREE = ("--scale", "api_gateway=3")


@pytest.fixture(scope="module")
def scaled(system: Environment) -> Iterator[Environment]:
    """Three gateways instead of two, until the end of this file."""
    system.apply(*THREE)
    yield system
    system.apply()


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
    with _under_load(scaled, customer) as load:
        scaled.apply(*THREE, variables={**scaled.variables, "QUEUE_LIMIT": "400000"})
    after = {container.id for container in scaled.replicas("api_gateway")}
    assert len(after) == 3
    assert not before & after
    assert load.failed == []
    assert load.sent > 20
    # Each was stored, and once, though a request may have gone to two gateways.
    assert eventually(lambda: scaled.total(customer) == (load.sent, load.sent), within=30)
    assert load.seen > 3


def test_somebody_is_told_when_a_service_is_away(system: Environment) -> None:
    aggregation = system.container("aggregation_service")
    aggregation.stop()
    firing = 'ALERTS{alertname="ServiceAway", alertstate="firing", job="aggregation_service"}'
    try:
        assert eventually(lambda: system.prometheus(firing) != [], within=60)
    finally:
        aggregation.start()
    assert eventually(lambda: system.prometheus(firing) == [], within=60)
    assert eventually(lambda: system.health("aggregation_service") == "healthy", within=30)


def test_images_can_be_pulled_and_states_seen(system: Environment) -> None:
    assert system.provision("pull").code == 0
    status = system.provision("ps")
    assert status.code == 0, status.everything
    assert "service.event_processor" in status.output


class _Load:
    """One event after the other, until it is told to stop."""

    def __init__(self, system: Environment, customer: str) -> None:
        self.sent = 0
        self.failed: list[str] = []
        self._seen: set[str] = set()
        self._stop = threading.Event()
        self._url = f"{system.url('ENTRY_PORT')}"
        self._customer = customer
        self.thread = threading.Thread(target=self._run)

    @property
    def seen(self) -> int:
        """How many gateways answered."""
        return len(self._seen)

    def end(self) -> None:
        self._stop.set()
        self.thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.is_set():
            # Without an id of its own: the balancer's makes the event the same when it is sent to a second gateway.
            event = usage_event(self._customer)
            del event["event_id"]
            try:
                answer = ask(f"{self._url}/v1/events", event)
                if answer.status == 202:
                    self.sent += 1
                else:
                    self.failed.append(f"{answer.status}: {answer.body[:200]!r}")
                with urllib.request.urlopen(f"{self._url}/health", timeout=15) as response:
                    self._seen.add(response.headers["X-Served-By"])
            except OSError as error:
                self.failed.append(repr(error))
            time.sleep(0.05)


@contextlib.contextmanager
def _under_load(system: Environment, customer: str) -> Iterator[_Load]:
    load = _Load(system, customer)
    load.thread.start()
    try:
        yield load
    finally:
        load.end()
