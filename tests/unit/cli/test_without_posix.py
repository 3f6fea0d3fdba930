"""What Windows lacks is not needed to begin: the tool is imported, helps, and works with playbooks without it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.recording_proxy import RecordingProxy

if TYPE_CHECKING:
    from pathlib import Path

# Python without what it has on POSIX only, as its documentation says of each ("Availability: Unix").
WITHOUT = """
import os, select, signal, socket, sys
for name in ("fcntl", "termios", "tty", "pty", "pwd", "grp", "resource", "readline", "syslog"):
    sys.modules[name] = None
gone = {
    os: "getuid geteuid getgid getegid getgroups setsid fork killpg fchown chown O_NOFOLLOW "
    "O_NONBLOCK O_CLOEXEC O_DIRECTORY",
    signal: "SIGHUP SIGWINCH SIGKILL SIGALRM SIGCHLD SIGUSR1 pthread_sigmask setitimer",
    socket: "AF_UNIX",
    select: "poll epoll",
}
for module, names in gone.items():
    for name in names.split():
        delattr(module, name)
"""
_COMMAND = WITHOUT + "from provisioner.cli.main import execute\nsys.exit(execute(sys.argv[1:]))"
_EVERYTHING = (
    WITHOUT
    + """
import importlib, pkgutil, provisioner
for found in pkgutil.walk_packages(provisioner.__path__, "provisioner."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""
)
PLAYBOOK = "name: shop\nservices:\n  web:\n    image: busybox:1.36\n    volumes: [./files:/files:ro]\n"


def run(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "compose.yaml").write_text(PLAYBOOK)
    return tmp_path


def test_no_part_needs_it_to_be_imported(folder: Path) -> None:
    done = run(folder, _EVERYTHING)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("--help",), "plan"),
        (("lint",), "Nothing found."),
        (("config", "--format", "json"), "busybox:1.36"),
        (("graph",), "web"),
    ],
)
def test_what_asks_no_engine_works(folder: Path, arguments: tuple[str, ...], printed: str) -> None:
    done = run(folder, _COMMAND, *arguments)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout


@pytest.mark.parametrize("host", ["unix:///var/run/docker.sock", "ssh://prod"])
def test_what_goes_through_a_socket_of_this_machine_is_refused(folder: Path, host: str) -> None:
    done = run(folder, _COMMAND, "--host", host, "plan")
    assert done.returncode == 64
    assert f"--host: {host} is reached through a Unix socket" in done.stderr
    assert "WSL 2" in done.stderr


@pytest.mark.engine
def test_an_engine_behind_a_port_is_planned_for(folder: Path, engine_url: str) -> None:
    with contextlib.closing(RecordingProxy(engine_url, port=True)) as proxy:
        done = run(folder, _COMMAND, "--host", proxy.url, "plan")
    assert done.returncode == 0, done.stderr
    assert "service.web" in done.stdout
    assert proxy.requests


def test_a_file_of_secrets_is_refused(folder: Path) -> None:
    (folder / ".env.local").write_text("PASSWORD=hunter2\n")
    (folder / ".env.local").chmod(0o600)
    (folder / "compose.yaml").write_text(PLAYBOOK + "    secrets: [PASSWORD]\nsecrets:\n  PASSWORD: {}\n")
    done = run(folder, _COMMAND, "secrets", "check", "--json")
    assert done.returncode != 0
    assert "can not say who may read it" in done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr
