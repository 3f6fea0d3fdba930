"""What every HTTP service has: /health, /ready, /metrics, a log line and a metric per request, a graceful end."""

from __future__ import annotations

import logging
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

from common.settings import text, whole_number

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_log = logging.getLogger("http")
_requests = Counter("http_requests_total", "Requests that were answered.", ["method", "route", "status"])
_seconds = Histogram(
    "http_request_seconds", "How long an answer took.", ["route"], buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
)
_QUIET = ("/health", "/ready", "/metrics")


def application(service: str, checks: Mapping[str, Callable[[], object]]) -> FastAPI:
    """An application whose /ready runs the checks: each raises when what it asks is away."""
    app = FastAPI(title=service, openapi_url="/openapi.json", docs_url="/docs", redoc_url=None)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.middleware("http")(_observe)

    @app.get("/health")
    def health() -> dict[str, str]:
        """Alive: with a database that is away, a restarted service would not work any better."""
        return {"status": "ok", "service": service}

    @app.get("/ready")
    def ready() -> JSONResponse:
        """Whether what it needs is there."""
        states = {name: _state(name, check) for name, check in checks.items()}
        well = all(state == "ok" for state in states.values())
        return JSONResponse({"status": "ok" if well else "unavailable", **states}, 200 if well else 503)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


def serve(app: FastAPI, environ: Mapping[str, str], port: int) -> int:
    """Answer until SIGTERM; then no new connection is taken, and what was begun is answered."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server raises its signal again when it has ended, which would end this process as killed.
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        app,
        host=text(environ, "API_HOST", "0.0.0.0"),
        port=whole_number(environ, "API_PORT", port),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=30,
    )
    uvicorn.Server(config).run()
    return 0


def unavailable(what: str) -> JSONResponse:
    """The same request can be sent again in a moment."""
    return JSONResponse({"status": "unavailable", "reasons": [f"{what} does not answer"]}, 503, {"Retry-After": "1"})


def _state(name: str, check: Callable[[], object]) -> str:
    try:
        check()
    except Exception as error:  # whatever it is, it is not ready
        _log.error("not ready", extra={"fields": {"check": name, "error": str(error)}})
        return "away"
    return "ok"


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    not_json = any(each["type"] == "json_invalid" for each in found)
    reasons = [_reason(each) for each in found]
    return JSONResponse({"status": "rejected", "reasons": jsonable_encoder(reasons)}, 400 if not_json else 422)


def _reason(found: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in found["loc"] if part not in ("body", "query"))
    return f"{where}: {found['msg']}" if where else str(found["msg"])


async def _observe(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    began = time.monotonic()
    status = 500
    try:
        response = await answer(request)
        status = response.status_code
        # Which replica it was.
        response.headers["X-Served-By"] = socket.gethostname()
    finally:
        took = time.monotonic() - began
        route = getattr(request.scope.get("route"), "path", "none")
        _requests.labels(request.method, route, status).inc()
        _seconds.labels(route).observe(took)
        fields = {
            "method": request.method,
            "path": request.url.path,
            "status": status,
            "milliseconds": round(took * 1000, 1),
            "request_id": request.headers.get("x-request-id", ""),
        }
        level = logging.DEBUG if request.url.path in _QUIET and status < 400 else logging.INFO
        _log.log(level, "request", extra={"fields": fields})
    return response
