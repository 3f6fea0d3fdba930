"""The tools that are compared, each with its own files for the same environment, and its words for each step."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.floor import Floor
from benchmarks.measuring import Cost, run_here, run_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# In the order in which an environment lives.
CONFIG, PLAN, COLD, NOTHING, CHANGED, REMOVE = "config", "plan", "cold", "nothing", "changed", "remove"
STEPS = (CONFIG, PLAN, COLD, NOTHING, CHANGED, REMOVE)
OURS, BARE, STACK = "provision", "the engine itself", "docker stack deploy"


@dataclass(frozen=True)
class Shape:
    """An environment: services on one network, each fifth with a volume; `replicas` None for a plain engine."""

    services: int
    image: str
    replicas: int | None = None
    copies: int = 1

    def compose(self, project: str, word: str) -> dict[str, Any]:
        """Its Compose file; `word` is in one service only."""
        services = {f"s{i:04}": self._service(i, word) for i in range(self.services)}
        return {"name": project, "services": services, "volumes": {f"v{i}": {} for i in self.volumes}}

    @property
    def volumes(self) -> range:
        return range(0, self.services, 5)

    def _service(self, index: int, word: str) -> dict[str, Any]:
        said: dict[str, Any] = {
            "image": self.image,
            "command": ["sleep", "infinity"],
            "environment": {"WORD": word if index == 1 or self.services == 1 else "the same"},
        }
        if index in self.volumes:
            said["volumes"] = [f"v{index}:/data"]
        if self.replicas is not None:
            return {**said, "deploy": {"replicas": self.replicas}}
        copies = {"deploy": {"replicas": self.copies}} if self.copies > 1 else {}
        return {**said, **copies, "init": True, "restart": "unless-stopped"}

    def ansible(self, project: str, word: str, state: str) -> list[dict[str, Any]]:
        """Its Ansible play."""
        there = state != "absent"
        network, prefix = f"{project}_default", "community.docker.docker_"
        tasks: list[dict[str, Any]] = [
            {f"{prefix}container": self._container(project, network, index, word, state)}
            for index in range(self.services)
        ]
        around = [{f"{prefix}network": {"name": network, "state": "present" if there else "absent"}}]
        around += [
            {f"{prefix}volume": {"name": f"{project}_v{i}", "state": "present" if there else "absent"}}
            for i in self.volumes
        ]
        ordered = [*around, *tasks] if there else [*tasks, *around]
        return [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": ordered}]

    def _container(self, project: str, network: str, index: int, word: str, state: str) -> dict[str, Any]:
        name = f"{project}-s{index:04}-1"
        if state == "absent":
            return {"name": name, "state": "absent", "force_kill": True}
        said = self._service(index, word)
        volumes = [f"{project}_{one}" for one in said.get("volumes", ())]
        return {
            "name": name, "image": self.image, "command": said["command"], "env": said["environment"], "init": True,
            "restart_policy": "unless-stopped", "networks": [{"name": network}], "volumes": volumes,
            "networks_cli_compatible": True, "state": state, "pull": "never",
        }  # fmt: skip


class Tool(Protocol):
    """Something that makes environments."""

    name: str

    @property
    def does(self) -> frozenset[str]:
        """The steps that it knows."""
        ...

    def run(self, step: str, project: str, shape: Shape, url: str) -> Cost:
        """Do a step, from the state that the step before left. RunFailed where it fails."""
        ...


@dataclass
class Program:
    """A tool that is a program: `lines` are its command lines by step, `files` what writes its files."""

    name: str
    lines: Mapping[str, Sequence[str]]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    # For tools that are told to bring about a state, not to read a file of what there is.
    plays: bool = False

    @property
    def does(self) -> frozenset[str]:
        return frozenset(self.lines)

    def run(self, step: str, project: str, shape: Shape, url: str) -> Cost:
        word = "after" if step in (CHANGED, REMOVE) else "before"
        content: Any = shape.compose(project, word)
        if self.plays:
            content = shape.ansible(project, word, "absent" if step == REMOVE else "started")
        if self.name == OURS and shape.replicas is not None:
            content["engine"] = {"mode": "swarm"}
        if self.name == STACK:
            content.pop("name")
            content["version"] = "3.8"
        # JSON is YAML.
        (self.folder / "compose.yaml").write_text(json.dumps(content), encoding="utf-8")
        line = [one.replace("PROJECT", project) for one in self.lines[step]]
        return run_program(line, self.folder, {"DOCKER_HOST": url, **self.variables})


class Bare:
    """The requests without which nothing can be made, looked at or removed, and nothing else."""

    name = BARE
    does = frozenset({COLD, NOTHING, REMOVE})

    def run(self, step: str, project: str, shape: Shape, url: str) -> Cost:
        floor = Floor(url, project, shape.compose(project, ""))
        work = {COLD: floor.make, NOTHING: floor.look, REMOVE: floor.remove}[step]
        return run_here(work)


def provision(folder: Path) -> Program:
    """This very provision."""
    line = [sys.executable, "-m", "provisioner"]
    # The folder of the environment is another than that of the sources.
    apply = [*line, "apply", "--yes", "-f", "compose.yaml"]
    return Program(
        OURS,
        {
            CONFIG: [*line, "config", "-f", "compose.yaml"],
            PLAN: [*line, "plan", "-f", "compose.yaml"],
            COLD: apply,
            NOTHING: apply,
            CHANGED: apply,
            REMOVE: [*line, "destroy", "--yes", "--volumes", "--history", "-f", "compose.yaml"],
        },
        folder,
        {"NO_COLOR": "1"},
    )


def compose(folder: Path, program: str, *, waits: bool) -> Program:
    """Docker Compose; `waits`: with `--wait`, as provision does."""
    line = [program, *(["compose"] if program.endswith("docker") else []), "-f", "compose.yaml"]
    up = [*line, "up", "-d", *(["--wait"] if waits else [])]
    steps = {COLD: up, NOTHING: up, CHANGED: up, REMOVE: [*line, "down", "--volumes"]}
    name = "Compose, --wait" if waits else "Compose"
    return Program(name, steps if waits else {CONFIG: [*line, "config"], **steps}, folder)


def stack(folder: Path, docker: str) -> Program:
    """`docker stack deploy`, which returns before anything runs."""
    deploy = [docker, "stack", "deploy", "--resolve-image", "never", "-c", "compose.yaml", "PROJECT"]
    return Program(
        STACK, {COLD: deploy, NOTHING: deploy, CHANGED: deploy, REMOVE: [docker, "stack", "rm", "PROJECT"]}, folder
    )


def ansible(folder: Path, program: str, collections: str) -> Program:
    """Ansible's community.docker, one task for each object."""
    beside = Path(program).with_name("python")
    interpreter = ["-e", f"ansible_python_interpreter={beside}"] if beside.exists() else []
    line = [program, "-i", "localhost,", *interpreter, "compose.yaml"]
    variables = {"ANSIBLE_COLLECTIONS_PATH": collections} if collections else {}
    return Program("Ansible", dict.fromkeys((COLD, NOTHING, CHANGED, REMOVE), line), folder, variables, plays=True)


def found_compose(given: str | None) -> str | None:
    """Compose's own program, or the docker that has it as a plugin; None where there is none."""
    if given:
        return given
    if alone := shutil.which("docker-compose"):
        return alone
    docker = shutil.which("docker")
    has = docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0
    return docker if has else None
