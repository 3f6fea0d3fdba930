"""Sends events to ingest, keeps them while it is away, and says how long to wait before the next try."""

from __future__ import annotations

import http.client
import json
import logging
import urllib.error
import urllib.request
from collections import deque
from typing import Any

_log = logging.getLogger(__name__)
_FIRST_BACKOFF = 0.5


class Delivery:
    """An outbox in front of one address. The oldest events are dropped when it overflows."""

    def __init__(self, url: str, timeout: float, longest_backoff: float, outbox_size: int) -> None:
        self._url = url
        self._timeout = timeout
        self._longest_backoff = longest_backoff
        self._outbox: deque[dict[str, Any]] = deque(maxlen=outbox_size)
        self._failures = 0

    @property
    def waiting(self) -> int:
        """How many events have not arrived yet."""
        return len(self._outbox)

    @property
    def backoff(self) -> float:
        """Seconds to leave ingest alone: none while it answers, then doubling up to the longest."""
        if not self._failures:
            return 0.0
        # The exponent is bounded as well: after days of absence 2.0**failures would overflow.
        return min(self._longest_backoff, _FIRST_BACKOFF * 2.0 ** min(self._failures - 1, 16))

    def add(self, events: list[dict[str, Any]]) -> None:
        """Put events at the end of the outbox."""
        lost = max(0, len(self._outbox) + len(events) - (self._outbox.maxlen or 0))
        if lost:
            _log.warning("the outbox is full, dropping its oldest events", extra={"fields": {"dropped": lost}})
        self._outbox.extend(events)

    def flush_one(self) -> bool:
        """Send the oldest event. False when ingest could not take it and it has to wait."""
        event = self._outbox[0]
        try:
            status, reason = self._post(event)
        except (OSError, http.client.HTTPException) as error:
            return self._away(str(error) or type(error).__name__)
        if status >= 500 or status in (408, 429):
            return self._away(f"status {status}: {reason}")
        if status >= 400:
            # It would be refused again, and everything behind it would wait for ever.
            _log.error("an event was rejected", extra={"fields": {"status": status, "reason": reason}})
        elif self._failures:
            _log.info("ingest is back", extra={"fields": {"tries": self._failures, "waiting": self.waiting}})
        self._outbox.popleft()
        self._failures = 0
        return True

    def _post(self, event: dict[str, Any]) -> tuple[int, str]:
        request = urllib.request.Request(
            self._url, json.dumps(event).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                return response.status, response.read(2000).decode(errors="replace")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(2000).decode(errors="replace")

    def _away(self, reason: str) -> bool:
        self._failures += 1
        fields = {"error": reason, "tries": self._failures, "waiting": self.waiting, "next_try_s": self.backoff}
        _log.warning("ingest is away", extra={"fields": fields})
        return False
