"""POST /v1/events puts events into the queue; GET /v1/events/ID says whether one is stored."""

from __future__ import annotations

import logging
import os
import sys
import uuid  # noqa: TC003 (FastAPI reads the annotations when it runs)
from typing import TYPE_CHECKING, Annotated

from common import logs, stores, web
from common.settings import SettingsError, whole_number
from fastapi import Body, FastAPI, Header
from fastapi.responses import JSONResponse
from prometheus_client import Counter, Gauge

from api_gateway.events import UsageEvent, entry, identified

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "api_gateway"
# What one request may carry.
_MOST = 500

_log = logging.getLogger(SERVICE)
_accepted = Counter("usage_events_accepted_total", "Events that were put into the queue.")
_waiting = Gauge("usage_queue_length", "Events in the queue that are not stored yet.")


def build(environ: Mapping[str, str]) -> FastAPI:
    """The application; SettingsError when a variable or a secret is missing."""
    queue = stores.cache_and_queue(environ)
    database = stores.database(environ, SERVICE, connections=2)
    # Beyond this the queue would take the cache's memory, and then fail: better that senders hear of it.
    longest = whole_number(environ, "QUEUE_LIMIT", 500_000)

    def length() -> float:
        try:
            return float(queue.xlen(stores.QUEUE))
        except stores.REDIS_ERRORS:
            return float("nan")

    _waiting.set_function(length)

    def ping_database() -> None:
        with database.connection() as connection:
            connection.execute("SELECT FROM usage_events LIMIT 0")

    app = web.application(SERVICE, {"redis": queue.ping, "database": ping_database})

    @app.post("/v1/events", status_code=202, response_model=None)
    def accept(
        body: Annotated[UsageEvent | list[UsageEvent], Body()],
        x_request_id: Annotated[str, Header()] = "",
    ) -> dict[str, object] | JSONResponse:
        """Take one event, or up to 500 at once: all of them, or none."""
        events = body if isinstance(body, list) else [body]
        if not 1 <= len(events) <= _MOST:
            reasons = [f"expected 1 to {_MOST} events, found {len(events)}"]
            return JSONResponse({"status": "rejected", "reasons": reasons}, 422)
        ids = [identified(event, x_request_id, position) for position, event in enumerate(events)]
        try:
            if queue.xlen(stores.QUEUE) + len(events) > longest:
                return JSONResponse(
                    {"status": "unavailable", "reasons": ["the queue is full"]}, 503, {"Retry-After": "5"}
                )
            with queue.pipeline(transaction=True) as together:
                for event, event_id in zip(events, ids, strict=True):
                    together.xadd(stores.QUEUE, entry(event, event_id))
                together.execute()
        except stores.REDIS_ERRORS as error:
            _log.error("the queue does not answer", extra={"fields": {"error": str(error)}})
            return web.unavailable("the queue")
        _accepted.inc(len(events))
        return {"status": "accepted", "event_ids": [str(event_id) for event_id in ids]}

    @app.get("/v1/events/{event_id}", response_model=None)
    def find(event_id: uuid.UUID) -> JSONResponse | dict[str, object]:
        """An event as it was stored; 404 for one that is unknown, or still in the queue."""
        query = "SELECT customer, metric, quantity, occurred_at, received_at FROM usage_events WHERE event_id = %s"
        try:
            with database.connection() as connection:
                row = connection.execute(query, (event_id,)).fetchone()
        except stores.DATABASE_ERRORS as error:
            _log.error("the database does not answer", extra={"fields": {"error": str(error)}})
            return web.unavailable("the database")
        if row is None:
            return JSONResponse({"status": "unknown", "reasons": ["it is not stored, or not yet"]}, 404)
        names = ("customer", "metric", "quantity", "occurred_at", "received_at")
        return {"status": "stored", "event_id": str(event_id), **dict(zip(names, row, strict=True))}

    return app


def main() -> int:
    """Serve until SIGTERM; 0 after a clean stop, 1 when the configuration can not be used."""
    logs.configure(SERVICE, os.environ.get("LOG_LEVEL") or "info")
    try:
        app = build(os.environ)
    except SettingsError as error:
        _log.error("the configuration can not be used", extra={"fields": {"error": str(error)}})
        return 1
    return web.serve(app, os.environ, 8000)


if __name__ == "__main__":
    sys.exit(main())
