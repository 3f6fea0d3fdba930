"""Answers from the database, kept in the cache for a moment. Without the cache the database answers."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

from common import stores
from prometheus_client import Counter

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from psycopg_pool import ConnectionPool

_log = logging.getLogger("query_service")
_cached = Counter("usage_query_cache_total", "Queries by where their answer came from.", ["outcome"])

Row = tuple[Any, ...]


class Answers:
    """`lifetime` is how many seconds an answer is kept."""

    def __init__(self, cache: redis.Redis, database: ConnectionPool, lifetime: int) -> None:
        self._cache = cache
        self._database = database
        self._lifetime = lifetime

    def find(
        self, statement: str, parameters: dict[str, Any], shape: Callable[[list[Row]], dict[str, Any]]
    ) -> tuple[str, str]:
        """The answer as JSON, and "hit" or "miss"; stores.DATABASE_ERRORS when the database is needed and away."""
        text = json.dumps([statement, parameters], sort_keys=True, default=str)
        key = stores.CACHE + hashlib.sha256(text.encode()).hexdigest()
        found = self._remembered(key)
        if found is not None:
            _cached.labels("hit").inc()
            return found, "hit"
        _cached.labels("miss").inc()
        with self._database.connection() as connection:
            rows = connection.execute(statement, parameters).fetchall()
        content = json.dumps({**parameters, **shape(rows)}, default=lambda moment: moment.isoformat())
        self._remember(key, content)
        return content, "miss"

    def _remembered(self, key: str) -> str | None:
        try:
            found = self._cache.get(key)
        except stores.REDIS_ERRORS as error:
            _log.warning("the cache does not answer", extra={"fields": {"error": str(error)}})
            return None
        return found if isinstance(found, str) else None

    def _remember(self, key: str, content: str) -> None:
        try:
            self._cache.set(key, content, ex=self._lifetime)
        except stores.REDIS_ERRORS as error:
            _log.warning("an answer could not be cached", extra={"fields": {"error": str(error)}})
