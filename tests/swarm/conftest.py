"""A Swarm of one node on engines of two versions, each in a container, for the whole session."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker
import pytest

from tests.engine_fixtures import remove_project
from tests.engine_in_container import EngineInContainer, Engines
from tests.recording_proxy import RecordingProxy
from tests.swarm.environment import SwarmEnvironment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSIONS = ("20.10", "28.5")
# What is the engine's matter is tried on every version in every run, what is provision's own on the newest.
_EVERYWHERE = ("test_fields", "test_differences", "test_lifecycle")
IMAGES = ("busybox:1.36",)


# Before the sample of what is slow is taken.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        version = getattr(getattr(item, "callspec", None), "params", {}).get("swarm")
        module = item.path.stem
        if version == VERSIONS[0] and item.path.parent.name == "swarm" and module not in _EVERYWHERE:
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Swarm:
    """A manager of a Swarm of one node. `machine` is its container."""

    machine: EngineInContainer
    version: str

    @property
    def url(self) -> str:
        return self.machine.url

    @property
    def api(self) -> tuple[int, int]:
        with contextlib.closing(docker.APIClient(base_url=self.url, version="auto")) as client:
            major, _, minor = client.api_version.partition(".")
        return int(major), int(minor)


@pytest.fixture(scope="package")
def nursery(engine_url: str) -> Iterator[Engines]:
    """Where engines for all tests of this folder are started."""
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as outer:
        project = f"pt-{secrets.token_hex(4)}"
        try:
            with contextlib.closing(Engines(outer, project)) as engines:
                yield engines
        finally:
            remove_project(outer, project)


@pytest.fixture(scope="package")
def swarms(nursery: Engines) -> dict[str, Swarm]:
    """The Swarms that were started so far, by version; `swarm` starts one when it is first asked for."""
    return {}


@pytest.fixture(params=VERSIONS)
def swarm(request: pytest.FixtureRequest, nursery: Engines, swarms: dict[str, Swarm]) -> Swarm:
    """A Swarm manager of each version, with the images that the tests run."""
    version = str(request.param)
    if version not in swarms:
        machine = nursery.start(version, "--node-generic-resource", "widget=4")
        with contextlib.closing(docker.DockerClient(base_url=machine.url, timeout=120)) as client:
            client.swarm.init(advertise_addr=machine.address)
            for image in IMAGES:
                client.images.pull(image)
            for tag in ("1", "2"):
                client.images.get(IMAGES[0]).tag("pt-swarm", tag)
        swarms[version] = Swarm(machine, version)
    return swarms[version]


@pytest.fixture
def environment(tmp_path: Path, swarm: Swarm) -> Iterator[SwarmEnvironment]:
    """An empty environment on a Swarm; the command talks to the manager through a recording proxy."""
    project = f"pt-{secrets.token_hex(4)}"
    with (
        contextlib.closing(docker.DockerClient(base_url=swarm.url, timeout=120)) as client,
        contextlib.closing(RecordingProxy(swarm.url)) as proxy,
    ):
        yield SwarmEnvironment(tmp_path, project, client, swarm.url, proxy)
        remove_project(client, project)
