"""The image of provision itself: built from the Dockerfile, used on a socket and through ssh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import Environment, service
from tests.engine.ssh_server import SshServer, ssh_server
from tests.integrations.image import ImageOfProvision, built_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

__all__ = ["ssh_server"]
# Building takes half a minute.
pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def image(engine_url: str) -> Iterator[ImageOfProvision]:
    with built_image(engine_url) as built:
        yield built


@pytest.fixture
def environment(tmp_path: Path, project: str, engine: docker.DockerClient, engine_url: str) -> Environment:
    return Environment(tmp_path, project, engine, engine_url)


def test_it_is_small_and_runs_as_a_user_without_rights(image: ImageOfProvision, engine: docker.DockerClient) -> None:
    assert image.run("--version").output.startswith("provision")
    there = "id -u; command -v ssh; ls /opt/provision/bin | grep pip; ls /root/.cache /var/lib/apt/lists 2>/dev/null"
    assert image.run("-c", f"{there}; touch /x", program="bash").output.splitlines()[:2] == ["1000", "/usr/bin/ssh"]
    sizes = [engine.images.get(name).attrs["Size"] for name in (image.name, "python:3.13-slim")]
    assert sizes[0] - sizes[1] < 120_000_000, sizes
    # What AWS's SDK needs for the two services that are called is there.
    made = "import boto3; [boto3.client(name, region_name='eu-west-1') for name in ('s3', 'secretsmanager', 'sts')]"
    assert image.run("-c", made, program="/opt/provision/bin/python").code == 0


def test_an_engine_behind_its_socket(image: ImageOfProvision, environment: Environment) -> None:
    environment.write("listen 80;\n", "site.conf")
    environment.services(web=service(volumes=["./site.conf:/site.conf:ro"]))
    folder = image.lent(environment.folder)
    refused = image.run("plan", folder=folder, options=image.socket_without_group)
    assert refused.code == 69 and "a container needs --group-add" in refused.output, refused.output
    planned = image.run("plan", "--detailed-exitcode", folder=folder, options=image.socket)
    assert planned.code == 2 and "+ service.web" in planned.output, planned.output
    applied = image.run("apply", "--yes", folder=folder, options=image.socket)
    assert applied.code == 0, applied.output
    code, printed = environment.container("web-1").exec_run(["cat", "/site.conf"])
    assert (code, printed) == (0, b"listen 80;\n")
    # The image and the command of this machine see the same.
    assert environment.plan()["changes"] == []
    again = image.run("apply", "--yes", folder=folder, options=image.socket)
    assert "changed=0" in again.output, again.output


def test_an_engine_behind_ssh(image: ImageOfProvision, environment: Environment, ssh_server: SshServer) -> None:
    environment.services(web=service())
    folder = image.lent(environment.folder)
    ssh = image.ssh(ssh_server, environment.folder)
    applied = image.run("--host", "ssh://box", "apply", "--yes", folder=folder, options=ssh)
    assert applied.code == 0, applied.output
    again = image.run("--host", "ssh://box", "apply", "--yes", folder=folder, options=ssh)
    assert "changed=0" in again.output, again.output


def test_a_user_that_the_image_does_not_know(image: ImageOfProvision, environment: Environment) -> None:
    environment.services(web=service())
    folder = image.lent(environment.folder)
    stranger = ["--user", "4321:4321"]
    folder.chmod(0o700)
    closed = image.run("plan", folder=folder, options=stranger)
    assert closed.code == 64 and f"this user may not look into the folder {folder}" in closed.output, closed.output
    named = image.run("-C", "/", "plan", "-f", f"{folder}/compose.yaml", folder=folder, options=stranger)
    assert named.code == 65 and "this user may not look there" in named.output, named.output
    folder.chmod(0o755)
    nameless = image.run("--host", "ssh://box", "plan", folder=folder, options=stranger)
    assert nameless.code == 69 and "/etc/passwd" in nameless.output, nameless.output
