"""All of production, as playbooks/prod.yml lists it, in a project folder of its own; and the secrets that it needs."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.systems.environment import ROOT, Outcome, run

if TYPE_CHECKING:
    from pathlib import Path

PLAYS = ("Telecom", "Usage tracking", "Campaign", "Ichrisbirch", "Stock tracker")
TARGETS = ("telecom/prod", "usage-tracking/prod", "campaign/prod", "ichrisbirch/prod", "stock-tracker/prod")

# Nothing but letters and digits, so that they fit into a URL; told apart from everything else that may be printed.
_CAMPAIGN, _USAGE, _STOCK = "canary0campaign0db", "canary0usage0db", "canary0stock0db"
_REDIS = "canary0ichrisbirch0redis"
SECRETS = {
    "telecom-prod": {
        "db_password": "canary0telecom0db",
        "dashboard_db_password": "canary0telecom0dashboard",
        "grafana_admin_password": "canary0telecom0grafana",
    },
    "usage-tracking-prod": {
        "postgres_password": _USAGE,
        "database_url": f"postgresql://usage_user:{_USAGE}@postgres:5432/usage_tracking",
        "grafana_admin_password": "canary0usage0grafana",
    },
    "campaign-prod": {
        "postgres_password": _CAMPAIGN,
        "database_url": f"postgres://campaign_user:{_CAMPAIGN}@postgres:5432/campaign_db",
        "jwt_secret": "canary0campaign0jwt00000000000",
        "s3_access_key": "canary0campaign0access",
        "s3_secret_key": "canary0campaign0secret00000000",
    },
    "ichrisbirch-prod": {
        "postgres_password": "canary0ichrisbirch0db",
        "redis_password": _REDIS,
        "redis_conf": f"requirepass {_REDIS}\n",
        "app_secret_key": "canary0ichrisbirch0app00000000",
    },
    "stock-tracker-prod": {
        "db_password": _STOCK,
        "database_url": f"postgresql://stock:{_STOCK}@timescaledb:5432/stock_tracker",
    },
}
# The variables that tell the playbooks' own checks where published ports are.
HOSTS = ("TELECOM_HOST", "USAGE_HOST", "CAMPAIGN_HOST", "APP_HOST", "STOCK_HOST")

_LEFT_OUT = shutil.ignore_patterns(
    ".env", ".env.local", ".provision", "node_modules", "__pycache__", ".pytest_cache", ".venv"
)


@dataclass(frozen=True, slots=True)
class Production:
    """A copy of the checkout's playbooks, driven at the engine `url`; `host` is where its ports are."""

    folder: Path
    url: str
    host: str

    @classmethod
    def make(cls, folder: Path, url: str, host: str) -> Production:
        """Copy all playbooks and the declarations of their secrets."""
        for name in ("playbooks", "secrets"):
            shutil.copytree(ROOT / name, folder / name, ignore=_LEFT_OUT)
        return cls(folder, url, host)

    def provision(self, command: str, *arguments: str, timeout: float = 2400) -> Outcome:
        """`provision COMMAND prod`."""
        return run(
            self.folder, "prod", command, *arguments, variables=dict.fromkeys(HOSTS, self.host),
            shell={"DOCKER_HOST": self.url}, timeout=timeout,
        )  # fmt: skip

    def apply(self, *arguments: str) -> dict[str, Any]:
        """The last line of an apply."""
        outcome = self.provision("apply", "--yes", "--json", *arguments)
        last: dict[str, Any] = json.loads(outcome.summary)
        assert last.get("type") == "summary", outcome.everything
        return {**last, "everything": outcome.everything}
