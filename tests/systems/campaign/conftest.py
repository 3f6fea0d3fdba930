"""Environments that are up, shared by the tests that only look at them; and one for a test that tears it down."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.systems.campaign.environment import Environment
from tests.systems.campaign.production import DATABASE_URL, VALUES, with_aws
from tests.systems.lifetime import SWIFT, bring_images, made_environment, swarm_of_one_node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="package")
def local(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends local.yml, applied once. A test that disturbs it waits until it is well again."""
    with made_environment(Environment, engine_url, tmp_path_factory.mktemp("campaign"), "local") as environment:
        environment.apply()
        yield environment


@pytest.fixture(scope="module")
def dev(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends dev.yml, applied once."""
    with made_environment(Environment, engine_url, tmp_path_factory.mktemp("campaign-dev"), "dev") as environment:
        environment.apply()
        yield environment


@pytest.fixture
def throwaway(engine_url: str, tmp_path: Path) -> Iterator[Environment]:
    """An environment that extends local.yml and is not up yet."""
    with made_environment(Environment, engine_url, tmp_path, "local") as environment:
        yield environment


@pytest.fixture(scope="package")
def prod(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends prod.yml, applied once on a Swarm of one node with its Docker secrets."""
    with swarm_of_one_node(engine_url) as (machine, engine):
        for key, value in {**VALUES, "database_url": DATABASE_URL}.items():
            engine.secrets.create(name=key, data=value.encode())
        folder, name = tmp_path_factory.mktemp("campaign-prod"), f"pt{secrets.token_hex(3)}"
        shell = {"DOCKER_HOST": machine.url}
        environment = Environment.make(folder, name, "prod", engine, host=machine.address, shell=shell, variables=SWIFT)
        bring_images(environment, engine_url)
        environment.apply()
        yield environment


@pytest.fixture(scope="package")
def secrets_manager() -> Iterator[str]:
    """The address of moto's Secrets Manager."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="package")
def manager(secrets_manager: str) -> Any:
    """A client of that Secrets Manager, for the one who keeps the secrets."""
    return boto3.client(
        "secretsmanager",
        endpoint_url=secrets_manager,
        region_name="eu-west-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
    )


@pytest.fixture(scope="package")
def prod_aws(prod: Environment, secrets_manager: str, manager: Any) -> Environment:
    """The production environment after its secrets have moved to AWS, with the values that they had."""
    for key, value in VALUES.items():
        manager.create_secret(Name=f"campaign/{prod.name}/{key}", SecretString=value)
    environment = with_aws(prod, secrets_manager)
    environment.apply()
    return environment
