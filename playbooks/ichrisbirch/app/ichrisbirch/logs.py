"""Structured logs: one JSON object per line on stdout. Fields are passed as `extra={"fields": {...}}`."""

from __future__ import annotations

import json
import logging
import sys
import time


def configure(service: str, level: str) -> None:
    """Send every record of the process to stdout as JSON, naming the service."""
    stream = logging.StreamHandler(sys.stdout)
    stream.setFormatter(_JsonFormatter(service))
    logging.basicConfig(level=level.upper(), handlers=[stream], force=True)


class _JsonFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)
