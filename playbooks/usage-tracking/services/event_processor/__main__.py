"""Take events from the queue until SIGTERM."""

from __future__ import annotations

import logging
import os
import socket
import sys

from common import logs, stores, worker
from common.settings import SettingsError

from event_processor.processor import Processor

SERVICE = "event_processor"


def main() -> int:
    """0 after a clean stop, 1 when the configuration can not be used."""
    logs.configure(SERVICE, os.environ.get("LOG_LEVEL") or "info")
    try:
        queue = stores.cache_and_queue(os.environ)
        database = stores.database(os.environ, SERVICE, connections=2)
    except SettingsError as error:
        logging.getLogger(SERVICE).error("the configuration can not be used", extra={"fields": {"error": str(error)}})
        return 1
    processor = Processor(queue, database, socket.gethostname())
    code = worker.run(processor.work, os.environ, wait=0, away=(*stores.REDIS_ERRORS, *stores.DATABASE_ERRORS))
    processor.leave()
    database.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
