"""A real PostgreSQL with rows in a volume of a Compose project: in, changed, destroyed, applied, and out again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.compose_database import Database
from tests.compose_recording import Recording, run_compose
from tests.corpus_adoption import Stack, remove_compose_project

if TYPE_CHECKING:
    from pathlib import Path

    import docker

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def test_the_rows_are_there_at_every_step(
    engine: docker.DockerClient, engine_url: str, project: str, tmp_path: Path
) -> None:
    """What Compose asks is played back, or asked by a real one that COMPOSE names."""
    folder = tmp_path / project
    folder.mkdir()
    compose = os.environ.get("COMPOSE")

    def bring_up(name: str, file: str) -> None:
        if compose:
            run_compose([compose, "-f", file], folder=folder, project=project, url=engine_url, arguments=["up", "-d"])
        else:
            Recording.load(name).play(engine, project=project, folder=folder)

    try:
        Database(Stack("database", folder, project, engine, engine_url, ()), bring_up).prove()
    finally:
        remove_compose_project(engine, project)
