"""The stacks of the corpus brought up as Compose does it, adopted, changed, rolled back and released.

As a command, with a real Compose: `python -m tests.corpus_adoption --compose PATH [--record] [STACK...]` prints a line
for each stack and how many were adopted without a restart and with an empty plan. The tests play the recordings.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker

from tests.command_line import carry_out
from tests.compose_recording import Recording, record, run_compose
from tests.engine_fixtures import remove_project

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CORPUS = Path(__file__).parent / "corpus" / "awesome-compose"
STACKS = tuple(sorted(folder.name for folder in CORPUS.iterdir() if folder.is_dir()))
SUBSTITUTE = "substitute.yaml"


@dataclass(frozen=True)
class Proof:
    """What came of one stack. `problem` is empty where everything held."""

    stack: str
    objects: int = 0
    restarted: int = 0
    planned: tuple[str, ...] = ()
    problem: str = ""

    @property
    def well(self) -> bool:
        return not self.problem and not self.restarted and not self.planned


def lay_out(stack: str, folder: Path, project: str) -> list[str]:
    """Copy a stack and write the overlay that runs a substitute in place of each image; the -f options of both."""
    for file in (CORPUS / stack).iterdir():
        if file.name != "expected.json":
            shutil.copy(file, folder / file.name)
    document = json.loads((CORPUS / stack / "expected.json").read_text())
    (folder / SUBSTITUTE).write_text(substitutes(document, project), encoding="utf-8")
    for secret in document.get("secrets", {}).values():
        place = folder / Path(secret["file"]).relative_to(f"@CORPUS@/{stack}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("as good as any")
    main = next(file.name for file in folder.iterdir() if file.name.startswith("compose."))
    return ["-f", main, "-f", SUBSTITUTE]


def substitutes(document: dict[str, Any], project: str) -> str:
    """The overlay: an image that every test machine has, ports that nobody else has, no name of its own outside."""
    lines = ["services:"]
    for name, service in document["services"].items():
        lines += [f"  {name}:", "    image: busybox:1.36", '    entrypoint: ["sleep", "infinity"]',
                  "    command: !reset null", "    build: !reset null", "    runtime: !reset null",
                  "    platform: !reset null", "    stop_signal: SIGKILL"]  # fmt: skip
        if service.get("ports"):
            targets = [f"127.0.0.1::{port['target']}/{port.get('protocol', 'tcp')}" for port in service["ports"]]
            lines.append(f"    ports: !override {json.dumps(targets)}")
        if service.get("container_name"):
            lines.append(f"    container_name: {project}-{service['container_name']}-own")
        if service.get("user"):
            # The substitute knows other people.
            lines.append('    user: "1000:1000"')
        if service.get("healthcheck"):
            lines.append('    healthcheck: !override {test: ["CMD", "true"], interval: 0.2s}')
    return "\n".join(lines) + "\n"


@dataclass
class Stack:
    """One stack under proof."""

    name: str
    folder: Path
    project: str
    client: docker.DockerClient
    url: str
    files: Sequence[str]

    def provision(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        line = [*arguments, *self.files, "-p", self.project]
        surroundings = {"DOCKER_HOST": self.url, "HOME": str(self.folder), "NO_COLOR": "1", "PATH": "/usr/bin:/bin"}
        ended = carry_out(line, folder=self.folder, environment=surroundings)
        assert ended.code in codes, f"provision {' '.join(line)}: exit code {ended.code}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def pending(self) -> tuple[str, ...]:
        plan = json.loads(self.provision("plan", "--json"))
        return tuple(
            f"{one['address']} {one['action']}: {[d['path'] for d in one['differences']]} {one['reason']}"
            for one in plan["changes"]
        )

    def running(self) -> dict[str, tuple[str, str, int]]:
        """Start time and restarts of every container, by its id."""
        filters = {"label": f"com.docker.compose.project={self.project}"}
        listed = self.client.api.containers(all=True, filters=filters)
        raws = [self.client.api.inspect_container(one["Id"]) for one in listed]
        return {raw["Id"]: (raw["Name"], raw["State"]["StartedAt"], raw["RestartCount"]) for raw in raws}

    def prove(self, bring_up: Callable[[Stack], None]) -> Proof:
        """Bring it up, adopt it, change it, roll back, release it."""
        bring_up(self)
        before = self.running()
        adopted = json.loads(self.provision("adopt", "--yes", "--json"))
        moved = sum(1 for key, value in self.running().items() if before.get(key) != value)
        proof = Proof(self.name, len(adopted["adopted"]), moved, self.pending())
        if not proof.well:
            return proof
        self._change_and_go_back()
        self.provision("adopt", "--release", "--yes")
        text = self.provision("plan", codes=(0, 1))
        left = [raw for raw in self.running() if raw in before]
        if left and "provision adopt" not in text:
            return Proof(self.name, problem=f"a released stack is not told to be adopted: {text}")
        return proof

    def _change_and_go_back(self) -> None:
        overlay = self.folder / SUBSTITUTE
        text = overlay.read_text()
        name = next(line for line in text.splitlines()[1:] if line.endswith(":") and line.startswith("  "))
        overlay.write_text(text.replace(f"{name}\n", f"{name}\n    labels: {{changed: 'yes'}}\n", 1))
        changed = self.pending()
        assert len([one for one in changed if one.startswith("service.")]) >= 1, changed
        self.provision("apply", "--yes")
        assert self.pending() == ()
        self.provision("rollback", "--yes")
        overlay.write_text(text)
        assert self.pending() == ()


@contextlib.contextmanager
def stack_at(name: str, client: docker.DockerClient, url: str, project: str = "", parent: Path | None = None) -> Any:
    """A stack laid out in a folder of its own; everything of its project is removed afterwards."""
    project = project or f"pt-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(dir=parent) as place:
        folder = Path(place) / project
        folder.mkdir()
        files = lay_out(name, folder, project)
        try:
            yield Stack(name, folder, project, client, url, files)
        finally:
            remove_compose_project(client, project)


def remove_compose_project(client: docker.DockerClient, project: str) -> None:
    """Remove what Compose's labels, or those of provision, call this project's."""
    filters = {"label": f"com.docker.compose.project={project}"}
    for one in client.api.containers(all=True, filters=filters):
        client.api.remove_container(one["Id"], force=True, v=True)
    remove_project(client, project)
    for one in client.api.networks(filters=filters):
        client.api.remove_network(one["Id"])
    for one in client.api.volumes(filters=filters)["Volumes"] or ():
        client.api.remove_volume(one["Name"])


def play(stack: Stack) -> None:
    """Bring a stack up by its recording."""
    Recording.load(f"corpus-{stack.name}").play(stack.client, project=stack.project, folder=stack.folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compose", required=True, help="the docker-compose program")
    parser.add_argument("--record", action="store_true", help="keep what Compose asks, for the tests")
    parser.add_argument("--url", default="unix:///var/run/docker.sock")
    parser.add_argument("stacks", nargs="*", default=list(STACKS))
    chosen = parser.parse_args()

    def bring_up(stack: Stack) -> None:
        compose = [chosen.compose, *stack.files]
        up = ["up", "-d", "--quiet-pull"]
        if chosen.record:
            record(f"corpus-{stack.name}", compose, folder=stack.folder, project=stack.project, url=stack.url,
                   arguments=up)  # fmt: skip
        else:
            run_compose(compose, folder=stack.folder, project=stack.project, url=stack.url, arguments=up)

    proofs = []
    with contextlib.closing(docker.DockerClient(base_url=chosen.url, timeout=120)) as client:
        for name in chosen.stacks or STACKS:
            with stack_at(name, client, chosen.url) as stack:
                try:
                    proof = stack.prove(bring_up)
                except AssertionError as error:
                    proof = Proof(name, problem=str(error))
            proofs.append(proof)
            print(f"{'ok ' if proof.well else 'NOT'} {name}: {proof.objects} objects, {proof.restarted} restarted, "
                  f"pending {list(proof.planned)} {proof.problem}", flush=True)  # fmt: skip
    well = sum(1 for proof in proofs if proof.well)
    print(f"{well} of {len(proofs)} stacks adopted with 0 restarts and an empty plan, changed, rolled back, released")
    return 0 if well == len(proofs) else 1


if __name__ == "__main__":
    raise SystemExit(main())
