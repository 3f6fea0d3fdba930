"""The HTTP face of the service: POST /v1/events/pm and GET /health. It must not know how events are kept."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from ingest.events import InvalidEventError, NotJsonError, parse
from ingest.store import StoreUnavailableError

if TYPE_CHECKING:
    from ingest.store import EventStore

EVENTS_PATH = "/v1/events/pm"
HEALTH_PATH = "/health"
_LARGEST_BODY = 64 * 1024

_log = logging.getLogger(__name__)
_Answer = tuple[HTTPStatus, dict[str, Any]]


class Server(ThreadingHTTPServer):
    """Every request has its own thread and its own connection; closing waits for those in flight."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, port: int, store: EventStore) -> None:
        super().__init__(("", port), _Request)
        self.store = store


class _Request(BaseHTTPRequestHandler):
    # A client that connects and says nothing must not hold up the shutdown for long.
    timeout = 5
    server: Server
    server_version = "ingest"
    sys_version = ""

    def do_GET(self) -> None:
        if self._path == HEALTH_PATH:
            self._answer(self._health())
        elif self._path == EVENTS_PATH:
            self._answer(_refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{EVENTS_PATH} takes POST"), allow="POST")
        else:
            self._answer(_refusal(HTTPStatus.NOT_FOUND, f"expected {EVENTS_PATH} or {HEALTH_PATH}"))

    def do_POST(self) -> None:
        if self._path == EVENTS_PATH:
            self._answer(self._event())
        elif self._path == HEALTH_PATH:
            self._answer(_refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{HEALTH_PATH} takes GET"), allow="GET")
        else:
            self._answer(_refusal(HTTPStatus.NOT_FOUND, f"expected {EVENTS_PATH} or {HEALTH_PATH}"))

    def parse_request(self) -> bool:
        self._began = time.monotonic()
        return super().parse_request()

    def log_message(self, format: str, *arguments: object) -> None:
        _log.warning(format % arguments, extra={"fields": {"client": self.client_address[0]}})

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Answers are logged by `_answer`, with their reasons."""

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _health(self) -> _Answer:
        try:
            self.server.store.ping()
        except StoreUnavailableError as error:
            _log.error("the database does not answer", extra={"fields": {"error": str(error)}})
            return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unavailable", "database": "unreachable"}
        return HTTPStatus.OK, {"status": "ok", "database": "ok"}

    def _event(self) -> _Answer:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            return _refusal(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        if int(length) > _LARGEST_BODY:
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {_LARGEST_BODY} bytes")
        try:
            event = parse(self.rfile.read(int(length)), datetime.now(UTC))
            added = self.server.store.add(event)
        except NotJsonError as error:
            return _refusal(HTTPStatus.BAD_REQUEST, f"expected JSON: {error}")
        except InvalidEventError as error:
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, *error.reasons)
        except StoreUnavailableError as error:
            _log.error("the database does not answer", extra={"fields": {"error": str(error)}})
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer, send the event again later")
        # A repeated event gets the answer its first delivery got: the sender may have lost that one.
        return HTTPStatus.CREATED, {"status": "stored", "event_id": str(event.event_id), "repeated": not added}

    def _answer(self, answer: _Answer, allow: str | None = None) -> None:
        status, document = answer
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if allow:
            self.send_header("Allow", allow)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)
        level = logging.DEBUG if self._path == HEALTH_PATH and status < HTTPStatus.BAD_REQUEST else logging.INFO
        fields = {
            "method": self.command,
            "path": self._path,
            "status": int(status),
            "milliseconds": round((time.monotonic() - self._began) * 1000, 1),
        }
        if "reasons" in document:
            fields["reasons"] = document["reasons"]
        _log.log(level, "request", extra={"fields": fields})


def _refusal(status: HTTPStatus, *reasons: str) -> _Answer:
    return status, {"status": "rejected", "reasons": list(reasons)}
