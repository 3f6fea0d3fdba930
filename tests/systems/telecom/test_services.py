"""The rules inside the two services, without an engine: what an event is, and how pmgen waits for ingest."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.systems.modules import load_module
from tests.systems.telecom.environment import PLAYBOOKS

NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


events = load_module(PLAYBOOKS / "services" / "ingest" / "ingest" / "events.py")
delivery = load_module(PLAYBOOKS / "services" / "pmgen" / "pmgen" / "delivery.py")
network = load_module(PLAYBOOKS / "services" / "pmgen" / "pmgen" / "network.py")


def _document(**changes: Any) -> dict[str, Any]:
    counters = {"setup_attempts": 10, "setup_successes": 9, "dropped_calls": 1, "traffic_mb": 2.5, "latency_ms": 20}
    return {
        "element": "gnb-001",
        "cell": "gnb-001-1",
        "measured_at": "2024-05-01T12:00:00Z",
        "counters": counters,
        **changes,
    }


def _reasons(document: Any) -> list[str]:
    with pytest.raises(events.InvalidEventError) as caught:
        events.parse(json.dumps(document).encode(), NOW)
    return list(caught.value.reasons)


def test_an_event_is_read_with_its_counters() -> None:
    event = events.parse(json.dumps(_document()).encode(), NOW)
    assert (event.element, event.cell, event.measured_at) == ("gnb-001", "gnb-001-1", NOW)
    assert (event.setup_attempts, event.setup_successes, event.dropped_calls) == (10, 9, 1)
    assert (event.traffic_mb, event.latency_ms) == (2.5, 20.0)


def test_an_event_without_an_id_gets_one() -> None:
    first, second = (events.parse(json.dumps(_document()).encode(), NOW) for _ in range(2))
    assert first.event_id != second.event_id


def test_a_local_time_is_kept_as_the_same_moment() -> None:
    event = events.parse(json.dumps(_document(measured_at="2024-05-01T13:00:00+02:00")).encode(), NOW)
    assert event.measured_at == NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"element": ""}, "element: expected 1 to 64 letters"),
        ({"cell": "a b"}, "cell: expected 1 to 64 letters"),
        ({"cell": 7}, "cell: expected 1 to 64 letters"),
        ({"event_id": "7"}, "event_id: expected a UUID"),
        ({"measured_at": "yesterday"}, "measured_at: expected an ISO 8601 time"),
        ({"measured_at": "2024-05-01T12:00:00"}, "measured_at: expected an ISO 8601 time with its offset"),
        ({"measured_at": "2024-05-01T12:06:00Z"}, "lies in the future"),
        ({"measured_at": 1714564800}, "measured_at: expected an ISO 8601 time"),
        ({"counters": None}, "counters: expected an object"),
        ({"vendor": "x"}, "unknown field 'vendor'"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], reason: str) -> None:
    (found,) = _reasons(_document(**changes))
    assert reason in found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"setup_attempts": -1, "setup_successes": 0, "dropped_calls": 0}, "setup_attempts: expected a whole number"),
        ({"dropped_calls": True}, "dropped_calls: expected a whole number"),
        ({"dropped_calls": 0.5}, "dropped_calls: expected a whole number"),
        ({"dropped_calls": 2**31}, "dropped_calls: expected a whole number"),
        ({"dropped_calls": None}, "dropped_calls: expected a whole number"),
        ({"traffic_mb": "1"}, "traffic_mb: expected a number"),
        ({"traffic_mb": float("nan")}, "traffic_mb: expected a number"),
        ({"latency_ms": float("inf")}, "latency_ms: expected a number"),
        ({"setup_successes": 11}, "setup_successes is above setup_attempts"),
        ({"dropped_calls": 10}, "dropped_calls is above setup_successes"),
        ({"handovers": 1}, "unknown counter 'handovers'"),
    ],
)
def test_a_wrong_counter_is_named(changes: dict[str, Any], reason: str) -> None:
    (found,) = _reasons(_document(counters={**_document()["counters"], **changes}))
    assert reason in found


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(_reasons({"element": "", "measured_at": "", "counters": {}})) == 3 + 5


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused_as_such(text: bytes) -> None:
    with pytest.raises(events.NotJsonError):
        events.parse(text, NOW)


def test_what_pmgen_measures_is_what_ingest_takes() -> None:
    cells = network.Network.build(elements=5, cells_per_element=4, seed=1)
    for hour in range(24):
        for measured in cells.measure(NOW - timedelta(hours=hour)):
            events.parse(json.dumps(measured).encode(), NOW)


def test_pmgen_waits_longer_with_every_failure_up_to_a_limit() -> None:
    with socket.socket() as taken:  # bound and not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        outbox = delivery.Delivery(f"http://127.0.0.1:{taken.getsockname()[1]}/", 1.0, 4.0, 10)
        outbox.add([{"event": 1}])
        waits = []
        for _ in range(7):
            assert not outbox.flush_one()
            waits.append(outbox.backoff)
    assert waits == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]
    assert outbox.waiting == 1


def test_the_outbox_of_pmgen_is_bounded_and_drops_its_oldest() -> None:
    outbox = delivery.Delivery("http://127.0.0.1:9/", 1.0, 4.0, 3)
    outbox.add([{"event": number} for number in range(5)])
    assert outbox.waiting == 3
