"""The loop of a service without a port of its own: work, wait, try again later, end on SIGTERM."""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import Gauge, start_http_server

from common.health import HEARTBEAT
from common.settings import text, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_log = logging.getLogger("worker")
_succeeded = Gauge("worker_last_success_seconds", "When the work last succeeded, in seconds since 1970.")
_failing = Gauge("worker_failing", "1 while what it needs is away.")
_LONGEST_WAIT = 10.0


def run(work: Callable[[], int], environ: Mapping[str, str], *, wait: float, away: tuple[type[Exception], ...]) -> int:
    """Call `work` again and again, with `wait` seconds after one that found nothing to do.

    `work` says how much it did. What raises one of `away` is tried again, later with every failure.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    start_http_server(whole_number(environ, "METRICS_PORT", 9100))
    heartbeat = Path(text(environ, "HEARTBEAT_FILE", HEARTBEAT))
    pause = 0.5
    _log.info("working")
    while not stopping.is_set():
        heartbeat.touch()
        try:
            done = work()
        except away as error:
            _failing.set(1)
            _log.warning("will try again", extra={"fields": {"error": str(error), "seconds": pause}})
            stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_WAIT)
            continue
        pause = 0.5
        _failing.set(0)
        _succeeded.set_to_current_time()
        if not done and wait:
            stopping.wait(wait)
    _log.info("stopped")
    return 0
