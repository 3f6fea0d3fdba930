"""Connections to PostgreSQL and Redis, and the names under which the services find things in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import redis
from psycopg_pool import ConnectionPool, PoolTimeout

from common.settings import secret, text

if TYPE_CHECKING:
    from collections.abc import Mapping

# A stream: what the gateway has accepted and the processor has not stored yet. It never expires, so that the eviction
# of the cache, which takes only what expires, can not touch it.
QUEUE = "usage:events"
# A stream of what could not be stored whatever is tried: for a person to look at.
REJECTED = "usage:events:rejected"
CACHE = "usage:cache:"

DATABASE_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
REDIS_ERRORS = (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError)


def database(environ: Mapping[str, str], service: str, *, connections: int = 4) -> ConnectionPool:
    """A pool whose connections are checked before use, so that a restarted database fails no request for long.

    Nor does a network that was left: what is sent and not received for three seconds ends a connection; the system
    itself would try for a quarter of an hour.
    """
    return ConnectionPool(
        secret(environ, "DATABASE_URL"),
        kwargs={"connect_timeout": 3, "tcp_user_timeout": 3000, "application_name": service},
        min_size=1,
        max_size=connections,
        # A moment longer than the check of a connection that is dead.
        timeout=6,
        check=ConnectionPool.check_connection,
        open=True,
    )


def cache_and_queue(environ: Mapping[str, str]) -> redis.Redis:
    """A client of Redis that gives up after three seconds; the reader of the queue waits for at most one."""
    return redis.Redis.from_url(
        text(environ, "REDIS_URL"), decode_responses=True, socket_timeout=3, socket_connect_timeout=3
    )
