"""What a performance-management event is, and why one is refused. It must not know of HTTP or of a database."""

from __future__ import annotations

import json
import math
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIELDS = {"event_id", "element", "cell", "measured_at", "counters"}
_COUNTERS = {"setup_attempts", "setup_successes", "dropped_calls", "traffic_mb", "latency_ms"}
# Clocks of network elements drift; a measurement from further ahead is a broken clock.
_CLOCK_TOLERANCE = timedelta(minutes=5)
_LARGEST_COUNT = 2**31 - 1


class NotJsonError(ValueError):
    """The text is not a JSON document."""


class InvalidEventError(ValueError):
    """The document is not an event; `reasons` holds one line for every problem that was found."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Event:
    """The counters of one cell of one network element; `traffic_mb` in megabytes, `latency_ms` in milliseconds."""

    event_id: uuid.UUID
    element: str
    cell: str
    measured_at: datetime
    setup_attempts: int
    setup_successes: int
    dropped_calls: int
    traffic_mb: float
    latency_ms: float


def parse(text: bytes, now: datetime) -> Event:
    """Read an event; raise NotJsonError, or InvalidEventError with all that is wrong at once.

    A sender that repeats an event after a lost answer names it with the same `event_id`; without one the event gets a
    new one.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from error
    if not isinstance(document, dict):
        raise InvalidEventError(["expected a JSON object"])
    reasons: list[str] = [f"unknown field {name!r}" for name in sorted(document.keys() - _FIELDS)]
    counters = document.get("counters")
    if not isinstance(counters, dict):
        reasons.append("counters: expected an object")
        counters = dict.fromkeys(_COUNTERS, 0)
    reasons += [f"counters: unknown counter {name!r}" for name in sorted(counters.keys() - _COUNTERS)]
    event = Event(
        event_id=_identifier(document, reasons),
        element=_name(document, "element", reasons),
        cell=_name(document, "cell", reasons),
        measured_at=_moment(document, now, reasons),
        setup_attempts=_count(counters, "setup_attempts", reasons),
        setup_successes=_count(counters, "setup_successes", reasons),
        dropped_calls=_count(counters, "dropped_calls", reasons),
        traffic_mb=_quantity(counters, "traffic_mb", reasons),
        latency_ms=_quantity(counters, "latency_ms", reasons),
    )
    if event.setup_successes > event.setup_attempts:
        reasons.append("counters: setup_successes is above setup_attempts")
    if event.dropped_calls > event.setup_successes:
        reasons.append("counters: dropped_calls is above setup_successes")
    if reasons:
        raise InvalidEventError(reasons)
    return event


def _identifier(document: dict[str, object], reasons: list[str]) -> uuid.UUID:
    value = document.get("event_id")
    if value is None:
        return uuid.uuid4()
    try:
        return uuid.UUID(str(value))
    except ValueError:
        reasons.append("event_id: expected a UUID")
        return uuid.UUID(int=0)


def _name(document: dict[str, object], field: str, reasons: list[str]) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        reasons.append(f"{field}: expected 1 to 64 letters, digits, '.', '_' or '-'")
        return ""
    return value


def _moment(document: dict[str, object], now: datetime, reasons: list[str]) -> datetime:
    value = document.get("measured_at")
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        reasons.append("measured_at: expected an ISO 8601 time with its offset, such as 2024-05-01T12:00:00Z")
        return now
    if moment > now + _CLOCK_TOLERANCE:
        reasons.append(f"measured_at: {moment.isoformat()} lies in the future")
        return now
    return moment.astimezone(UTC)


def _count(counters: dict[str, object], field: str, reasons: list[str]) -> int:
    value = counters.get(field)
    # bool is an int to Python, not to the sender.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_COUNT:
        reasons.append(f"counters.{field}: expected a whole number from 0 to {_LARGEST_COUNT}")
        return 0
    return value


def _quantity(counters: dict[str, object], field: str, reasons: list[str]) -> float:
    value = counters.get(field)
    valid = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not valid or not math.isfinite(value) or value < 0:  # type: ignore[arg-type,operator]
        reasons.append(f"counters.{field}: expected a number from 0 up")
        return 0.0
    return float(value)  # type: ignore[arg-type]
