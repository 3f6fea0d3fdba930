"""One environment under test: its files, the installed command as a user runs it, and what the engine holds of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import docker
import docker.errors

from tests.command_line import carry_out, needs_process
from tests.quick_check import passing_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.recording_proxy import RecordedRequest, RecordingProxy

LABEL = "provisioner.environment"
# A service that starts at once, stops at once and is known to be ready after a tenth of a second.
QUICK = {
    "image": "busybox:1.36",
    "command": ["sleep", "infinity"],
    "stop_signal": "SIGKILL",
    "healthcheck": passing_once(),
}


def service(**more: Any) -> dict[str, Any]:
    """A quick service with further keys."""
    return {**QUICK, **more}


@dataclass(frozen=True)
class Outcome:
    """How one run of the command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The last line of an apply or destroy with --json."""
        last = self.lines[-1]
        assert last.get("type") == "summary", self.text
        return last

    @property
    def text(self) -> str:
        return f"exit code {self.code}\n{self.stdout}\n{self.stderr}"

    @property
    def errors(self) -> str:
        """What went wrong, as it is told: messages, hints and evidence."""
        return json.dumps(self.summary["failures"], ensure_ascii=False)

    def __str__(self) -> str:
        return self.text


@dataclass
class Environment:
    """`url` is the engine's address, `proxy` the one in front of it that the command talks to where it is given."""

    folder: Path
    project: str
    engine: docker.DockerClient
    url: str
    proxy: RecordingProxy | None = None

    def write(self, playbook: Mapping[str, Any] | str, name: str = "compose.yaml") -> None:
        """Write a file of the environment; a mapping is written as YAML with the project's name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = playbook if isinstance(playbook, str) else json.dumps({"name": self.project, **playbook}, indent=1)
        path.write_text(text, encoding="utf-8")

    @property
    def subnets(self) -> tuple[str, str]:
        """Two address pools that no other environment uses."""
        third, fourth = bytes.fromhex(self.project[-4:])
        return f"10.{200 + third % 50}.{fourth}.0/28", f"10.{200 + third % 50}.{fourth}.16/28"

    def services(self, **services: Mapping[str, Any]) -> None:
        self.write({"services": services})

    # The command -----------------------------------------------------------------------------------------------

    def arguments(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "provisioner", *arguments, "-f", "compose.yaml"]

    def surroundings(self, **more: str) -> dict[str, str]:
        host = self.proxy.url if self.proxy else self.url
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PROVISION")}
        return {**kept, "DOCKER_HOST": host, "NO_COLOR": "1", **more}

    def run(self, *arguments: str, timeout: float = 120, **variables: str) -> Outcome:
        """The command, in this process where that makes no difference, to its end."""
        line, surroundings = self.arguments(*arguments), self.surroundings(**variables)
        if needs_process(line[3:]):
            done = subprocess.run(
                line, cwd=self.folder, env=surroundings, capture_output=True, text=True, timeout=timeout, check=False
            )
            outcome = Outcome(done.returncode, done.stdout, done.stderr)
        else:
            ended = carry_out(line[3:], folder=self.folder, environment=surroundings)
            outcome = Outcome(ended.code, ended.stdout, ended.stderr)
        assert "Traceback" not in outcome.text, outcome.text
        return outcome

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """The command in the background, in a process group of its own."""
        return subprocess.Popen(
            self.arguments(*arguments), cwd=self.folder, env=self.surroundings(**variables), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def plan(self, *arguments: str, **variables: str) -> dict[str, Any]:
        outcome = self.run("plan", "--json", *arguments, **variables)
        assert outcome.code == 0, outcome
        plan: dict[str, Any] = json.loads(outcome.stdout)
        return plan

    def apply(self, *arguments: str, code: int = 0, **variables: str) -> Outcome:
        outcome = self.run("apply", "--yes", "--json", *arguments, **variables)
        assert outcome.code == code, outcome
        return outcome

    def destroy(self, *arguments: str, code: int = 0) -> Outcome:
        outcome = self.run("destroy", "--yes", "--json", *arguments)
        assert outcome.code == code, outcome
        return outcome

    @property
    def ledger(self) -> str:
        """The name of what keeps the revisions, as `objects` says it; `destroy` leaves it."""
        return f"container {self.project}.ledger"

    # What it holds ---------------------------------------------------------------------------------------------

    def container(self, name: str) -> Any:
        """A container by its name without the project: `web-1`."""
        return self.engine.containers.get(f"{self.project}-{name}")

    def network(self, name: str = "default") -> Any:
        return self.engine.networks.get(f"{self.project}_{name}")

    def objects(self) -> set[str]:
        """Every object that is there under the project's name or label, by kind and name, images aside."""
        return set(self.inventory())

    def inventory(self) -> dict[str, tuple[str, ...]]:
        """Name to what may not change in a run that changes nothing: id, creation, start, restarts, attachments."""
        api = self.engine.api
        found = {}
        for one in api.containers(all=True):
            name = (one["Names"] or ["/"])[0].lstrip("/")
            # What is left of a task that ended is removed by the Swarm, whenever it comes to it.
            left = one["State"] != "running" and "com.docker.swarm.task.id" in one["Labels"]
            if self._ours(name, one["Labels"]) and not left:
                try:
                    raw = api.inspect_container(one["Id"])
                except docker.errors.NotFound:
                    continue
                networks = ",".join(sorted(raw["NetworkSettings"]["Networks"]))
                state = raw["State"]
                found[f"container {name}"] = (
                    raw["Id"], raw["Created"], state["StartedAt"], state["Status"], str(raw["RestartCount"]), networks
                )  # fmt: skip
        for one in api.networks():
            if self._ours(one["Name"], one["Labels"]):
                found[f"network {one['Name']}"] = (one["Id"], one["Created"])
        for one in api.volumes()["Volumes"] or ():
            if self._ours(one["Name"], one["Labels"]):
                found[f"volume {one['Name']}"] = (one["CreatedAt"],)
        return found

    def _ours(self, name: str, labels: Mapping[str, str] | None) -> bool:
        return name.startswith((f"{self.project}-", f"{self.project}_", f"{self.project}.")) or (labels or {}).get(
            LABEL
        ) == (self.project)

    def deny_removals(self, *, always: str = "") -> None:
        """404 for the first removal of every object without asking the engine, for those of kind `always` each time."""
        seen: set[str] = set()

        def strikes(request: RecordedRequest) -> bool:
            again = request.path in seen and not (always and request.path.startswith(f"/{always}/"))
            seen.add(request.path)
            return request.method == "DELETE" and not again

        assert self.proxy is not None
        self.proxy.clear()
        self.proxy.fail(1, "status:404", times=1000, where=strikes)

    # What must hold --------------------------------------------------------------------------------------------

    def require_inert(self, *arguments: str) -> None:
        """A further apply says that nothing changed, asks the engine to change nothing, and nothing is different."""
        assert self.proxy is not None
        before = self.inventory()
        self.proxy.clear()
        again = self.apply(*arguments)
        assert again.summary["changed"] == 0, again
        assert [str(request) for request in self.proxy.mutating] == []
        assert self.inventory() == before
        plan = self.run("plan", "--detailed-exitcode", "--json", *arguments)
        assert plan.code == 0, plan
        assert json.loads(plan.stdout)["changes"] == []


def differences(plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every difference of a plan: address and field."""
    return [(change["address"], one["path"]) for change in plan["changes"] for one in change["differences"]]


def interrupt(process: subprocess.Popen[str]) -> None:
    """What Ctrl-C sends."""
    os.killpg(process.pid, signal.SIGINT)


def addresses(plan: Mapping[str, Any]) -> Iterator[str]:
    return (change["address"] for change in plan["changes"])
