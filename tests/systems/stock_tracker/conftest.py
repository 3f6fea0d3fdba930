"""Environments that are up, shared by the tests that only look at them; and one for a test that tears it down."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.systems.lifetime import SWIFT, bring_images, made_environment, swarm_of_one_node
from tests.systems.stock_tracker.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Two prices of each share in a second.
OFTEN = {"STREAM_INTERVAL_MS": "500"}
PASSWORD = "canary0stock0password0e41"


@pytest.fixture(scope="package")
def stock(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends local.yml, applied once. A test that disturbs it waits until it is well again."""
    folder = tmp_path_factory.mktemp("stock")
    with made_environment(Environment, engine_url, folder, "local", variables=OFTEN) as environment:
        environment.apply()
        yield environment


@pytest.fixture
def throwaway(engine_url: str, tmp_path: Path) -> Iterator[Environment]:
    """An environment that extends local.yml and is not up yet."""
    with made_environment(Environment, engine_url, tmp_path, "local", variables=OFTEN) as environment:
        yield environment


@pytest.fixture
def prod(engine_url: str, tmp_path: Path) -> Iterator[Environment]:
    """An environment that extends prod.yml on a Swarm of one node with its Docker secrets; not up yet."""
    url = f"postgresql://stock:{PASSWORD}@timescaledb:5432/stock_tracker"
    with swarm_of_one_node(engine_url) as (machine, engine):
        for key, value in {"db_password": PASSWORD, "database_url": url}.items():
            engine.secrets.create(name=key, data=value.encode())
        name, shell = f"pt{secrets.token_hex(3)}", {"DOCKER_HOST": machine.url}
        environment = Environment.make(
            tmp_path, name, "prod", engine, host=machine.address, shell=shell, variables={**OFTEN, **SWIFT}
        )
        bring_images(environment, engine_url)
        yield environment
