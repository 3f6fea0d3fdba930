"""A telecom environment under test: its events and what its dashboard says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.systems import environment
from tests.systems.environment import ROOT, Answer

PLAYBOOKS = ROOT / "playbooks" / "telecom"
SERVICES = ("postgres", "ingest", "pmgen", "grafana")


@dataclass(frozen=True, slots=True)
class Environment(environment.Environment):
    """It measures as often as the tests say."""

    SYSTEM: ClassVar[str] = "telecom"
    PORTS: ClassVar[tuple[str, ...]] = ("INGEST_PORT", "GRAFANA_PORT")

    def generated_events(self) -> int:
        """How many events of the generator have been stored."""
        return int(self.sql("select count(*) from pm_events where element like 'gnb-%'"))

    def post_event(self, body: bytes) -> Answer:
        """Send a body to ingest."""
        return environment.ask(f"{self.url('INGEST_PORT')}/v1/events/pm", body)

    def grafana(self, path: str, document: Any = None) -> Answer:
        """Ask Grafana as somebody who has not logged in."""
        return environment.ask(f"{self.url('GRAFANA_PORT')}{path}", document)
