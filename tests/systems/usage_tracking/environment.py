"""A usage-tracking environment under test: events that are sent, and what is said of them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from tests.systems import environment
from tests.systems.environment import ROOT, Answer, ask

PLAYBOOKS = ROOT / "playbooks" / "usage-tracking"
STORES = ("postgres", "redis")
APPLICATIONS = ("api_gateway", "query_service", "event_processor", "aggregation_service")
CORE = (*STORES, *APPLICATIONS)
MONITORING = ("prometheus", "grafana", "loki", "promtail")
VOLUMES = ("grafana_data", "loki_data", "postgres_data", "prometheus_data", "redis_data")
SECRETS = ("USAGE_DB_PASSWORD", "GF_SECURITY_ADMIN_PASSWORD")
DAY = {"from": "2001-01-01T00:00:00Z", "to": "2001-01-02T00:00:00Z"}


@dataclass(frozen=True, slots=True)
class Environment(environment.Environment):
    """What is asked goes through the port that `entry` names."""

    SYSTEM: ClassVar[str] = "usage-tracking"
    PORTS: ClassVar[tuple[str, ...]] = (
        "POSTGRES_PORT",
        "REDIS_PORT",
        "API_GATEWAY_PORT",
        "QUERY_SERVICE_PORT",
        "NGINX_PORT",
        "PROMETHEUS_PORT",
        "GRAFANA_PORT",
        "LOKI_PORT",
    )
    HOST: ClassVar[str] = "USAGE_HOST"

    @property
    def entry(self) -> str:
        """The variable of the port where the API is: the balancer's where it is in front of everything."""
        return "ENTRY_PORT" if "ENTRY_PORT" in self.variables else "API_GATEWAY_PORT"

    def send(self, *events: dict[str, Any]) -> Answer:
        """POST one event, or several at once."""
        return ask(f"{self.url(self.entry)}/v1/events", events[0] if len(events) == 1 else list(events))

    def event(self, event_id: str) -> Answer:
        return ask(f"{self.url(self.entry)}/v1/events/{event_id}")

    def usage(self, customer: str, metric: str = "requests", **query: str) -> Answer:
        """The sums of a customer, of the first day of 2001 unless another time is asked for."""
        asked = urlencode({"customer": customer, "metric": metric, **DAY, **query})
        port = "ENTRY_PORT" if self.entry == "ENTRY_PORT" else "QUERY_SERVICE_PORT"
        return ask(f"{self.url(port)}/v1/usage?{asked}")

    def total(self, customer: str) -> tuple[int, float]:
        """How many events of a customer were added up, and what they add up to."""
        answer = self.usage(customer)
        assert answer.status == 200, answer
        return answer.json["total"]["events"], answer.json["total"]["quantity"]

    def services(self) -> set[str]:
        """The services that have a container, running or ended."""
        return {each.labels["usage-tracking.service"] for each in self.containers()}

    def prometheus(self, query: str) -> list[tuple[dict[str, str], float]]:
        """What Prometheus answers: labels and value of each series."""
        answer = ask(f"{self.url('PROMETHEUS_PORT')}/api/v1/query?{urlencode({'query': query})}")
        assert answer.status == 200, answer
        return [(each["metric"], float(each["value"][1])) for each in answer.json["data"]["result"]]

    def loki(self, query: str) -> list[tuple[dict[str, str], str]]:
        """The lines that Loki has, with their labels."""
        answer = ask(f"{self.url('LOKI_PORT')}/loki/api/v1/query_range?{urlencode({'query': query, 'limit': 1000})}")
        assert answer.status == 200, answer
        return [(stream["stream"], line) for stream in answer.json["data"]["result"] for _, line in stream["values"]]

    def grafana(self, path: str, document: Any = None) -> Answer:
        """Ask Grafana as somebody who has not logged in."""
        return ask(f"{self.url('GRAFANA_PORT')}{path}", document)

    def log(self, service: str, tail: int = 50) -> list[dict[str, Any]]:
        """The last lines of a service, each a JSON object."""
        return [json.loads(line) for line in self.container(service).logs(tail=tail).decode().splitlines()]


def usage_event(customer: str, **changes: Any) -> dict[str, Any]:
    """An event of noon on the first day of 2001."""
    return {
        "event_id": str(uuid.uuid4()),
        "customer": customer,
        "metric": "requests",
        "quantity": 1,
        "occurred_at": "2001-01-01T12:00:30Z",
        **changes,
    }


def somebody() -> str:
    """A customer whom no other test knows."""
    return f"customer-{uuid.uuid4().hex[:12]}"
