"""The summary that the scheduler makes and the API serves, in Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from ichrisbirch.settings import Settings

SUMMARY = "summary"

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
        self._client.set(SUMMARY, json.dumps(summary))

    def summary(self) -> dict[str, Any] | None:
        """What was kept last; None before the scheduler's first run."""
        text = self._client.get(SUMMARY)
        return None if text is None else dict(json.loads(text))
