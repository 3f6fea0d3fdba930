"""Where events are kept: one PostgreSQL table behind a small pool of connections. It must not know of HTTP."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

if TYPE_CHECKING:
    from ingest.events import Event
    from ingest.settings import Settings

_INSERT = """
    INSERT INTO pm_events (event_id, element, cell, measured_at, setup_attempts, setup_successes,
                           dropped_calls, traffic_mb, latency_ms)
    VALUES (%(event_id)s, %(element)s, %(cell)s, %(measured_at)s, %(setup_attempts)s, %(setup_successes)s,
            %(dropped_calls)s, %(traffic_mb)s, %(latency_ms)s)
    ON CONFLICT (event_id) DO NOTHING
"""


class StoreUnavailableError(Exception):
    """The database does not answer; the same event can be sent again later."""


class EventStore:
    """Threads share one store. Connections are checked before use, so a restarted database costs no event."""

    def __init__(self, settings: Settings) -> None:
        self._pool = ConnectionPool(
            kwargs={
                "host": settings.database_host,
                "port": settings.database_port,
                "dbname": settings.database_name,
                "user": settings.database_user,
                "password": settings.database_password,
                "connect_timeout": max(2, int(settings.database_timeout)),
                "application_name": "ingest",
            },
            min_size=1,
            max_size=settings.pool_size,
            timeout=settings.database_timeout,
            check=ConnectionPool.check_connection,
            open=True,
        )

    def add(self, event: Event) -> bool:
        """Store an event; False when an event of that id is there already."""
        try:
            with self._pool.connection() as connection:
                return connection.execute(_INSERT, dataclasses.asdict(event)).rowcount == 1
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise StoreUnavailableError(str(error)) from error

    def ping(self) -> None:
        """Ask the table for nothing; raise StoreUnavailableError when the database can not serve it."""
        try:
            with self._pool.connection() as connection:
                connection.execute("SELECT FROM pm_events LIMIT 0")
        except (psycopg.OperationalError, psycopg.ProgrammingError, PoolTimeout) as error:
            raise StoreUnavailableError(str(error)) from error

    def close(self) -> None:
        """Give the connections back; the store can not be used afterwards."""
        self._pool.close()
