"""GET /v1/usage answers with sums of what a customer used; GET /v1/usage/top with who used most."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from common import logs, stores, web
from common.settings import SettingsError, whole_number
from fastapi import FastAPI, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime  # noqa: TC002 (FastAPI reads the annotations when it runs)

from query_service.answers import Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from query_service.answers import Row

SERVICE = "query_service"
_SUMS = """
    SELECT date_trunc(%(bucket)s, bucket, 'UTC') AS at, sum(events)::bigint, sum(quantity)
    FROM usage_by_minute
    WHERE customer = %(customer)s AND metric = %(metric)s AND bucket >= %(from)s AND bucket < %(to)s
    GROUP BY at ORDER BY at
"""
_TOP = """
    SELECT customer, sum(events)::bigint, sum(quantity) AS quantity
    FROM usage_by_minute
    WHERE metric = %(metric)s AND bucket >= %(from)s AND bucket < %(to)s
    GROUP BY customer ORDER BY quantity DESC, customer LIMIT %(limit)s
"""

_log = logging.getLogger(SERVICE)


def build(environ: Mapping[str, str]) -> FastAPI:
    """The application; SettingsError when a variable or a secret is missing."""
    cache = stores.cache_and_queue(environ)
    database = stores.database(environ, SERVICE)
    answers = Answers(cache, database, whole_number(environ, "CACHE_SECONDS", 2))

    def ping_database() -> None:
        with database.connection() as connection:
            connection.execute("SELECT FROM usage_by_minute LIMIT 0")

    app = web.application(SERVICE, {"redis": cache.ping, "database": ping_database})

    @app.get("/v1/usage", response_model=None)
    def usage(
        customer: str,
        metric: str,
        start: Annotated[AwareDatetime, Query(alias="from")],
        end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
        bucket: Literal["minute", "hour", "day"] = "hour",
    ) -> Response:
        """What a customer used of a metric from one minute up to another: in total, and by bucket."""
        parameters = {"customer": customer, "metric": metric, "bucket": bucket}
        return _answer(answers, _SUMS, parameters, (start, end), _sums)

    @app.get("/v1/usage/top", response_model=None)
    def top(
        metric: str,
        start: Annotated[AwareDatetime, Query(alias="from")],
        end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 10,
    ) -> Response:
        """The customers who used most of a metric."""
        return _answer(answers, _TOP, {"metric": metric, "limit": limit}, (start, end), _customers)

    return app


def _answer(
    answers: Answers,
    statement: str,
    parameters: dict[str, Any],
    span: tuple[datetime, datetime | None],
    shape: Callable[[list[Row]], dict[str, Any]],
) -> Response:
    start, end = whole_minutes(*span)
    if end <= start:
        return JSONResponse({"status": "rejected", "reasons": ["to: expected a time after from"]}, 422)
    try:
        content, outcome = answers.find(statement, {**parameters, "from": start, "to": end}, shape)
    except stores.DATABASE_ERRORS as error:
        _log.error("the database does not answer", extra={"fields": {"error": str(error)}})
        return web.unavailable("the database")
    return Response(content, media_type="application/json", headers={"X-Cache": outcome})


def _sums(rows: list[Row]) -> dict[str, Any]:
    buckets = [{"at": at, "events": events, "quantity": quantity} for at, events, quantity in rows]
    total = {key: sum(each[key] for each in buckets) for key in ("events", "quantity")}
    return {"total": total, "buckets": buckets}


def _customers(rows: list[Row]) -> dict[str, Any]:
    return {"customers": [{"customer": name, "events": events, "quantity": used} for name, events, used in rows]}


def whole_minutes(start: datetime, end: datetime | None) -> tuple[datetime, datetime]:
    """From the minute of `start` to the end of that of `end`, or of now: all who ask in a minute ask the same."""
    first = start.astimezone(UTC).replace(second=0, microsecond=0)
    last = (end or datetime.now(UTC)).timestamp()
    return first, datetime.fromtimestamp(-(-last // 60) * 60, UTC)


def main() -> int:
    """Serve until SIGTERM; 0 after a clean stop, 1 when the configuration can not be used."""
    logs.configure(SERVICE, os.environ.get("LOG_LEVEL") or "info")
    try:
        app = build(os.environ)
    except SettingsError as error:
        _log.error("the configuration can not be used", extra={"fields": {"error": str(error)}})
        return 1
    return web.serve(app, os.environ, 8002)


if __name__ == "__main__":
    sys.exit(main())
