"""Engines of other versions, in containers, are real ones."""

from __future__ import annotations

import contextlib
import urllib.request
from typing import TYPE_CHECKING

import docker
import pytest

if TYPE_CHECKING:
    from tests.engine_in_container import Engines

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.mark.parametrize("version", ["20.10", "28.5"])
def test_another_version_pulls_builds_runs_and_survives_a_power_cut(engines: Engines, version: str) -> None:
    nested = engines.start(version)
    with contextlib.closing(docker.DockerClient(base_url=nested.url, timeout=30)) as client:
        assert client.version()["Version"].startswith(version)
        client.images.pull("nginx:1.27-alpine")
        server = client.containers.run(
            "nginx:1.27-alpine", name="web", ports={"80/tcp": 8080}, restart_policy={"Name": "always"}, detach=True
        )
        assert server.exec_run(["wget", "-q", "-O", "-", "http://localhost/"]).exit_code == 0
        with urllib.request.urlopen(f"http://{nested.address}:8080/", timeout=10) as answer:
            assert b"nginx" in answer.read()
        nested.kill()
        nested.start()
        server.reload()
        assert server.status == "running"
