"""An ichrisbirch environment under test: its habits, behind the API and on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.systems import environment
from tests.systems.environment import Answer, ask

SERVICES = ("postgres", "redis", "api", "app", "scheduler")
INNER = {"api": "8000/tcp", "app": "5000/tcp", "postgres": "5432/tcp", "redis": "6379/tcp"}


@dataclass(frozen=True, slots=True)
class Environment(environment.Environment):
    """Ports of its own, whatever its env file says."""

    SYSTEM: ClassVar[str] = "ichrisbirch"
    PORTS: ClassVar[tuple[str, ...]] = (
        "API_EXTERNAL_PORT",
        "APP_EXTERNAL_PORT",
        "POSTGRES_EXTERNAL_PORT",
        "REDIS_EXTERNAL_PORT",
    )
    HOST: ClassVar[str] = "APP_HOST"

    def api(self, path: str, document: Any = None, **options: Any) -> Answer:
        """Ask the API."""
        return ask(f"{self.url('API_EXTERNAL_PORT')}{path}", document, **options)

    def page(self, path: str = "/") -> Answer:
        """Ask the page."""
        return ask(f"{self.url('APP_EXTERNAL_PORT')}{path}")

    def add_habit(self, name: str) -> int:
        """Add a habit through the API; its number."""
        answer = self.api("/habits/", {"name": name})
        assert answer.status == 201, answer.body
        return int(answer.json["id"])

    def habits(self) -> list[str]:
        return [habit["name"] for habit in self.api("/habits/").json]
