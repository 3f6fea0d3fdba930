"""What a command loads before its first byte: counted, since time depends on the machine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_LOOK = """
import sys
from provisioner.cli.main import execute
code = execute(sys.argv[1:])
print(*sorted(sys.modules), sep=" ", file=sys.stderr)
sys.exit(code)
"""
# What talks to engines and clouds, and what only reads YAML.
_ENGINE = {"docker", "requests", "urllib3", "boto3", "keyring", "http.client", "ssl", "concurrent.futures", "ruamel"}
_READING = {"yaml", "provisioner.document.pipeline", "provisioner.kinds", "provisioner.model.playbook"}


def modules_of(folder: Path, *arguments: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [("version",), ("up", "--help"), ("completion", "bash")])
def test_a_command_that_reads_no_playbook_loads_no_reader_and_no_client(tmp_path: Path, arguments: tuple[str]) -> None:
    modules = modules_of(tmp_path, *arguments)
    assert not modules & (_ENGINE | _READING)
    assert len([name for name in modules if name.startswith("provisioner")]) <= 40


def test_help_reads_no_playbook(tmp_path: Path) -> None:
    assert not modules_of(tmp_path, "--help") & (_ENGINE | {"yaml", "provisioner.document.pipeline"})


@pytest.mark.parametrize("command", ["config", "graph"])
def test_what_only_reads_loads_no_client(tmp_path: Path, command: str) -> None:
    (tmp_path / "compose.yaml").write_text("services:\n  web: {image: busybox}\n")
    modules = modules_of(tmp_path, command, "-f", "compose.yaml")
    assert not modules & _ENGINE
    assert len([name for name in modules if name.startswith("provisioner")]) <= 120


def test_what_goes_on_without_an_engine_loads_nothing_that_talks_with_one(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services:\n  web: {image: 'busybox:1.36'}\n")
    modules = modules_of(tmp_path, "lint", "--host", "unix:///nowhere", "-f", "compose.yaml")
    assert not modules & (_ENGINE - {"http.client", "ssl"})
    assert not modules & {"provisioner.engines.docker_api", "provisioner.ledger.adoptions", "tarfile"}


@pytest.mark.parametrize("module", ["apply_request", "plan_request"])
def test_the_engine_is_asked_before_what_makes_a_plan_is_loaded(module: str) -> None:
    script = (
        f"import sys, provisioner.app.{module}, provisioner.app.wiring, provisioner.ledger.first_look\n"
        "from provisioner.engines.docker_api import DockerEngine\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    later = {"app.apply", "app.plan", "reconcile.planning", "platforms.lowering", "ledger.adoptions"}
    assert not set(done.stdout.split()) & {f"provisioner.{name}" for name in later}
