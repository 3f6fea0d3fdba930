"""Somebody who sends events, and asks for some, while the system is changed, and counts what went wrong."""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.request
import uuid
from typing import TYPE_CHECKING

from tests.systems.environment import ask
from tests.systems.usage_tracking.environment import usage_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.systems.usage_tracking.environment import Environment


class Load:
    """One event after the other, until it is told to stop."""

    def __init__(self, system: Environment, customer: str) -> None:
        self.sent = 0
        self.failed: list[str] = []
        self._seen: set[str] = set()
        self._stop = threading.Event()
        self._url = system.url("ENTRY_PORT")
        self._customer = customer
        self.thread = threading.Thread(target=self._run)

    @property
    def seen(self) -> int:
        """How many gateways answered."""
        return len(self._seen)

    def end(self) -> None:
        self._stop.set()
        self.thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.is_set():
            # Without an id of its own: the balancer's makes the event the same when it is sent to a second gateway.
            event = usage_event(self._customer)
            del event["event_id"]
            try:
                answer = ask(f"{self._url}/v1/events", event)
                if answer.status == 202:
                    self.sent += 1
                else:
                    self.failed.append(f"{answer.status}: {answer.body[:200]!r}")
                # What the gateway has to ask its database for.
                answer = ask(f"{self._url}/v1/events/{uuid.uuid4()}")
                if answer.status != 404:
                    self.failed.append(f"{answer.status}: {answer.body[:200]!r}")
                with urllib.request.urlopen(f"{self._url}/health", timeout=15) as response:
                    self._seen.add(response.headers["X-Served-By"])
            except OSError as error:
                self.failed.append(repr(error))
            time.sleep(0.05)


@contextlib.contextmanager
def under_load(system: Environment, customer: str) -> Iterator[Load]:
    load = Load(system, customer)
    load.thread.start()
    try:
        yield load
    finally:
        load.end()
