"""Builds by BuildKit, through both kinds of Docker's client, and by the classic builder where there is none."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest

from tests.engine.environment import Environment, interrupt, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.build_clients import Clients
    from tests.engine_in_container import Engines

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

TOKEN = "the token of the build 4711"
WORD = "a word that is nobody's business"
# What the agent of `ssh: [default]` says when it is asked for its keys: their number.
_ASK_AGENT = """
import os, socket
agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ["SSH_AUTH_SOCK"])
agent.sendall(bytes([0, 0, 0, 1, 11]))
answer = agent.recv(4096)
assert answer[4] == 12, answer
print(int.from_bytes(answer[5:9], "big"))
"""
# With the name of the environment, so that no step is in the engine's cache.
_SECRET_STEPS = """
RUN echo {} >/environment
RUN --mount=type=secret,id=npm,required=true cat /run/secrets/npm; sha256sum /run/secrets/npm | cut -c1-64 >/token
RUN --mount=type=cache,target=/kept echo x >>/kept/x
ARG WORD
RUN echo "$WORD" | wc -c >/word; sleep 1
"""
_SECRET = {"context": "app", "args": {"WORD": WORD}, "secrets": [{"source": "token", "target": "npm"}]}


class Watch:
    """Looks at every process of this machine while a block runs."""

    def __init__(self) -> None:
        self.commands: set[str] = set()
        self._end = threading.Event()

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.03):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.commands.add(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an ssh-agent that has one key."""
    socket, key = str(tmp_path / "agent"), str(tmp_path / "key")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    deadline = time.monotonic() + 10
    while not Path(socket).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    subprocess.run(["ssh-add", "-q", key], env={**os.environ, "SSH_AUTH_SOCK": socket}, check=True)
    yield socket
    process.kill()
    process.wait()


def said(environment: Environment, name: str, *paths: str) -> list[str]:
    """The words in files of a container."""
    text = ""
    for path in paths:
        pieces, _ = environment.container(name).get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
            content = archive.extractfile(archive.getmembers()[0])
            assert content is not None, path
            text += content.read().decode()
    return text.split()


def files_in(environment: Environment, name: str, path: str) -> set[str]:
    """The files of a folder in a container."""
    pieces, _ = environment.container(name).get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        return {member.name for member in archive.getmembers() if member.isfile()}


def write_secret_files(environment: Environment, folder: str) -> None:
    """Files in which provision keeps secrets, one of them by another name, and an ignore file that asks for them."""
    for name in (".env.local", ".env.prod.local", ".provision/shop.key", "deep/.env.local"):
        environment.write("KEPT=here", f"{folder}/{name}")
    (environment.folder / folder / "linked [x]").hardlink_to(environment.folder / folder / ".env.local")
    environment.write("!.env.local\n!**/.provision\n!linked*\n", f"{folder}/.dockerignore")


def built(plan: dict[str, Any]) -> list[str]:
    return [change["address"] for change in plan["changes"] if change["address"].startswith("image.")]


def require_secret_kept(environment: Environment, watch: Watch, told: str) -> None:
    """The values went into the build and are nowhere else; the client was seen, so that its words were looked at."""
    token, word = said(environment, "web-1", "/token", "/word")
    assert token == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert word == str(len(WORD) + 1)
    builds = [command for command in watch.commands if "--secret=id=npm" in command and environment.project in command]
    assert builds
    assert not [command for command in watch.commands if TOKEN in command or WORD in command]
    assert "(sensitive)" in told
    assert TOKEN not in told
    image = environment.engine.images.get(f"{environment.project}-web")
    assert TOKEN not in json.dumps([image.attrs, image.history()])


def require_unchanged(environment: Environment, **variables: str) -> None:
    assert environment.apply(**variables).summary["changed"] == 0
    assert environment.plan(**variables)["changes"] == []


def test_a_client_with_buildkit_built_in(environment: Environment, clients: Clients, agent: str) -> None:
    """A secret, the keys of an agent and a cache reach the build; a changed secret does not rebuild."""
    environment.write(
        "FROM python:3.12-slim AS keys\nCOPY ask.py /\nRUN --mount=type=ssh python /ask.py >/keys\n"
        f"FROM busybox:1.36\nCOPY --from=keys /keys /keys\nCOPY . /all\n{_SECRET_STEPS.format(environment.project)}",
        "app/Dockerfile",
    )
    write_secret_files(environment, "app")
    environment.write(_ASK_AGENT, "app/ask.py")
    environment.write(TOKEN, "token.txt")
    web = service(build={**_SECRET, "ssh": ["default"]})
    del web["image"]
    environment.write({"services": {"web": web}, "secrets": {"token": {"file": "token.txt"}}})
    variables = {**clients.built_in, "SSH_AUTH_SOCK": agent}
    notes = json.dumps(environment.plan(**variables)["notes"])
    assert "BuildKit (docker 20.10" in notes
    with Watch() as watch:
        done = environment.run("apply", "--yes", "-v", **variables)
    assert done.code == 0, done
    require_secret_kept(environment, watch, done.text)
    assert said(environment, "web-1", "/keys") == ["1"]
    assert files_in(environment, "web-1", "/all") == {"all/Dockerfile", "all/ask.py", "all/.dockerignore"}
    environment.write(f"another {TOKEN}", "token.txt")
    require_unchanged(environment, **clients.none)


def test_buildx_on_a_current_engine(tmp_path: Path, project: str, engines: Engines, clients: Clients) -> None:
    """Further contexts, of a folder and of another service, decide what is rebuilt, and in which order."""
    started = engines.start("28.5")
    environment = Environment(tmp_path, project, docker.DockerClient(base_url=started.url), started.url)
    environment.write("FROM busybox:1.36\nRUN echo one >/base\n", "base/Dockerfile")
    environment.write("one", "more/file")
    for folder in ("app", "more"):
        write_secret_files(environment, folder)
    environment.write(
        "FROM base\nCOPY --from=more file /more\nCOPY --from=more . /all/more\nCOPY . /all/app\n"
        "COPY <<END /here\nfrom a here-document\nEND\n"
        f"RUN df -k /dev/shm | tail -n 1 >/shm; ulimit -n >/files\n{_SECRET_STEPS.format(environment.project)}",
        "app/Dockerfile",
    )
    environment.write(TOKEN, "token.txt")
    build = {
        **_SECRET, "additional_contexts": {"base": "service:zbase", "more": "./more"}, "shm_size": "32m",
        "ulimits": {"nofile": {"soft": 1000, "hard": 2000}}, "cache_from": [f"{project}-web"],
        "cache_to": ["type=inline"], "no_cache_filter": ["none"], "extra_hosts": ["some.test:10.0.0.1"],
        "tags": [f"{project}-web:also"], "labels": {"own": "label"},
    }  # fmt: skip
    web, base = service(build=build), service(build={"context": "base"}, scale=0)
    del web["image"], base["image"]
    environment.write({"services": {"web": web, "zbase": base}, "secrets": {"token": {"file": "token.txt"}}})
    refused = environment.run("plan", **clients.built_in)
    assert "build.additional_contexts: needs BuildKit through docker buildx, and" in refused.text
    assert "install buildx" in refused.text
    with Watch() as watch:
        done = environment.run("apply", "--yes", "-v", **clients.buildx)
    assert done.code == 0, done
    assert "with BuildKit (docker buildx" in done.text
    require_secret_kept(environment, watch, done.text)
    assert said(environment, "web-1", "/more", "/base") == ["oneone"]
    assert said(environment, "web-1", "/here") == ["from", "a", "here-document"]
    found = files_in(environment, "web-1", "/all")
    assert found == {"all/more/file", "all/more/.dockerignore", "all/app/Dockerfile", "all/app/.dockerignore"}
    size, files = said(environment, "web-1", "/shm")[1], said(environment, "web-1", "/files")
    assert (size, files) == ("32768", ["1000"])
    image = environment.engine.images.get(f"{project}-web:also")
    assert image.id == environment.engine.images.get(f"{project}-web").id
    assert image.labels["own"] == "label"
    assert environment.plan(**clients.none)["changes"] == []
    environment.write("two", "more/file")
    assert built(environment.plan(**clients.buildx)) == ["image.web"]
    environment.write("FROM busybox:1.36\nRUN echo two >/base\n", "base/Dockerfile")
    assert built(environment.plan(**clients.buildx)) == ["image.web", "image.zbase"]
    environment.apply(**clients.buildx)
    assert said(environment, "web-1", "/more", "/base") == ["twotwo"]
    require_unchanged(environment, **clients.buildx)
    web["build"] = {**build, "platforms": ["linux/amd64", "linux/arm64"]}
    environment.write({"services": {"web": web, "zbase": base}, "secrets": {"token": {"file": "token.txt"}}})
    refused = environment.run("plan", **clients.buildx)
    assert "build.platforms: an image for several platforms needs the containerd image store" in refused.text


def test_without_a_client_the_classic_builder_builds(environment: Environment, clients: Clients) -> None:
    """What it can do it does, what only BuildKit can is refused before anything is made."""
    web = service(build={"context": "app", "args": {"WORD": "x"}, "shm_size": "32m", "cache_to": ["type=inline"]})
    del web["image"]
    environment.services(web=web)
    environment.write(
        "FROM busybox:1.36\nARG WORD\nRUN --mount=type=cache,target=/c echo $WORD >/word\n", "app/Dockerfile"
    )
    refused = environment.run("apply", "--yes", **clients.none)
    assert refused.code == 1, refused
    assert "services.web.build.dockerfile: `RUN --mount=type=cache" in refused.text
    assert "needs BuildKit, and Docker's client, the command docker, is not installed on this machine" in refused.text
    assert environment.objects() == set()
    environment.write("FROM busybox:1.36\nARG WORD\nRUN echo $WORD >/word\n", "app/Dockerfile")
    plan = environment.plan(**clients.none)
    assert [note["path"] for note in plan["notes"]] == ["services.web.build.cache_to", "image.web"]
    done = environment.run("apply", "--yes", "-v", **clients.none)
    assert done.code == 0, done
    assert "with the engine's classic builder" in done.text
    assert said(environment, "web-1", "/word") == ["x"]
    # Another builder is no reason to build anew.
    require_unchanged(environment, **clients.built_in)


def test_builds_that_fail_or_are_given_up(environment: Environment, clients: Clients) -> None:
    """The step that failed is named; Ctrl-C ends the client; neither leaves an image."""
    web = service(build={"context": "app"})
    del web["image"]
    environment.services(web=web)
    environment.write("FROM busybox:1.36\nRUN echo before; cat /not/there\n", "app/Dockerfile")
    failed = environment.apply(code=1, **clients.built_in).errors
    assert "RUN echo before; cat /not/there: " in failed
    assert "exit code: 1" in failed
    assert "can't open '/not/there'" in failed
    environment.write("FROM busybox:1.36\nRUN echo begun; sleep 300\n", "app/Dockerfile")
    running = environment.start("apply", "--yes", "-v", **clients.built_in)
    assert running.stderr is not None
    for line in running.stderr:
        if line.rstrip().endswith("begun"):
            break
    interrupt(running)
    running.communicate(timeout=30)
    assert running.returncode == 130
    images = environment.engine.images.list(filters={"label": f"provisioner.environment={environment.project}"})
    assert images == []
    with Watch() as watch:
        time.sleep(0.1)
    assert not [command for command in watch.commands if f"--tag={environment.project}-web" in command]
