"""One telecom environment under test, driven as a user drives it: with the `provision` command in a project folder.

It knows the names that a user sees on the engine, and nothing of the package.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker
    from docker.models.containers import Container

PLAYBOOKS = Path(__file__).parents[3] / "playbooks" / "telecom"
SERVICES = ("postgres", "ingest", "pmgen", "grafana")
PROVISION = Path(sys.executable).parent / "provision"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command ended with."""

    code: int
    output: str
    messages: str

    @property
    def summary(self) -> str:
        """The last line of the results."""
        return self.output.rstrip().rpartition("\n")[2]


@dataclass(frozen=True, slots=True)
class Environment:
    """A copy of the playbooks with an environment of its own, so that nobody's environment or .env.local is touched."""

    folder: Path
    name: str
    ingest_port: int
    grafana_port: int
    engine: docker.DockerClient

    @classmethod
    def make(cls, folder: Path, name: str, extends: str, engine: docker.DockerClient) -> Environment:
        """Copy playbooks/telecom into `folder` and add the environment `name`, which extends another one."""
        copy = folder / "playbooks" / "telecom"
        shutil.copytree(PLAYBOOKS, copy, ignore=shutil.ignore_patterns(".env.local", "__pycache__"))
        (copy / f"{name}.yml").write_text(f"extends: {extends}.yml\n", encoding="utf-8")
        return cls(folder, name, _unused_port(), _unused_port(), engine)

    @property
    def project(self) -> str:
        """The first part of the name of everything this environment owns on the engine."""
        return f"telecom-{self.name}"

    @property
    def variables(self) -> dict[str, str]:
        """What the tests set: ports of their own, and two measurements a second."""
        return {
            "INGEST_PORT": str(self.ingest_port),
            "GRAFANA_PORT": str(self.grafana_port),
            "EMIT_INTERVAL_MS": "500",
        }

    def provision(
        self, command: str, *arguments: str, variables: dict[str, str] | None = None, timeout: float = 300
    ) -> Outcome:
        """Run a command on this environment, with its own variables unless others are given."""
        line = [str(PROVISION), "-C", str(self.folder)]
        for name, value in (self.variables if variables is None else variables).items():
            line += ["-e", f"{name}={value}"]
        line += [command, f"telecom/{self.name}", *arguments]
        done = subprocess.run(line, capture_output=True, text=True, timeout=timeout, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def apply(self) -> Outcome:
        """Bring it up; the test fails with the command's own words when that does not work."""
        outcome = self.provision("apply", "--yes")
        assert outcome.code == 0, f"{outcome.output}\n{outcome.messages}"
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

    def networks(self) -> list[str]:
        """The names of its networks."""
        return [each.name for each in self.engine.networks.list() if each.name.startswith(self.project)]

    def volumes(self) -> list[str]:
        """The names of its volumes."""
        return [each.name for each in self.engine.volumes.list() if each.name.startswith(self.project)]

    def sql(self, statement: str) -> str:
        """What psql prints for a statement, run in the postgres container."""
        code, output = self.container("postgres").exec_run(
            ["psql", "-U", "telecom", "-d", "telecom", "-tAc", statement], stderr=True
        )
        assert code == 0, output.decode()
        return str(output.decode().strip())

    def generated_events(self) -> int:
        """How many events of the generator have been stored."""
        return int(self.sql("select count(*) from pm_events where element like 'gnb-%'"))

    def post_event(self, body: bytes) -> tuple[int, Any]:
        """Send a body to ingest; the status and the answer."""
        return request(f"http://127.0.0.1:{self.ingest_port}/v1/events/pm", body)

    def grafana(self, path: str, document: Any = None) -> tuple[int, Any]:
        """Ask Grafana as somebody who has not logged in."""
        body = None if document is None else json.dumps(document).encode()
        return request(f"http://127.0.0.1:{self.grafana_port}{path}", body)


def request(url: str, body: bytes | None) -> tuple[int, Any]:
    """GET, or POST where there is a body; the status and the JSON answer."""
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=15) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def eventually(holds: Callable[[], bool], *, within: float) -> bool:
    """Ask until it holds, for `within` seconds at most."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.25)
    return True


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
