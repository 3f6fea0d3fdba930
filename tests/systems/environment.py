"""One environment of a system under test, driven as a user drives it: with `provision` in a project folder of its own.

It knows the names that a user sees on the engine, and nothing of the package. A system adds what only it has.
"""

from __future__ import annotations

import ipaddress
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tests.command_line import carry_out, needs_process
from tests.ports import unused_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import docker
    from docker.models.containers import Container

ROOT = Path(__file__).parents[2]
PROVISION = Path(sys.executable).parent / "provision"

_LEFT_OUT = shutil.ignore_patterns(
    ".env", ".env.local", ".env.*.local", ".provision", "node_modules", "__pycache__", ".pytest_cache", ".venv"
)


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
    """A copy of a system's playbooks with an environment of its own: nobody's environment or .env.local is touched.

    `host` is where its published ports are; `shell` is added to what its commands have in their environment. `playbook`
    is the playbook's name where it is not the environment's.
    """

    SYSTEM: ClassVar[str]
    # The variables of its published ports; each gets a free port of its own.
    PORTS: ClassVar[tuple[str, ...]] = ()
    # The variable that tells the playbook's own checks where published ports are.
    HOST: ClassVar[str] = ""

    folder: Path
    name: str
    engine: docker.DockerClient
    host: str = "127.0.0.1"
    variables: Mapping[str, str] = field(default_factory=dict)
    shell: Mapping[str, str] = field(default_factory=dict)
    playbook: str = ""
    profiles: tuple[str, ...] = ()

    @classmethod
    def make(
        cls,
        folder: Path,
        name: str,
        extends: str,
        engine: docker.DockerClient,
        *,
        host: str = "127.0.0.1",
        variables: Mapping[str, str] | None = None,
        shell: Mapping[str, str] | None = None,
        profiles: tuple[str, ...] = (),
    ) -> Self:
        """Copy the playbooks and their secrets' declarations, and add the environment `name`, on ports of its own."""
        playbooks = copied(cls.SYSTEM, folder)
        (playbooks / f"{name}.yml").write_text(f"extends: {extends}.yml\nenvironment: {name}\n", encoding="utf-8")
        own = {each: str(unused_port()) for each in cls.PORTS} | ({cls.HOST: host} if cls.HOST else {})
        return cls(folder, name, engine, host, {**own, **(variables or {})}, shell or {}, profiles=profiles)

    @property
    def project(self) -> str:
        """The first part of the name of everything this environment owns on the engine."""
        return f"{self.SYSTEM}-{self.name}"

    @property
    def playbooks(self) -> Path:
        return self.folder / "playbooks" / self.SYSTEM

    def provision(
        self,
        command: str,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        shell: Mapping[str, str] | None = None,
        profiles: tuple[str, ...] | None = None,
        timeout: float = 900,
    ) -> Outcome:
        """Run a command on this environment, with its own variables, shell and profiles unless others are given."""
        return run(
            self.folder,
            f"{self.SYSTEM}/{self.playbook or self.name}",
            command,
            *arguments,
            variables=self.variables if variables is None else variables,
            shell=self.shell if shell is None else shell,
            profiles=self.profiles if profiles is None else profiles,
            timeout=timeout,
        )

    def apply(self, *arguments: str, **options: Any) -> Outcome:
        """Bring it up; the test fails with the command's own words when that does not work."""
        outcome = self.provision("apply", "--yes", *arguments, **options)
        assert outcome.code == 0, outcome.everything
        return outcome

    def container(self, service: str) -> Container:
        """The one container of a service."""
        found = self.replicas(service)
        assert len(found) == 1, f"{service}: expected one container, found {[each.name for each in found]}"
        return found[0]

    def replicas(self, service: str) -> list[Container]:
        """Every container of a service, in the order of their names."""
        found = [each for each in self.containers() if each.name.startswith(f"{self.project}-{service}-")]
        return sorted(found, key=lambda each: str(each.name))

    def containers(self) -> list[Container]:
        """Every container of this environment, running or not."""
        # Each that is listed is inspected: those of others on the same engine are not asked for.
        found = self.engine.containers.list(all=True, ignore_removed=True, filters={"name": f"{self.project}-"})
        return [each for each in found if each.name.startswith(f"{self.project}-")]

    def volumes(self) -> list[str]:
        """The names of its volumes."""
        return sorted(each.name for each in self.engine.volumes.list() if each.name.startswith(self.project))

    def networks(self) -> list[str]:
        """The names of its networks."""
        return sorted(each.name for each in self.engine.networks.list() if each.name.startswith(self.project))

    def health(self, service: str) -> str:
        """What its health check says of a service's one container."""
        return str(self.container(service).attrs["State"]["Health"]["Status"])

    def identities(self) -> dict[str, tuple[str, str, str]]:
        """What changes when a container is made anew or started again."""
        return {
            each.name: (each.id, each.attrs["Created"], each.attrs["State"]["StartedAt"]) for each in self.containers()
        }

    def published(self, service: str) -> dict[str, str]:
        """The host ports of a service by its own ports. All of them have to be on loopback."""
        bindings = self.container(service).attrs["HostConfig"]["PortBindings"] or {}
        assert all(entry["HostIp"] == "127.0.0.1" for entries in bindings.values() for entry in entries)
        return {port: entries[0]["HostPort"] for port, entries in bindings.items()}

    def run_in(self, service: str, command: str) -> str:
        """What a shell's command prints in a service's container."""
        code, output = self.container(service).exec_run(["sh", "-c", command], stderr=True)
        assert code == 0, output.decode()
        return str(output.decode().strip())

    def sql(self, statement: str) -> str:
        """What psql prints for a statement."""
        return self.run_in("postgres", f'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -tAc "{statement}"')

    @property
    def secret_file(self) -> Path:
        """The file with the values that were generated: that of the environment, else the one for all."""
        return next(iter([*sorted(self.playbooks.glob(".env.*.local")), self.playbooks / ".env.local"]))

    def secrets(self) -> dict[str, str]:
        """The values in its secret file."""
        text = self.secret_file.read_text(encoding="utf-8")
        pairs = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: value.strip("'\"") for name, _, value in pairs}

    def url(self, port: str) -> str:
        """The address of what is published on the port that the variable `port` names."""
        return f"http://{self.host}:{self.variables[port]}"

    def exposed(self) -> str:
        """All that the engine, the logs and the commands show of it: no secret's value is to be there."""
        running = [each for each in self.containers() if each.status == "running"]
        images = [each.image for each in self.containers()]
        parts = [json.dumps([each.attrs for each in self.containers()])]
        parts += [each.logs().decode(errors="replace") for each in self.containers()]
        parts += [json.dumps(each.top()) for each in running]
        parts += [json.dumps([image.history() for image in images if image is not None])]
        parts += [self.provision(command).everything for command in ("plan", "status", "config", "logs")]
        return "\n".join(parts)


def copied(system: str, folder: Path) -> Path:
    """A project folder with a system's playbooks and secrets' declarations; its playbooks' path."""
    copy = folder / "playbooks" / system
    shutil.copytree(ROOT / "playbooks" / system, copy, ignore=_LEFT_OUT)
    declarations = ROOT / "secrets" / f"{system}.yml"
    if declarations.exists():
        (folder / "secrets").mkdir()
        shutil.copy(declarations, folder / "secrets")
    return copy


def run(
    folder: Path,
    target: str,
    command: str,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    shell: Mapping[str, str] | None = None,
    profiles: tuple[str, ...] = (),
    timeout: float = 600,
    within: tuple[str, ...] = (),
) -> Outcome:
    """`provision COMMAND TARGET` in a project folder; the command may be of two words. `within` stands before it.

    In this process where that makes no difference: where nothing stands before it, and nobody else does so meanwhile.
    """
    line = ["-C", str(folder)]
    for name, value in (variables or {}).items():
        line += ["-e", f"{name}={value}"]
    for profile in profiles:
        line += ["--profile", profile]
    line += [*command.split(), target, *arguments]
    surroundings = {**os.environ, **(shell or {})}
    if not within and threading.current_thread() is threading.main_thread() and not needs_process(line):
        ended = carry_out(line, folder=folder, environment=surroundings)
        return Outcome(ended.code, ended.stdout, ended.stderr)
    done = subprocess.run(
        [*within, str(PROVISION), *line], capture_output=True, text=True, timeout=timeout, check=False, env=surroundings
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


def ask(
    url: str, document: Any = None, *, method: str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """GET, or POST where there is a document: JSON, or the bytes as they are."""
    body = document if document is None or isinstance(document, bytes) else json.dumps(document).encode()
    given = {"Accept": "text/html, application/json", "Content-Type": "application/json", **(headers or {})}
    return request(urllib.request.Request(url, body, given, method=method))


def eventually(holds: Callable[[], bool], *, within: float) -> bool:
    """Ask until it holds, for `within` seconds at most."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.25)
    return True


def unused_subnet(engine: docker.DockerClient) -> str:
    """A /24 of which no network of the engine has a part."""
    taken = [
        ipaddress.ip_network(pool["Subnet"])
        for network in engine.networks.list()
        for pool in (network.attrs.get("IPAM") or {}).get("Config") or []
    ]
    while True:
        subnet = ipaddress.ip_network(f"10.{random.randint(100, 250)}.{random.randint(0, 255)}.0/24")
        if not any(subnet.version == other.version and subnet.overlaps(other) for other in taken):
            return str(subnet)
