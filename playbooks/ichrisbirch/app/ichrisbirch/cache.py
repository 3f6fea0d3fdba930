"""The summary that the scheduler makes and the API serves, in Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from ichrisbirch.settings import Settings

SUMMARY = "summary"
# Seconds: as long as its health check takes the scheduler for well. Older numbers are not served.
LASTS = 60

CacheError = redis.RedisError


class Cache:
    """Every call raises CacheError when Redis does not answer within two seconds."""

    def __init__(self, settings: Settings) -> None:
        self._client = redis.Redis(
            settings.redis_host,
            settings.redis_port,
            password=settings.redis_password or None,
            socket_timeout=2,
            socket_connect_timeout=2,
        )

    def ping(self) -> None:
        self._client.ping()

    def keep_summary(self, summary: dict[str, Any]) -> None:
        self._client.set(SUMMARY, json.dumps(summary), ex=LASTS)

    def summary(self) -> dict[str, Any] | None:
        """What was kept last; None before the scheduler's first run, and when it has made none for a while."""
        text = self._client.get(SUMMARY)
        return None if text is None else dict(json.loads(text))
