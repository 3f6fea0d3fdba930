"""A campaign environment under test: who uses it, and what they make in it."""

from __future__ import annotations

import urllib.request
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from tests.systems import environment
from tests.systems.environment import ROOT, Answer, request

PLAYBOOKS = ROOT / "playbooks" / "campaign"
OWN = ("api", "rules-engine", "scheduler", "frontend")
SERVICES = ("postgres", "redis", "minio", *OWN)
ONE_SHOTS = ("migrate", "create-bucket")
SECRETS = ("POSTGRES_PASSWORD", "JWT_SECRET", "S3_ACCESS_KEY", "S3_SECRET_KEY")


@dataclass(frozen=True, slots=True)
class Environment(environment.Environment):
    """What is asked goes through the frontend unless another port is named."""

    SYSTEM: ClassVar[str] = "campaign"
    PORTS: ClassVar[tuple[str, ...]] = ("FRONTEND_PORT", "API_PORT", "S3_PORT", "S3_CONSOLE_PORT", "POSTGRES_PORT")
    HOST: ClassVar[str] = "CAMPAIGN_HOST"

    def ask(self, path: str, document: Any = None, *, token: str = "", port: str = "FRONTEND_PORT") -> Answer:
        """GET, or POST a document."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return environment.ask(f"{self.url(port)}{path}", document, headers=headers)

    def upload(self, path: str, content: bytes, kind: str, token: str) -> Answer:
        headers = {"Content-Type": kind, "Authorization": f"Bearer {token}"}
        return request(urllib.request.Request(f"{self.url('FRONTEND_PORT')}{path}", content, headers, method="PUT"))

    def token(self) -> str:
        """A token of a new account."""
        account = {"name": f"tester-{uuid.uuid4().hex[:8]}", "password": "a password for tests"}
        made = self.ask("/api/accounts", account)
        assert made.status == 201, made
        return str(self.ask("/api/sessions", account).json["token"])

    def campaign(self, token: str, *, starts: float = -60, ends: float = 3600, **changes: Any) -> str:
        """The id of a new campaign within 500 m of Alexanderplatz; times in seconds from now."""
        now = datetime.now(UTC)
        document = {
            "name": "Opening",
            "longitude": 13.4132,
            "latitude": 52.5219,
            "radius_m": 500,
            "starts_at": (now + timedelta(seconds=starts)).isoformat(),
            "ends_at": (now + timedelta(seconds=ends)).isoformat(),
            **changes,
        }
        made = self.ask("/api/campaigns", document, token=token)
        assert made.status == 201, made
        return str(made.json["id"])
