"""The page, on Flask. It has no database: everything that it shows and changes goes through the API."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import httpx
from flask import Flask, jsonify, redirect, render_template, request

from ichrisbirch.logs import configure
from ichrisbirch.settings import secret

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from ichrisbirch.settings import Settings

_log = logging.getLogger("app")


def create_app(settings: Settings, environ: dict[str, str]) -> Flask:
    """The application for these settings."""
    configure("app", settings.log_level)
    app = Flask("ichrisbirch")
    app.secret_key = secret(environ, "APP_SECRET_KEY") or None
    api = httpx.Client(base_url=settings.api_url, timeout=5)

    @app.get("/health")
    def health() -> Any:
        """The page is well when the API answers it."""
        try:
            well = api.get("/health").status_code == 200
        except httpx.HTTPError:
            well = False
        return jsonify(status="ok" if well else "degraded", environment=settings.environment), 200 if well else 503

    @app.get("/")
    def page() -> tuple[str, int]:
        try:
            answer = api.get("/habits/")
            answer.raise_for_status()
            habits, trouble = answer.json(), ""
        except httpx.HTTPError as error:
            _log.warning("the API does not answer", extra={"fields": {"error": str(error)}})
            habits, trouble = [], "The API does not answer. Try again in a moment."
        text = render_template("page.html", habits=habits, trouble=trouble, environment=settings.environment)
        return text, 503 if trouble else 200

    @app.post("/habits")
    def add_habit() -> Response:
        answer = api.post("/habits/", json={"name": request.form.get("name", "").strip()})
        _log.info("a habit was sent", extra={"fields": {"status": answer.status_code}})
        return redirect("/", 303)

    @app.post("/habits/<int:habit_id>/complete")
    def complete(habit_id: int) -> Response:
        api.post(f"/habits/{habit_id}/complete")
        return redirect("/", 303)

    return app
