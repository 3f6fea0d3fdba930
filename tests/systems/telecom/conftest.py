"""An environment that is up, shared by the tests that only look at it; and one for a test that tears it down."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

import docker
import pytest

from tests.engine_fixtures import remove_project
from tests.systems.telecom.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="package")
def telecom(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends local.yml, applied once. A test that disturbs it waits until it is well again."""
    with _environment(engine_url, tmp_path_factory.mktemp("telecom"), extends="local") as environment:
        environment.apply()
        yield environment


@pytest.fixture
def throwaway(engine_url: str, tmp_path: Path) -> Iterator[Environment]:
    """An environment that extends local.yml and is not up yet."""
    with _environment(engine_url, tmp_path, extends="local") as environment:
        yield environment


@contextlib.contextmanager
def _environment(engine_url: str, folder: Path, *, extends: str) -> Iterator[Environment]:
    name = f"pt{secrets.token_hex(3)}"
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as engine:
        environment = Environment.make(folder, name, extends, engine)
        try:
            yield environment
        finally:
            remove_project(engine, environment.project)
