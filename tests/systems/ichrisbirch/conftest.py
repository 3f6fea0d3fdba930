"""Development and tests side by side on one engine, shared by tests that look at them; and production on a Swarm."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.ports import unused_port
from tests.systems.ichrisbirch.environment import Environment
from tests.systems.lifetime import SWIFT, bring_images, made_environment, swarm_of_one_node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUES = {
    "postgres_password": "canary0postgres0password0e41",
    "redis_password": "canary0redis0password0b7c2",
    "app_secret_key": "canary0app0secret0key00000000",
}
REDIS_CONF = f"requirepass {VALUES['redis_password']}\nappendonly yes\nmaxmemory 96mb\nmaxmemory-policy allkeys-lru\n"


@pytest.fixture(scope="package")
def dev(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends dev.yml, applied once. A test that disturbs it waits until it is well again."""
    with made_environment(Environment, engine_url, tmp_path_factory.mktemp("birch-dev"), "dev") as environment:
        environment.apply()
        yield environment


@pytest.fixture(scope="package")
def testing(dev: Environment, engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends test.yml, applied beside development."""
    with made_environment(Environment, engine_url, tmp_path_factory.mktemp("birch-test"), "test") as environment:
        environment.apply()
        yield environment


@pytest.fixture
def prod(engine_url: str, tmp_path: Path) -> Iterator[Environment]:
    """An environment that extends prod.yml on a Swarm of one node with its Docker secrets; not up yet."""
    with swarm_of_one_node(engine_url) as (machine, engine):
        for key, value in {**VALUES, "redis_conf": REDIS_CONF}.items():
            engine.secrets.create(name=key, data=value.encode())
        environment = Environment.make(
            tmp_path,
            f"pt{secrets.token_hex(3)}",
            "prod",
            engine,
            host=machine.address,
            shell={"DOCKER_HOST": machine.url},
            variables={"HTTP_PORT": str(unused_port()), **SWIFT},
        )
        bring_images(environment, engine_url)
        yield environment
