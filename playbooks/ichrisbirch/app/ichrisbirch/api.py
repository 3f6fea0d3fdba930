"""The API, on FastAPI."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError

from ichrisbirch.cache import Cache, CacheError
from ichrisbirch.database import Database, Habit, HabitExistsError
from ichrisbirch.logs import configure

if TYPE_CHECKING:
    from ichrisbirch.settings import Settings

_log = logging.getLogger("api")


class NewHabit(BaseModel):
    name: str = Field(min_length=1, max_length=100)


def create_api(settings: Settings) -> FastAPI:
    """The application for these settings; it connects when the first request needs it."""
    configure("api", settings.log_level)
    database, cache = Database(settings), Cache(settings)
    api = FastAPI(title="ichrisbirch", version=settings.version or "development")

    @api.exception_handler(SQLAlchemyError)
    @api.exception_handler(CacheError)
    def unavailable(request: Request, error: Exception) -> JSONResponse:
        _log.warning("not available", extra={"fields": {"path": request.url.path, "error": type(error).__name__}})
        return JSONResponse({"detail": "a service that is needed does not answer"}, 503)

    @api.get("/health")
    def health() -> JSONResponse:
        """Whether the database and the cache answer; 503 when one of them does not."""
        state = {"database": _answers(database.ping), "redis": _answers(cache.ping)}
        well = set(state.values()) == {"ok"}
        body = {"status": "ok" if well else "degraded", "environment": settings.environment, **state}
        return JSONResponse(body, 200 if well else 503)

    @api.get("/habits/")
    def habits() -> list[Habit]:
        return database.habits()

    @api.post("/habits/", status_code=201)
    def add_habit(new: NewHabit) -> Habit:
        try:
            habit = database.add_habit(new.name)
        except HabitExistsError:
            raise HTTPException(409, "there is a habit of that name already") from None
        _log.info("a habit was added", extra={"fields": {"habit": habit.id}})
        return habit

    @api.post("/habits/{habit_id}/complete", status_code=204, response_model=None)
    def complete(habit_id: int) -> None:
        if not database.complete(habit_id):
            raise HTTPException(404, "there is no such habit")

    @api.delete("/habits/{habit_id}", status_code=204, response_model=None)
    def remove_habit(habit_id: int) -> None:
        if not database.remove_habit(habit_id):
            raise HTTPException(404, "there is no such habit")

    @api.get("/summary")
    def summary() -> dict[str, Any]:
        """What the scheduler made of all habits last."""
        found = cache.summary()
        if found is None:
            raise HTTPException(503, "the scheduler has not run yet")
        return found

    return api


def _answers(ping: Any) -> str:
    try:
        ping()
    except (SQLAlchemyError, CacheError):
        return "unavailable"
    return "ok"
