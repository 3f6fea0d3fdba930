"""Background jobs. Each successful run leaves its time in a file, which the health check reads."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from ichrisbirch import heartbeat
from ichrisbirch.cache import Cache, CacheError
from ichrisbirch.database import Database
from ichrisbirch.logs import configure
from ichrisbirch.settings import SettingsError, from_environment

_log = logging.getLogger("scheduler")


def summarize(database: Database, cache: Cache) -> None:
    """Count habits and completions, and keep the numbers where the API serves them."""
    try:
        habits = database.habits()
        cache.keep_summary(
            {
                "habits": len(habits),
                "completions": sum(habit.completions for habit in habits),
                "made_at": datetime.now(UTC).isoformat(),
            }
        )
    except (SQLAlchemyError, CacheError) as error:
        _log.warning("the summary could not be made", extra={"fields": {"error": type(error).__name__}})
        return
    heartbeat.beat()
    _log.debug("the summary was made", extra={"fields": {"habits": len(habits)}})


def main() -> int:
    """Run jobs until a signal; 0 after a clean stop, 1 when the configuration can not be used."""
    try:
        settings = from_environment()
    except SettingsError as error:
        configure("scheduler", "info")
        _log.error("the configuration can not be used", extra={"fields": {"error": str(error)}})
        return 1
    configure("scheduler", settings.log_level)
    database, cache = Database(settings), Cache(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        summarize,
        "interval",
        (database, cache),
        seconds=settings.scheduler_interval,
        next_run_time=datetime.now(UTC),
        max_instances=1,
        coalesce=True,
    )
    scheduler.start()
    _log.info("running", extra={"fields": {"every": settings.scheduler_interval}})
    stop.wait()
    scheduler.shutdown(wait=True)
    _log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
