"""Start the service, and stop it on SIGTERM once the requests in flight are answered."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from ingest.logs import configure
from ingest.server import Server
from ingest.settings import SettingsError, from_environment
from ingest.store import EventStore

_log = logging.getLogger("ingest")


def main() -> int:
    """Serve until a signal; 0 after a clean stop, 1 when the configuration can not be used."""
    configure("ingest", os.environ.get("LOG_LEVEL") or "info")
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        _log.error("the configuration can not be used", extra={"fields": {"error": str(error)}})
        return 1
    store = EventStore(settings)
    server = Server(settings.port, store)

    def stop(number: int, frame: object) -> None:
        _log.info("stopping", extra={"fields": {"signal": signal.Signals(number).name}})
        # shutdown() waits for serve_forever(), which this handler has interrupted: it needs a thread of its own.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _log.info("listening", extra={"fields": {"port": settings.port, "database": settings.database_host}})
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    store.close()
    _log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
