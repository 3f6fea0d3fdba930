"""Fixtures of the scenarios: an environment behind a recording proxy, and strangers that must stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.build_clients import clients as clients
from tests.engine.decoys import Decoys
from tests.engine.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

    from tests.recording_proxy import RecordingProxy


@pytest.fixture
def environment(
    tmp_path: Path, project: str, engine: docker.DockerClient, engine_url: str, recording_proxy: RecordingProxy
) -> Environment:
    """An empty environment; the command talks to the engine through the recording proxy."""
    return Environment(tmp_path, project, engine, engine_url, recording_proxy)


@pytest.fixture
def decoys(environment: Environment) -> Iterator[Decoys]:
    """Other people's objects with look-alike names and copied labels; the test fails if one of them was touched."""
    strangers = Decoys(environment.engine, environment.project)
    before = strangers.snapshot()
    yield strangers
    after = strangers.snapshot()
    strangers.remove()
    assert after == before
