"""Collects ticks beside the API: takes them from the feed, stores them, and hands them to whoever listens."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from app.feed import Feed
from app.store import StoreUnavailableError

if TYPE_CHECKING:
    from app.feed import Tick
    from app.settings import Settings
    from app.store import TickStore

_log = logging.getLogger("backend.stream")
_LONGEST_WAIT = 10.0
# A listener that does not read loses its oldest prices; it never holds up the stream.
_MOST_WAITING = 100


class Stream:
    """`listeners` get every batch of ticks that was stored."""

    def __init__(self, settings: Settings, store: TickStore) -> None:
        self._settings = settings
        self._store = store
        self._stored_at = 0.0
        self.listeners: set[asyncio.Queue[list[Tick]]] = set()

    @property
    def is_running(self) -> bool:
        """Whether ticks were stored lately: within ten intervals, five seconds at least."""
        return time.monotonic() - self._stored_at < max(10 * self._settings.stream_interval, 5.0)

    def listen(self) -> asyncio.Queue[list[Tick]]:
        """A queue of what comes from now on; give it back with `leave`."""
        queue: asyncio.Queue[list[Tick]] = asyncio.Queue(_MOST_WAITING)
        self.listeners.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[list[Tick]]) -> None:
        self.listeners.discard(queue)

    async def run(self) -> None:
        """Collect until cancelled. While the database is away it waits longer with every failure."""
        feed: Feed | None = None
        wait = 0.5
        while True:
            try:
                feed = feed or Feed(self._settings.symbols, await self._store.latest_prices())
                ticks = feed.next_ticks()
                await self._store.add(ticks)
            except StoreUnavailableError as error:
                _log.warning("ticks can not be stored", extra={"fields": {"error": str(error), "retry_in": wait}})
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            wait = 0.5
            self._stored_at = time.monotonic()
            for queue in self.listeners:
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(ticks)
            await asyncio.sleep(self._settings.stream_interval)
