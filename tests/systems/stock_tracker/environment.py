"""A stock-tracker environment under test: its prices, in the database, behind the API and on the stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.systems import environment

SERVICES = ("timescaledb", "redis", "backend", "frontend")


@dataclass(frozen=True, slots=True)
class Environment(environment.Environment):
    """It collects as often as the tests say."""

    SYSTEM: ClassVar[str] = "stock-tracker"
    PORTS: ClassVar[tuple[str, ...]] = ("FRONTEND_PORT", "BACKEND_PORT", "POSTGRES_PORT", "REDIS_PORT")
    HOST: ClassVar[str] = "STOCK_HOST"

    def sql(self, statement: str) -> str:
        """What psql prints for a statement."""
        return self.run_in("timescaledb", f'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -tAc "{statement}"')

    def stored(self) -> int:
        """How many prices have been stored."""
        return int(self.sql("select count(*) from ticks"))

    def page(self, path: str) -> environment.Answer:
        """Ask the page's server."""
        return environment.ask(f"{self.url('FRONTEND_PORT')}{path}")

    def limits(self) -> dict[str, int]:
        """The memory limit of each service, in bytes."""
        return {name: self.container(name).attrs["HostConfig"]["Memory"] for name in SERVICES}

    def declared(self) -> dict[str, Any]:
        """The playbook's services with the documented defaults."""
        import json

        answer = self.provision("config", "--format", "json", variables={})
        assert answer.code == 0, answer.everything
        return dict(json.loads(answer.output)["services"])
