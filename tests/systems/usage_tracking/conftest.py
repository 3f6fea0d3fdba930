"""An environment that is up with all its profiles, shared by the tests that look at it; and one that is not up yet."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker
import pytest

from tests.ports import unused_port
from tests.systems.environment import unused_subnet
from tests.systems.lifetime import made_environment, watched
from tests.systems.usage_tracking.environment import CORE, MONITORING, Environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.systems.environment import Outcome

ALL_PROFILES = ("production", "monitoring")


@dataclass(frozen=True, slots=True)
class FirstApply:
    """What the first apply said, and when each thing first happened to each service."""

    outcome: Outcome
    first: Mapping[tuple[str, str], int]


@pytest.fixture(scope="package")
def variables(engine_url: str) -> dict[str, str]:
    """A subnet that is free; nobody else's network is in the way."""
    engine = docker.DockerClient(base_url=engine_url, timeout=120)
    try:
        return {"USAGE_SUBNET": unused_subnet(engine)}
    finally:
        engine.close()


@pytest.fixture(scope="package")
def bringing_up(
    engine_url: str, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Environment, FirstApply]]:
    """An environment that extends balanced.yml, applied once from nothing with all profiles."""
    folder = tmp_path_factory.mktemp("usage-tracking")
    # It stands for long, and each of its health checks is a process.
    own = {**variables, "ENTRY_PORT": str(unused_port()), "HEALTH_INTERVAL": "4s"}
    with made_environment(
        Environment, engine_url, folder, "balanced", variables=own, profiles=ALL_PROFILES
    ) as environment:
        services = (*CORE, "migrate", "nginx", *MONITORING)
        with watched(engine_url, environment.project, services) as first:
            outcome = environment.apply()
        yield environment, FirstApply(outcome, first)


@pytest.fixture(scope="package")
def system(bringing_up: tuple[Environment, FirstApply]) -> Environment:
    """The environment that is up. A test that disturbs it waits until it is well again."""
    return bringing_up[0]


@pytest.fixture(scope="package")
def first_apply(bringing_up: tuple[Environment, FirstApply]) -> FirstApply:
    return bringing_up[1]


@pytest.fixture
def throwaway(engine_url: str, tmp_path: Path) -> Iterator[Environment]:
    """An environment that extends local.yml and is not up yet."""
    with made_environment(Environment, engine_url, tmp_path, "local") as environment:
        free = {"USAGE_SUBNET": unused_subnet(environment.engine)}
        yield dataclasses.replace(environment, variables={**environment.variables, **free})
