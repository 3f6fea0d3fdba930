"""Where ticks are kept: TimescaleDB behind a small pool of connections. It must not know of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from app.feed import Tick

_TIMEOUT = 4.0
_LATEST = "SELECT DISTINCT ON (symbol) symbol, at, price, volume FROM ticks ORDER BY symbol, at DESC"


class StoreUnavailableError(Exception):
    """The database does not answer; the same request can be sent again later."""


class TickStore:
    """Connections are checked before use, so a restarted database costs no request."""

    def __init__(self, database_url: str) -> None:
        self._pool = AsyncConnectionPool(
            database_url,
            kwargs={"application_name": "backend", "connect_timeout": 4, "row_factory": dict_row},
            min_size=1,
            max_size=4,
            timeout=_TIMEOUT,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Begin to connect; does not wait for the database."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close(timeout=2)

    async def add(self, ticks: Sequence[Tick]) -> None:
        """Store ticks; those that are there already stay as they are."""
        statement = "INSERT INTO ticks (symbol, at, price, volume) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
        rows = [(tick.symbol, tick.at, tick.price, tick.volume) for tick in ticks]
        try:
            async with self._pool.connection() as connection, connection.cursor() as cursor:
                await cursor.executemany(statement, rows)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise StoreUnavailableError(str(error)) from error

    async def latest(self) -> list[dict[str, Any]]:
        """The last tick of each symbol."""
        return await self._rows(_LATEST)

    async def latest_prices(self) -> dict[str, Decimal]:
        return {row["symbol"]: row["price"] for row in await self.latest()}

    async def ticks(self, symbol: str, limit: int) -> list[dict[str, Any]]:
        """The newest `limit` ticks of a symbol, newest first."""
        return await self._rows(
            "SELECT symbol, at, price, volume FROM ticks WHERE symbol = %s ORDER BY at DESC LIMIT %s", symbol, limit
        )

    async def candles(self, symbol: str, limit: int) -> list[dict[str, Any]]:
        """The newest `limit` minutes of a symbol, newest first."""
        return await self._rows("SELECT * FROM candles WHERE symbol = %s ORDER BY minute DESC LIMIT %s", symbol, limit)

    async def ping(self) -> None:
        """Raise StoreUnavailableError when the table can not be read."""
        await self._rows("SELECT FROM ticks LIMIT 0")

    async def _rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(statement, values)
                return await cursor.fetchall()
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable, PoolTimeout) as error:
            raise StoreUnavailableError(str(error)) from error
