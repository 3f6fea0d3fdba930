"""Start the server; it stops on SIGTERM once the requests in flight are answered."""

from __future__ import annotations

import logging
import os
import sys

import uvicorn

from app.logs import configure
from app.main import create_app
from app.settings import SettingsError, from_environment


def main() -> int:
    """Serve until a signal; 0 after a clean stop, 1 when the configuration can not be used."""
    configure("backend", os.environ.get("LOG_LEVEL") or "info")
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        logging.getLogger("backend").error("the configuration can not be used", extra={"fields": {"error": str(error)}})
        return 1
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host="0.0.0.0",
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        )
    )
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
