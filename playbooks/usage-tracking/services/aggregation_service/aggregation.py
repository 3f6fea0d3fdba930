"""Sums by minute of what was stored. A minute is added up anew whenever an event of it arrives, however late."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

_BATCH = 500
# What another aggregation has taken, or a processor is about to mark again, is left for the next turn.
_TAKE = """
    DELETE FROM aggregation_queue AS marked
    USING (SELECT bucket, customer, metric FROM aggregation_queue
           ORDER BY marked_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS due
    WHERE (marked.bucket, marked.customer, marked.metric) = (due.bucket, due.customer, due.metric)
    RETURNING marked.bucket, marked.customer, marked.metric, extract(epoch FROM now() - marked.marked_at)
"""
# A statement of its own: it sees every event of the marks that the first one has taken.
_ADD_UP = """
    INSERT INTO usage_by_minute (bucket, customer, metric, events, quantity, updated_at)
    SELECT due.bucket, due.customer, due.metric, count(*), sum(event.quantity), now()
    FROM unnest(%(buckets)s::timestamptz[], %(customers)s::text[], %(metrics)s::text[])
      AS due (bucket, customer, metric)
    JOIN usage_events AS event ON event.customer = due.customer AND event.metric = due.metric
     AND event.occurred_at >= due.bucket AND event.occurred_at < due.bucket + interval '1 minute'
    GROUP BY due.bucket, due.customer, due.metric
    ON CONFLICT (bucket, customer, metric)
    DO UPDATE SET events = excluded.events, quantity = excluded.quantity, updated_at = excluded.updated_at
"""

_log = logging.getLogger("aggregation_service")
_added_up = Counter("usage_minutes_aggregated_total", "Minutes of a customer and a metric that were added up.")
_delay = Gauge("usage_aggregation_delay_seconds", "How long the last minute waited after its events were stored.")


class Aggregation:
    """Several can work at once: each takes other minutes."""

    def __init__(self, database: ConnectionPool) -> None:
        self._database = database

    def work(self) -> int:
        """Add up what has changed; how many minutes that were."""
        with self._database.connection() as connection:
            due = connection.execute(_TAKE, {"limit": _BATCH}).fetchall()
            if due:
                buckets, customers, metrics, waited = (list(column) for column in zip(*due, strict=True))
                connection.execute(_ADD_UP, {"buckets": buckets, "customers": customers, "metrics": metrics})
        if due:
            _added_up.inc(len(due))
            _delay.set(max(waited))
            _log.info("added up", extra={"fields": {"minutes": len(due)}})
        return len(due)
