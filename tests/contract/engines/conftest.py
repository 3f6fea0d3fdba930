"""The same questions for every engine: the one in memory, and a real one."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from provisioner.engines.connect import Endpoint
from provisioner.engines.docker_api import connect
from provisioner.engines.memory import MemoryEngine
from tests.engine_fixtures import remove_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.ports import EngineWriter


@pytest.fixture(params=["memory", "memory-28", pytest.param("docker", marks=pytest.mark.engine)])
def writer(request: pytest.FixtureRequest) -> EngineWriter:
    if request.param != "docker":
        engine = MemoryEngine((1, 51) if request.param == "memory-28" else (1, 41))
        engine.add_image("busybox:1.36", {"Env": ["PATH=/bin"], "Cmd": ["sh"]})
        return engine
    docker = connect(Endpoint(request.getfixturevalue("engine_url"), "test"))
    if docker.inspect("image", "busybox:1.36") is None:
        docker.pull("busybox:1.36", None, lambda text: None)
    return docker


@pytest.fixture
def prefix(request: pytest.FixtureRequest, writer: EngineWriter) -> Iterator[str]:
    """What every name begins with; on a real engine, what carries it goes when the test ends."""
    name = f"pt-{secrets.token_hex(4)}"
    client = None if isinstance(writer, MemoryEngine) else request.getfixturevalue("engine")
    yield name
    if client is not None:
        remove_project(client, name)
