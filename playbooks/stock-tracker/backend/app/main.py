"""The API. Its lifespan is also that of the collection: one process does both."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Path, Query, Request, WebSocket, WebSocketDisconnect
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse

from app.store import StoreUnavailableError, TickStore
from app.stream import Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.settings import Settings

_log = logging.getLogger("backend")

Symbol = Annotated[str, Path(pattern="^[A-Z]{3,8}$")]
Limit = Annotated[int, Query(ge=1, le=1000)]


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings; it connects when its lifespan begins."""
    store = TickStore(settings.database_url)
    stream = Stream(settings, store)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await store.open()
        collecting = asyncio.create_task(stream.run())
        collecting.add_done_callback(_report_end)
        _log.info("collecting", extra={"fields": {"symbols": settings.symbols}})
        yield
        collecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await collecting
        await store.close()
        _log.info("stopped")

    app = FastAPI(title="stock-tracker", lifespan=lifespan, docs_url="/api/docs", openapi_url="/api/openapi.json")
    app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=["GET"])

    @app.exception_handler(StoreUnavailableError)
    async def unavailable(request: Request, error: StoreUnavailableError) -> JSONResponse:
        _log.warning("the database does not answer", extra={"fields": {"path": request.url.path}})
        return JSONResponse({"detail": "the database does not answer"}, 503, {"Retry-After": "2"})

    @app.get("/health")
    async def health() -> JSONResponse:
        """Whether the database answers and the stream runs; 503 when one of them does not."""
        state = {"database": "ok", "stream": "ok" if stream.is_running else "waiting"}
        try:
            await store.ping()
        except StoreUnavailableError:
            state["database"] = "unavailable"
        well = set(state.values()) == {"ok"}
        return JSONResponse({"status": "ok" if well else "degraded", **state}, 200 if well else 503)

    @app.get("/api/health")
    async def health_through_proxy() -> JSONResponse:
        return await health()

    @app.get("/api/prices")
    async def prices() -> list[dict[str, Any]]:
        """The last price of each symbol."""
        return await store.latest()

    @app.get("/api/prices/{symbol}")
    async def ticks(symbol: Symbol, limit: Limit = 100) -> list[dict[str, Any]]:
        return await store.ticks(symbol, limit)

    @app.get("/api/candles/{symbol}")
    async def candles(symbol: Symbol, limit: Limit = 60) -> list[dict[str, Any]]:
        return await store.candles(symbol, limit)

    @app.websocket("/ws/prices")
    async def live(socket: WebSocket) -> None:
        """Every batch of ticks as one JSON list, as soon as it is stored."""
        await socket.accept()
        queue = stream.listen()
        sending = asyncio.create_task(_send(socket, queue))
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            pass
        finally:
            stream.leave(queue)
            sending.cancel()

    return app


async def _send(socket: WebSocket, queue: asyncio.Queue[Any]) -> None:
    while True:
        await socket.send_json([tick.as_json() for tick in await queue.get()])


def _report_end(task: asyncio.Task[None]) -> None:
    """A collection that ended by an error is told; the health check then fails, and so does the container."""
    if not task.cancelled() and task.exception() is not None:
        _log.error("the collection ended", exc_info=task.exception())
