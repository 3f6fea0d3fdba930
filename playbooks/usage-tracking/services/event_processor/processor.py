"""From the queue into the database. An event that is delivered twice is stored once."""

from __future__ import annotations

import json
import logging
import math
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
import redis
from common import stores
from prometheus_client import Counter

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

GROUP = "processors"
_BATCH = 500
# What a processor took and did not store in this time is another's to store: it has died.
_ABANDONED_MS = 15_000
_INSERT = """
    INSERT INTO usage_events (event_id, customer, metric, quantity, occurred_at, properties)
    VALUES (%(event_id)s, %(customer)s, %(metric)s, %(quantity)s, %(occurred_at)s, %(properties)s)
    ON CONFLICT DO NOTHING
"""
# The update locks a row that is there already: the aggregation does not take it before these events are visible.
_MARK = """
    INSERT INTO aggregation_queue (bucket, customer, metric)
    VALUES (date_trunc('minute', %(occurred_at)s, 'UTC'), %(customer)s, %(metric)s)
    ON CONFLICT (bucket, customer, metric) DO UPDATE SET marked_at = now()
"""

_log = logging.getLogger("event_processor")
_processed = Counter("usage_events_processed_total", "Events that were taken from the queue.", ["outcome"])
for outcome in ("stored", "repeated", "rejected"):
    _processed.labels(outcome)

_Entry = tuple[str, dict[str, str]]


class Processor:
    """`name` tells this one apart from the others that take from the same queue."""

    def __init__(self, queue: redis.Redis, database: ConnectionPool, name: str) -> None:
        self._queue = queue
        self._database = database
        self._name = name

    def work(self) -> int:
        """Store what waits; wait a second for more when nothing does. The number of entries that were taken."""
        entries = self._take()
        if entries:
            self._store(entries)
        return len(entries)

    def leave(self) -> None:
        """Give up the name, unless something is still taken under it."""
        try:
            pending = self._queue.xpending_range(stores.QUEUE, GROUP, "-", "+", 1, self._name)
            if not pending:
                self._queue.xgroup_delconsumer(stores.QUEUE, GROUP, self._name)
        except redis.RedisError as error:
            _log.warning("could not leave the group", extra={"fields": {"error": str(error)}})

    def _take(self) -> list[_Entry]:
        try:
            _, abandoned, *_ = self._queue.xautoclaim(
                stores.QUEUE, GROUP, self._name, min_idle_time=_ABANDONED_MS, count=_BATCH
            )
            if abandoned:
                return [(entry, fields) for entry, fields in abandoned if fields]
            answer: Any = self._queue.xreadgroup(GROUP, self._name, {stores.QUEUE: ">"}, count=_BATCH, block=1000)
        except redis.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._form_group()
            return []
        streams = answer.items() if isinstance(answer, dict) else answer or []
        return [tuple(entry) for _, found in streams for entry in _flat(found)]

    def _form_group(self) -> None:
        try:
            self._queue.xgroup_create(stores.QUEUE, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def _store(self, entries: list[_Entry]) -> None:
        good: list[tuple[str, dict[str, Any]]] = []
        for entry, fields in entries:
            try:
                good.append((entry, read(fields)))
            except (KeyError, ValueError) as error:
                self._reject(entry, fields, error)
        try:
            stored = self._insert([event for _, event in good])
        except (psycopg.DataError, psycopg.IntegrityError):
            # One of them is at fault, and must not hold up the others.
            stored = sum(self._store_one(entry, event) for entry, event in good)
        _processed.labels("stored").inc(stored)
        _processed.labels("repeated").inc(len(good) - stored)
        self._done([entry for entry, _ in good])
        _log.info("stored", extra={"fields": {"events": stored, "repeated": len(good) - stored}})

    def _store_one(self, entry: str, event: dict[str, Any]) -> int:
        try:
            return self._insert([event])
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            self._reject(entry, {key: str(value) for key, value in event.items()}, error)
            return 0

    def _insert(self, events: list[dict[str, Any]]) -> int:
        """Events and marks in one transaction; marks in order, so that two processors do not wait for each other."""
        if not events:
            return 0
        marks = {(event["occurred_at"].replace(second=0, microsecond=0), event["customer"], event["metric"]): event
                 for event in events}  # fmt: skip
        with self._database.connection() as connection, connection.cursor() as cursor:
            cursor.executemany(_INSERT, events)
            stored = max(cursor.rowcount, 0)
            cursor.executemany(_MARK, [marks[key] for key in sorted(marks)])
        return stored

    def _reject(self, entry: str, fields: dict[str, str], error: Exception) -> None:
        _processed.labels("rejected").inc()
        _log.error("an event can not be stored", extra={"fields": {"entry": entry, "error": str(error)}})
        self._queue.xadd(stores.REJECTED, {**fields, "reason": str(error)[:500]}, maxlen=10_000, approximate=True)
        self._done([entry])

    def _done(self, entries: list[str]) -> None:
        if entries:
            with self._queue.pipeline(transaction=True) as together:
                together.xack(stores.QUEUE, GROUP, *entries)
                together.xdel(stores.QUEUE, *entries)
                together.execute()


def read(fields: dict[str, str]) -> dict[str, Any]:
    """An entry's event; KeyError or ValueError when it is not one."""
    quantity = float(fields["quantity"])
    moment = datetime.fromisoformat(fields["occurred_at"])
    properties = json.loads(fields.get("properties") or "{}")
    if not math.isfinite(quantity) or quantity < 0:
        raise ValueError(f"quantity: expected a number from zero on, found {quantity}")
    if moment.tzinfo is None:
        raise ValueError("occurred_at: expected a time with its offset")
    if not isinstance(properties, dict):
        raise ValueError("properties: expected an object")
    return {
        "event_id": uuid.UUID(fields["event_id"]),
        "customer": fields["customer"],
        "metric": fields["metric"],
        "quantity": quantity,
        "occurred_at": moment,
        "properties": json.dumps(properties),
    }


def _flat(found: Any) -> list[Any]:
    """Entries as pairs; a client of RESP3 nests them once more."""
    return found[0] if len(found) == 1 and isinstance(found[0], list) else found
