"""Measure at the interval, deliver in between, stop on SIGTERM after the request in hand."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pmgen.delivery import Delivery
from pmgen.logs import configure
from pmgen.network import Network
from pmgen.settings import SettingsError, from_environment

if TYPE_CHECKING:
    from pmgen.settings import Settings

_log = logging.getLogger("pmgen")


def main() -> int:
    """Emit until a signal; 0 after a clean stop, 1 when the configuration can not be used."""
    configure("pmgen", os.environ.get("LOG_LEVEL") or "info")
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        _log.error("the configuration can not be used", extra={"fields": {"error": str(error)}})
        return 1
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    _log.info("emitting", extra={"fields": {"to": settings.ingest_url, "interval_s": settings.interval}})
    _emit(settings, stopping)
    _log.info("stopped")
    return 0


def _emit(settings: Settings, stopping: threading.Event) -> None:
    network = Network.build(settings.elements, settings.cells_per_element, settings.seed)
    delivery = Delivery(settings.ingest_url, settings.request_timeout, settings.longest_backoff, settings.outbox_size)
    next_measurement = next_try = time.monotonic()
    while not stopping.is_set():
        settings.heartbeat.touch()
        now = time.monotonic()
        if now >= next_measurement:
            delivery.add(network.measure(datetime.now(UTC)))
            # Measured from now when the loop was held up: a late measurement is not made up for by a burst.
            next_measurement = max(next_measurement + settings.interval, now)
        if delivery.waiting and now >= next_try:
            delivered = delivery.flush_one()
            next_try = time.monotonic() + delivery.backoff
            if delivered:
                continue
        wake_up = min(next_measurement, next_try) if delivery.waiting else next_measurement
        stopping.wait(max(0.0, wake_up - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main())
