"""One campaign environment under test, driven as a user drives it: with the `provision` command in a project folder.

It knows the names that a user sees on the engine, and nothing of the package.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import docker
    from docker.models.containers import Container

ROOT = Path(__file__).parents[3]
PLAYBOOKS = ROOT / "playbooks" / "campaign"
PROVISION = Path(sys.executable).parent / "provision"
OWN = ("api", "rules-engine", "scheduler", "frontend")
SERVICES = ("postgres", "redis", "minio", *OWN)
ONE_SHOTS = ("migrate", "create-bucket")
SECRETS = ("POSTGRES_PASSWORD", "JWT_SECRET", "S3_ACCESS_KEY", "S3_SECRET_KEY")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command ended with."""

    code: int
    output: str
    messages: str

    @property
    def everything(self) -> str:
        return f"{self.output}\n{self.messages}"

    @property
    def summary(self) -> str:
        """The last line of the results."""
        return self.output.rstrip().rpartition("\n")[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Environment:
    """A copy of the playbooks with an environment of its own, so that nobody's environment or .env.local is touched.

    `host` is where its published ports are; `shell` is added to what its commands have in their environment. `playbook`
    is the playbook's name where it is not the environment's.
    """

    folder: Path
    name: str
    engine: docker.DockerClient
    host: str = "127.0.0.1"
    variables: Mapping[str, str] = field(default_factory=dict)
    shell: Mapping[str, str] = field(default_factory=dict)
    playbook: str = ""

    @classmethod
    def make(
        cls,
        folder: Path,
        name: str,
        extends: str,
        engine: docker.DockerClient,
        *,
        host: str = "127.0.0.1",
        shell: Mapping[str, str] | None = None,
    ) -> Environment:
        """Copy the playbooks and their secrets' declarations, and add the environment `name`, on ports of its own."""
        copy = copied(folder)
        (copy / f"{name}.yml").write_text(f"extends: {extends}.yml\nenvironment: {name}\n", encoding="utf-8")
        names = ("FRONTEND_PORT", "API_PORT", "S3_PORT", "S3_CONSOLE_PORT", "POSTGRES_PORT")
        ports = {each: str(unused_port()) for each in names}
        return cls(folder, name, engine, host, {"CAMPAIGN_HOST": host, **ports}, shell or {})

    @property
    def project(self) -> str:
        """The first part of the name of everything this environment owns on the engine."""
        return f"campaign-{self.name}"

    @property
    def playbooks(self) -> Path:
        return self.folder / "playbooks" / "campaign"

    def provision(
        self, command: str, *arguments: str, shell: Mapping[str, str] | None = None, timeout: float = 900
    ) -> Outcome:
        """Run a command on this environment, with its own variables."""
        return run(
            self.folder,
            f"campaign/{self.playbook or self.name}",
            command,
            *arguments,
            variables=self.variables,
            shell=self.shell if shell is None else shell,
            timeout=timeout,
        )

    def apply(self, *arguments: str) -> Outcome:
        """Bring it up; the test fails with the command's own words when that does not work."""
        outcome = self.provision("apply", "--yes", *arguments)
        assert outcome.code == 0, outcome.everything
        return outcome

    def container(self, service: str) -> Container:
        """The one container of a service."""
        found = [each for each in self.containers() if each.name.startswith(f"{self.project}-{service}-")]
        assert len(found) == 1, f"{service}: expected one container, found {[each.name for each in found]}"
        return found[0]

    def containers(self) -> list[Container]:
        """Every container of this environment, running or not."""
        everything = self.engine.containers.list(all=True, ignore_removed=True)
        return [each for each in everything if each.name.startswith(f"{self.project}-")]

    def volumes(self) -> list[str]:
        return sorted(each.name for each in self.engine.volumes.list() if each.name.startswith(self.project))

    def networks(self) -> list[str]:
        return sorted(each.name for each in self.engine.networks.list() if each.name.startswith(self.project))

    def run_in(self, service: str, command: str) -> str:
        """What a shell's command prints in a service's container."""
        code, output = self.container(service).exec_run(["sh", "-c", command], stderr=True)
        assert code == 0, output.decode()
        return str(output.decode().strip())

    def sql(self, statement: str) -> str:
        """What psql prints for a statement."""
        return self.run_in("postgres", f'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -tAc "{statement}"')

    def secrets(self) -> dict[str, str]:
        """The values in its .env.local."""
        text = (self.playbooks / ".env.local").read_text(encoding="utf-8")
        pairs = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: value.strip("'\"") for name, _, value in pairs}

    def url(self, port: str = "FRONTEND_PORT") -> str:
        return f"http://{self.host}:{self.variables[port]}"

    def ask(self, path: str, document: Any = None, *, token: str = "", port: str = "FRONTEND_PORT") -> Answer:
        """GET, or POST a document, through the frontend unless another port is named."""
        headers = {"Accept": "text/html, application/json", "Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = None if document is None else json.dumps(document).encode()
        return request(urllib.request.Request(f"{self.url(port)}{path}", body, headers))

    def upload(self, path: str, content: bytes, kind: str, token: str) -> Answer:
        headers = {"Content-Type": kind, "Authorization": f"Bearer {token}"}
        return request(urllib.request.Request(f"{self.url()}{path}", content, headers, method="PUT"))

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


def copied(folder: Path) -> Path:
    """A project folder with the campaign's playbooks and secrets' declarations; its playbooks' path."""
    copy = folder / "playbooks" / "campaign"
    shutil.copytree(PLAYBOOKS, copy, ignore=shutil.ignore_patterns(".env", ".env.local", ".provision", "node_modules"))
    (folder / "secrets").mkdir()
    shutil.copy(ROOT / "secrets" / "campaign.yml", folder / "secrets")
    return copy


def run(
    folder: Path,
    target: str,
    command: str,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    shell: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> Outcome:
    """`provision COMMAND TARGET` in a project folder."""
    line = [str(PROVISION), "-C", str(folder)]
    for name, value in (variables or {}).items():
        line += ["-e", f"{name}={value}"]
    line += [command, target, *arguments]
    done = subprocess.run(
        line, capture_output=True, text=True, timeout=timeout, check=False, env={**os.environ, **(shell or {})}
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def request(asked: urllib.request.Request) -> Answer:
    """The answer, whatever its status is."""
    try:
        with urllib.request.urlopen(asked, timeout=15) as response:
            return Answer(response.status, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())


def eventually(holds: Callable[[], bool], *, within: float) -> bool:
    """Ask until it holds, for `within` seconds at most."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.25)
    return True


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
