"""Fixtures for tests on a real Docker Engine: its address, a project name that is cleaned up, a recording proxy.

A test that uses one of them fails, and is not skipped, where no engine answers: script/engine starts one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, Any

import docker
import docker.client
import docker.errors
import pytest

from provisioner.engines.docker_py import Client
from tests import ports
from tests.engine_in_container import Engines, why_silent
from tests.recording_proxy import RecordingProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ENVIRONMENT_LABEL = "provisioner.environment"

# docker-py's own loses what a command that ends at once prints on a busy engine: an empty output was no rare failure.
docker.client.APIClient = Client


@pytest.fixture(scope="session")
def engine_url() -> str:
    """The address of the engine under test: DOCKER_HOST, else the machine's own."""
    url = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if problem := why_silent(url):
        pytest.fail(
            f"No Docker Engine answers on {url} ({problem}). Start one with script/engine, "
            "or leave these tests out with: pytest -m 'not engine'",
            pytrace=False,
        )
    return url


@pytest.fixture
def engine(engine_url: str) -> Iterator[docker.DockerClient]:
    """A client of the engine under test."""
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as client:
        yield client


@pytest.fixture
def project(engine: docker.DockerClient) -> Iterator[str]:
    """A name nobody else has. What carries it when the test ends, in its own name or in its label, is removed."""
    name = f"pt-{secrets.token_hex(4)}"
    yield name
    remove_project(engine, name)


@pytest.fixture
def recording_proxy(engine_url: str) -> Iterator[RecordingProxy]:
    """A proxy in front of the engine under test that records every request and can fail at a chosen one."""
    with contextlib.closing(RecordingProxy(engine_url)) as proxy:
        yield proxy


@pytest.fixture
def engines(engine: docker.DockerClient, project: str) -> Iterator[Engines]:
    """Starts engines of other versions in containers of their own: `engines.start("28.5").url`."""
    with contextlib.closing(Engines(engine, project)) as started:
        yield started


@pytest.fixture
def unused_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    return ports.unused_port()


def remove_project(engine: docker.DockerClient, name: str) -> None:
    """Remove every object of one project by its exact id: services first, then what they use."""
    api = engine.api
    swarm = api.info()["Swarm"]["LocalNodeState"] == "active"
    if swarm:
        _remove_swarm_objects(name, api.services(), api.remove_service)
    for container in api.containers(all=True):
        names = [each.lstrip("/") for each in container["Names"] or ()]
        if any(_belongs(name, each, container["Labels"]) for each in names or [""]):
            with _gone_is_fine():
                api.remove_container(container["Id"], force=True, v=True)
    if swarm:
        _remove_swarm_objects(name, api.secrets(), api.remove_secret)
        _remove_swarm_objects(name, api.configs(), api.remove_config)
    for network in api.networks():
        if _belongs(name, network["Name"], network["Labels"]):
            _remove_network(api, network["Id"])
    for volume in api.volumes()["Volumes"] or ():
        if _belongs(name, volume["Name"], volume["Labels"]):
            with _gone_is_fine():
                api.remove_volume(volume["Name"])
    _remove_images(api, name)


def _remove_swarm_objects(project: str, objects: list[dict[str, Any]], remove: Callable[[str], object]) -> None:
    for each in objects:
        if _belongs(project, each["Spec"]["Name"], each["Spec"].get("Labels")):
            with _gone_is_fine():
                remove(each["ID"])


def _remove_network(api: Any, network: str) -> None:
    with _gone_is_fine():
        for stranger in api.inspect_network(network)["Containers"] or ():
            with _gone_is_fine():
                api.disconnect_container_from_network(stranger, network, force=True)
        api.remove_network(network)


def _remove_images(api: Any, name: str) -> None:
    for image in api.images():
        tags = [tag for tag in image["RepoTags"] or () if tag != "<none>:<none>"]
        labelled = _belongs(name, "", image["Labels"])
        doomed = tags if labelled else [tag for tag in tags if tag.startswith(name)]
        for reference in doomed or ([image["Id"]] if labelled else []):
            with _gone_is_fine():
                api.remove_image(reference)


def _belongs(project: str, name: str, labels: Mapping[str, str] | None) -> bool:
    return name.startswith(project) or (labels or {}).get(ENVIRONMENT_LABEL, "").startswith(project)


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Also what is going: nodes take the containers of ended tasks away by themselves."""
    try:
        yield
    except docker.errors.NotFound:
        pass
    except docker.errors.APIError as error:
        if "already in progress" not in str(error):
            raise
