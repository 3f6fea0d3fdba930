"""Somebody comes with a Compose project of ten services: imported, applied, and unchanged on the second run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import docker

pytestmark = pytest.mark.engine

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Seconds from the Compose file to the second run that finds nothing to do.
PATIENCE = 120


def provision(folder: Path, engine_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "provisioner", *arguments],
        cwd=folder,
        env={**kept, "DOCKER_HOST": engine_url, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_ten_services_are_imported_applied_and_unchanged(
    engine: docker.DockerClient, engine_url: str, project: str, tmp_path: Path, unused_port: int
) -> None:
    folder = tmp_path / project
    shutil.copytree(HERE / "newcomer", folder)
    settings = folder / ".env"
    settings.write_text(settings.read_text().replace("8080", str(unused_port)))
    started = time.monotonic()

    imported = provision(folder, engine_url, "import")
    assert imported.returncode == 0, imported.stderr
    assert f"Next: provision plan {project}/local" in imported.stdout
    assert "`version:` is gone" in imported.stdout

    applied = provision(folder, engine_url, "apply", f"{project}/local", "--yes")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    with urllib.request.urlopen(f"http://127.0.0.1:{unused_port}/", timeout=10) as answer:
        assert answer.read() == b"hello from the shop\n"
    before = states(engine, project)
    assert len(before) == 11, "ten services, one of them twice"

    again = provision(folder, engine_url, "apply", f"{project}/local", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert " changed=0 failed=0 " in again.stdout.splitlines()[-1]
    assert states(engine, project) == before
    assert time.monotonic() - started < PATIENCE
    planned = provision(folder, engine_url, "plan", f"{project}/local", "--detailed-exitcode")
    assert planned.returncode == 0, planned.stdout

    destroyed = provision(folder, engine_url, "destroy", f"{project}/local", "--volumes", "--yes")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert states(engine, project) == {}


def states(engine: docker.DockerClient, project: str) -> dict[str, tuple[str, str, str]]:
    """Identity, creation and start of every container of a project, by name."""
    found = [item for item in engine.api.containers(all=True) if item["Names"][0].startswith(f"/{project}-local-")]
    details = [engine.api.inspect_container(item["Id"]) for item in found]
    return {item["Name"]: (item["Id"], item["Created"], item["State"]["StartedAt"]) for item in details}
