"""`provision watch` on a real engine: files arrive, go, restart, run a command, and rebuild."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
PLAYBOOK = """\
name: {project}
services:
  app:
    build: ./app
    command: sh -c "trap exit TERM; while :; do sleep 0.2; done"
    init: true
    develop:
      watch:
        - {{path: ./app/src, action: sync, target: /src, ignore: ["*.tmp"], initial_sync: true}}
        - {{path: ./settings.ini, action: sync+restart, target: /etc/settings.ini}}
        - path: ./hooks
          action: sync+exec
          target: /hooks
          exec: {{command: sh /hooks/run.sh, environment: {{WHO: watch}}}}
        - {{path: ./app/Dockerfile, action: rebuild}}
"""


class Watching:
    """A running `provision watch`; `lines` is what it has told so far."""

    def __init__(self, folder: Path, engine_url: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "provisioner", "-f", "compose.yaml", "watch", "--yes", "--interval", "0.2"],
            cwd=folder,
            env={**kept, "DOCKER_HOST": engine_url, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in iter(self.process.stdout.readline, ""))

    def tells(self, text: str, within: float = 60) -> None:
        eventually(lambda: any(text in line for line in self.lines), within, lambda: f"{text!r} in {self.lines}")

    def end(self) -> int:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def eventually(true: Callable[[], bool], within: float, what: Callable[[], str]) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


@pytest.fixture
def folder(tmp_path: Path, project: str) -> Path:
    for name in ("app/src", "hooks"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "app/Dockerfile").write_text("FROM busybox:1.36\nLABEL generation=1\n")
    (tmp_path / "app/src/first.txt").write_text("first\n")
    (tmp_path / "settings.ini").write_text("a=1\n")
    (tmp_path / "hooks/run.sh").write_text("true\n")
    (tmp_path / "compose.yaml").write_text(PLAYBOOK.format(project=project))
    return tmp_path


@pytest.fixture
def watching(folder: Path, engine_url: str) -> Iterator[Watching]:
    started = Watching(folder, engine_url)
    yield started
    if started.process.poll() is None:
        started.end()


def test_a_service_follows_its_sources(
    folder: Path, watching: Watching, engine: docker.DockerClient, project: str
) -> None:
    name = f"{project}-app-1"

    def inside(command: str) -> str:
        output: bytes = engine.containers.get(name).exec_run(["sh", "-c", command]).output
        return output.decode()

    watching.tells(f"{name.removesuffix('-app-1')}: ok=")
    watching.tells("service.app[1]: first.txt to /src")
    assert inside("cat /src/first.txt") == "first\n"

    (folder / "app/src/deep").mkdir()
    (folder / "app/src/deep/new.txt").write_text("new\n")
    (folder / "app/src/ignored.tmp").write_text("x")
    watching.tells("service.app[1]: deep/new.txt to /src")
    assert inside("cat /src/deep/new.txt; ls /src") == "new\ndeep\nfirst.txt\n"

    (folder / "app/src/first.txt").unlink()
    watching.tells("service.app[1]: -first.txt to /src")
    assert inside("ls /src") == "deep\n"

    started = engine.containers.get(name).attrs["State"]["StartedAt"]
    (folder / "settings.ini").write_text("a=2\n")
    watching.tells("the file changed, restarted")
    assert engine.containers.get(name).attrs["State"]["StartedAt"] != started
    assert inside("cat /etc/settings.ini") == "a=2\n"

    (folder / "hooks/run.sh").write_text("echo $WHO > /ran\n")
    watching.tells("service.app[1]: ran 'sh /hooks/run.sh'")
    assert inside("cat /ran") == "watch\n"
    (folder / "hooks/run.sh").write_text("echo no luck >&2; exit 3\n")
    watching.tells("sync+exec failed: 'sh /hooks/run.sh' ended with 3: no luck")

    before = engine.containers.get(name).id
    (folder / "app/Dockerfile").write_text("FROM busybox:1.36\nLABEL generation=2\n")
    watching.tells("app: replaced", within=90)
    after = engine.containers.get(name)
    assert after.id != before
    assert after.image.labels["generation"] == "2"
    assert watching.end() == 130
