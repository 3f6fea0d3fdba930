"""An environment that is up, shared by the tests that only look at it; and one for a test that tears it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.lifetime import made_environment
from tests.systems.telecom.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Two measurements a second.
OFTEN = {"EMIT_INTERVAL_MS": "500"}


@pytest.fixture(scope="package")
def telecom(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends local.yml, applied once. A test that disturbs it waits until it is well again."""
    folder = tmp_path_factory.mktemp("telecom")
    with made_environment(Environment, engine_url, folder, "local", variables=OFTEN) as environment:
        environment.apply()
        yield environment


@pytest.fixture
def throwaway(engine_url: str, tmp_path: Path) -> Iterator[Environment]:
    """An environment that extends local.yml and is not up yet."""
    with made_environment(Environment, engine_url, tmp_path, "local", variables=OFTEN) as environment:
        yield environment
