"""Its data through backup, rehearsal and restore, as its playbook declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.ichrisbirch.environment import Environment
from tests.systems.lifetime import made_environment
from tests.systems.rehearsal import backed_up, proven, restored, with_archives

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.whole]


def test_an_archive_is_proven_and_brings_the_habits_back(engine_url: str, tmp_path: Path) -> None:
    with made_environment(Environment, engine_url, tmp_path, "dev") as throwaway:
        with_archives(throwaway)
        throwaway.apply()
        for name in ("reading", "running"):
            throwaway.add_habit(name)
        backed_up(throwaway, "service.postgres", "volume.redis_data")
        proven(throwaway, ["the database is that of the environment", "Redis asks for its password"])

        throwaway.sql("delete from habits")
        assert throwaway.habits() == []
        restored(throwaway, "--replace", "--prune")
        assert throwaway.habits() == ["reading", "running"]
