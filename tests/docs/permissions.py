"""Which requests each command makes of an engine, recorded; docs/permissions.md is made from it.

`python -m tests.docs.permissions` runs every command on a real engine, and on a Swarm in a container, and writes
the page.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import docker

from tests.command_line import carry_out
from tests.docs.pages import PROJECT
from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines
from tests.recording_proxy import RecordingProxy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PAGE = PROJECT / "docs" / "permissions.md"
CONTAINERS, SWARM = "On a plain engine", "On a Swarm"

# The parts of an address that name one object.
_OBJECT = re.compile(
    r"^/(containers|networks|volumes|exec|services|tasks|nodes|secrets|configs)/(?!(?:json|create|prune)$)[^/]+"
)
_IMAGE = re.compile(r"^/images/(?!(?:json|create|load|get|prune)$).+?(?=/(?:json|push|tag|get|history)$|$)")
_DISTRIBUTION = re.compile(r"^/distribution/.+(?=/json$)")
# They are a process of their own here: they read standard input, or end only when what they follow ends.
_PROCESSES = ("exec", "run", "attach", "wait")

PLAYBOOK = """\
name: {project}
services:
  web:
    image: busybox:1.36
    command: [sleep, infinity]
    stop_signal: SIGKILL
    environment: {{ROUND: "${{ROUND:-1}}"}}
    ports: ["127.0.0.1:{port}:80"]
    volumes: ["data:/data"]
    configs: [motd]
    secrets: [token]
    healthcheck: {{test: ["CMD", "true"], interval: 1s}}
    backup: {{command: [cat, /data/x], restore: [sh, -c, "cat > /data/x"], replaces: [data]}}
  other:
    image: busybox:1.36
    command: [sleep, infinity]
    stop_signal: SIGKILL
    volumes: ["files:/files"]
  made:
    image: 127.0.0.1:1/{project}/made:1
    build: {{context: ./made, dockerfile_inline: "FROM busybox:1.36"}}
    command: [sleep, infinity]
    stop_signal: SIGKILL
volumes: {{data: , files: }}
configs: {{motd: {{content: hello}}}}
secrets: {{token: {{generate: {{length: 16}}}}}}
backup: {{to: ./archives}}
verify:
  - {{name: it runs, exec: {{service: web, command: ["true"]}}}}
"""
# What somebody made by hand.
BY_HAND = """\
name: {project}-hand
services: {{web: {{image: "busybox:1.36", command: [sleep, infinity], stop_signal: SIGKILL}}}}
"""

# What is done, in this order. The registry of `push` is not there: the engine is asked all the same.
STORY = """\
doctor
lint
build --
pull
plan
apply --yes
apply --yes
apply --yes -e ROUND=2
plan -e ROUND=3
runbook
status
status --all
ps
top
stats --no-stream
port web 80
images
volumes
ls
logs web
events --since 1m --until 0m
why service.web
drift
verify
history
show 1
diff 1 2
exec -T web true
run --rm -T other true
cp ./note web:/tmp/note
cp web:/tmp/note ./copy
exec -T web sh -c "echo 1 > /data/x"
pause other
unpause other
restart other
scale other=2
scale other=1
wait other
restart other
attach --no-stdin other
restart other
stop other
rm -f other
create other
start other
kill other
start other
up -d --force-recreate web
secrets list
secrets check
secrets rotate token --yes
lock status
backup
restore latest --replace --yes
rehearse latest
clone compose.yaml cloned.yaml --yes
destroy -f cloned.yaml --volumes --yes
adopt -f hand.yaml --yes
export
rollback --yes
push --
import --running {project} -o imported.yaml
down
up -d
destroy --volumes --yes
"""
# What finds something, is killed, or asks a registry that is not there. What any other does not do is not recorded.
ENDS_OTHERWISE = ("lint", "pull", "wait", "attach", "push")


@dataclass(frozen=True, order=True)
class Request:
    """A method, and an address with `{id}` or `{name}` where it names one object."""

    path: str
    method: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def request_of(method: str, path: str) -> Request:
    """A request as a proxy's rules speak of it."""
    path = _OBJECT.sub(r"/\1/{id}", path)
    path = _IMAGE.sub("/images/{name}", path)
    return Request(_DISTRIBUTION.sub("/distribution/{name}", path), method)


def command_of(step: str) -> str:
    """The name under which a step's requests are kept: with the second word where the command is a group."""
    first, second, *_ = [*step.split(), ""]
    return f"{first} {second}" if first in ("secrets", "lock") else first


def recorded(
    url: str, folder: Path, project: str, steps: Iterable[str], *, swarm: bool = False
) -> dict[str, set[Request]]:
    """Carry out the steps on an engine; what each command asked of it. AssertionError for one that asked nothing
    or failed."""
    write(folder, project, swarm=swarm)
    make_by_hand(url, project, swarm=swarm)
    found: dict[str, set[Request]] = {}
    with contextlib.closing(RecordingProxy(url)) as proxy, contextlib.closing(docker.DockerClient(url)) as engine:
        for step in steps:
            command = command_of(step)
            name = f"{project}_other" if swarm else f"{project}-other"
            with ending(engine, proxy, name) if command in ("wait", "attach") else contextlib.nullcontext():
                said = carried_out(step.format(project=project), folder, proxy.url)
            asked = {request_of(request.method, request.path) for request in proxy.requests}
            assert asked, f"{step}: asked nothing\n{said}"
            assert said.startswith("exit code 0") or command in ENDS_OTHERWISE, f"{step}: {said}"
            found.setdefault(command, set()).update(asked)
            proxy.clear()
    return found


def write(folder: Path, project: str, *, swarm: bool) -> None:
    """The playbooks and the files of the story."""
    for name, text, called in (
        ("compose", PLAYBOOK, project),
        ("cloned", PLAYBOOK, f"{project}-cloned"),
        ("hand", BY_HAND, project),
    ):
        written = text.format(project=called, port=free_port())
        # A Swarm publishes on every address.
        written = written.replace('"127.0.0.1:', '"') + "engine: {mode: swarm}\n" if swarm else written
        (folder / f"{name}.yaml").write_text(written)
    (folder / "note").write_text("note\n")
    # Not the folder itself: the client that builds keeps things in its home.
    (folder / "made").mkdir()


def make_by_hand(url: str, project: str, *, swarm: bool) -> None:
    """What `adopt` finds: a container, or a Swarm's service, that nobody manages."""
    image, command, name = "busybox:1.36", ["sleep", "infinity"], f"{project}-hand"
    with contextlib.closing(docker.DockerClient(url)) as engine:
        if swarm:
            engine.services.create(image, command, name=f"{name}_web")
        else:
            engine.containers.run(image, command, name=f"{name}-web-1", detach=True, stop_signal="SIGKILL")


def free_port() -> int:
    """A port of loopback that is free."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def carried_out(step: str, folder: Path, url: str) -> str:
    """One command; what it said."""
    import shlex

    words = [word for word in shlex.split(step) if word != "--"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_HOST": url, "NO_COLOR": "1"}
    if words[0] not in _PROCESSES:
        done = carry_out(words, folder=folder, environment=environment)
        return f"exit code {done.code}\n{done.stdout}{done.stderr}"
    process = subprocess.run(
        [sys.executable, "-m", "provisioner", *words], cwd=folder, env={**environment, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return f"exit code {process.returncode}\n{process.stdout}{process.stderr}"


@contextlib.contextmanager
def ending(engine: docker.DockerClient, proxy: RecordingProxy, name: str) -> Iterator[None]:
    """Kill a service's containers once the block's command has asked for them, so that what waits for them ends."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(1):
            if not any(request.path.endswith(("/attach", "/wait")) for request in proxy.requests):
                continue
            for container in engine.containers.list(filters={"name": name}, ignore_removed=True):
                with contextlib.suppress(docker.errors.APIError):
                    container.kill()

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


def switches(requests: Iterable[Request]) -> list[str]:
    """The variables of a proxy that lets through by the first part of the address; POST for all that is no GET."""
    requests = list(requests)
    parts = {request.path.split("/")[1].strip("_").upper() for request in requests}
    changes = any(request.method not in ("GET", "HEAD") for request in requests)
    return sorted(parts) + (["POST"] if changes else [])


def table(found: Mapping[str, set[Request]]) -> str:
    """The rows of a mode: commands that need the same stand together."""
    alike: dict[frozenset[Request], list[str]] = {}
    for command in sorted(found):
        alike.setdefault(frozenset(found[command]), []).append(command)
    rows = ["| command | switches | requests |", "| --- | --- | --- |"]
    for requests, commands in alike.items():
        cells = (
            " ".join(f"`{command}`" for command in commands),
            " ".join(f"`{switch}`" for switch in switches(requests)),
            ", ".join(f"`{request}`" for request in sorted(requests)),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def documented() -> dict[str, dict[str, set[Request]]]:
    """What the page says: mode, command, requests."""
    found: dict[str, dict[str, set[Request]]] = {}
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        title, _, text = section.partition("\n")
        for row in re.findall(r"^\| (`.*)\|$", text, re.M):
            commands, _, requests = (re.findall(r"`([^`]+)`", cell) for cell in row.split(" | "))
            for command in commands:
                found.setdefault(title, {})[command] = {
                    Request(path, method) for method, path in (request.split(" ") for request in requests)
                }
    return found


def write_page(found: Mapping[str, Mapping[str, set[Request]]]) -> None:
    """Put the tables of both modes in the place of those that the page has.

    What the page has stays: what an apply of ten seconds asks to keep its lease, a quick one does not.
    """
    tables = documented()
    for mode, asked in found.items():
        for command, requests in asked.items():
            tables[mode].setdefault(command, set()).update(requests)
    head, *_ = re.split(rf"^## {CONTAINERS}$", PAGE.read_text(encoding="utf-8"), flags=re.M)
    parts = (f"## {mode}\n\n{table(tables[mode])}\n" for mode in (CONTAINERS, SWARM))
    PAGE.write_text(head + "\n".join(parts), encoding="utf-8")


def main() -> None:
    """Run the story on both, and write the page."""
    url = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    project = f"pt-{secrets.token_hex(4)}"
    outer = docker.DockerClient(base_url=url, timeout=120)
    folder = Path(tempfile.mkdtemp(prefix=project))
    found = {}
    try:
        (folder / "plain").mkdir()
        found[CONTAINERS] = recorded(url, folder / "plain", project, STORY.splitlines())
        with contextlib.closing(Engines(outer, f"{project}-in")) as engines:
            machine = engines.start("28.5")
            with contextlib.closing(docker.DockerClient(base_url=machine.url)) as client:
                client.swarm.init(advertise_addr=machine.address)
            (folder / "swarm").mkdir()
            found[SWARM] = recorded(machine.url, folder / "swarm", project, STORY.splitlines(), swarm=True)
    finally:
        remove_project(outer, project)
        shutil.rmtree(folder)
    write_page(found)


if __name__ == "__main__":
    main()
