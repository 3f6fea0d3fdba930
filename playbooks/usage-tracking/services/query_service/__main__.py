"""GET /v1/usage answers with sums of what a customer used; GET /v1/usage/top with who used most."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Query, Response
from fastapi.responses import JSONResponse
from prometheus_client import Counter
from pydantic import AwareDatetime

from common import logs, stores, web
from common.settings import SettingsError, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

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
_cached = Counter("usage_query_cache_total", "Queries by where their answer came from.", ["outcome"])


def build(environ: os._Environ[str]) -> web.FastAPI:
    """The application; SettingsError when a variable or a secret is missing."""
    cache = stores.cache_and_queue(environ)
    database = stores.database(environ, SERVICE)
    lifetime = whole_number(environ, "CACHE_SECONDS", 2)

    def ping_database() -> None:
        with database.connection() as connection:
            connection.execute("SELECT FROM usage_by_minute LIMIT 0")

    def rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        with database.connection() as connection:
            return connection.execute(statement, parameters).fetchall()

    def answered(parameters: dict[str, Any], make: Callable[[], dict[str, Any]]) -> Response:
        """From the cache, else from the database and then into the cache. The cache may be away."""
        text = json.dumps(parameters, sort_keys=True, default=str)
        key = stores.CACHE + hashlib.sha256(text.encode()).hexdigest()
        try:
            found = cache.get(key)
        except stores.REDIS_ERRORS as error:
            _log.warning("the cache does not answer", extra={"fields": {"error": str(error)}})
            found, key = None, ""
        if isinstance(found, str):
            _cached.labels("hit").inc()
            return Response(found, media_type="application/json", headers={"X-Cache": "hit"})
        _cached.labels("miss").inc()
        try:
            content = json.dumps(make(), default=lambda moment: moment.isoformat())
        except stores.DATABASE_ERRORS as error:
            _log.error("the database does not answer", extra={"fields": {"error": str(error)}})
            return web.unavailable("the database")
        if key:
            try:
                cache.set(key, content, ex=lifetime)
            except stores.REDIS_ERRORS:
                _log.warning("the answer could not be cached")
        return Response(content, media_type="application/json", headers={"X-Cache": "miss"})

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
        span = _span(start, end)
        if isinstance(span, JSONResponse):
            return span
        parameters = {"customer": customer, "metric": metric, "bucket": bucket, **span}

        def make() -> dict[str, Any]:
            found = rows(_SUMS, parameters)
            buckets = [{"at": at, "events": events, "quantity": quantity} for at, events, quantity in found]
            total = {
                "events": sum(each["events"] for each in buckets),
                "quantity": sum(each["quantity"] for each in buckets),
            }
            return {**parameters, "total": total, "buckets": buckets}

        return answered(parameters, make)

    @app.get("/v1/usage/top", response_model=None)
    def top(
        metric: str,
        start: Annotated[AwareDatetime, Query(alias="from")],
        end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 10,
    ) -> Response:
        """The customers who used most of a metric."""
        span = _span(start, end)
        if isinstance(span, JSONResponse):
            return span
        parameters = {"metric": metric, "limit": limit, **span}

        def make() -> dict[str, Any]:
            found = rows(_TOP, parameters)
            customers = [{"customer": name, "events": events, "quantity": quantity} for name, events, quantity in found]
            return {**parameters, "customers": customers}

        return answered(parameters, make)

    return app


def _span(start: datetime, end: datetime | None) -> dict[str, datetime] | JSONResponse:
    """Both ends as whole minutes, so that questions of the same minute share their answer."""
    last = (end or datetime.now(UTC)).astimezone(UTC)
    if last <= start:
        return JSONResponse({"status": "rejected", "reasons": ["to: expected a time after from"]}, 422)
    if end is None or last.second or last.microsecond:
        last = datetime.fromtimestamp((last.timestamp() // 60 + 1) * 60, UTC)
    return {"from": start.astimezone(UTC).replace(second=0, microsecond=0), "to": last}


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
