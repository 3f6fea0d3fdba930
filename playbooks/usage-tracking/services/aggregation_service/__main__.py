"""Add up what was stored until SIGTERM."""

from __future__ import annotations

import logging
import os
import sys

from common import logs, stores, worker
from common.settings import SettingsError, whole_number

from aggregation_service.aggregation import Aggregation

SERVICE = "aggregation_service"


def main() -> int:
    """0 after a clean stop, 1 when the configuration can not be used."""
    logs.configure(SERVICE, os.environ.get("LOG_LEVEL") or "info")
    try:
        database = stores.database(os.environ, SERVICE, connections=2)
        interval = whole_number(os.environ, "AGGREGATION_INTERVAL_MS", 1000) / 1000
    except SettingsError as error:
        logging.getLogger(SERVICE).error("the configuration can not be used", extra={"fields": {"error": str(error)}})
        return 1
    code = worker.run(Aggregation(database).work, os.environ, wait=interval, away=stores.DATABASE_ERRORS)
    database.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
