"""Archives in a repository of the real restic, through the commands."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.engine.test_backup import fill, playbook, take
from tests.engine.test_restore import spoil, state

if TYPE_CHECKING:
    from tests.engine.environment import Environment

pytestmark = pytest.mark.engine


def test_the_commands_work_as_with_a_folder(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", "a password of a test")
    repository = environment.folder / "repository"
    environment.write(playbook(backup={"to": "restic:./repository", "keep": {"last": 1}}))
    environment.apply()
    fill(environment)
    early = environment.run("backup")
    assert (early.code, "restic init" in early.stderr) == (1, True), early
    subprocess.run(["restic", "init", "--quiet", "--repo", str(repository)], env={**os.environ}, check=True)
    before = state(environment)
    made = [take(environment)["id"] for _ in range(2)]
    listed = json.loads(environment.run("backup", "list", "--json").stdout)["places"][0]
    assert [one["id"] for one in listed["archives"]] == made
    assert environment.run("backup", "check", made[0]).code == 0
    assert made[1] in environment.run("backup", "show", "latest").stdout
    pruned = environment.run("backup", "prune", "--yes", "--json")
    assert json.loads(pruned.stdout)["removed"] == made[:1]
    spoil(environment)
    done = environment.run("restore", "latest", "--yes", "--replace", "--prune")
    assert done.code == 0, done
    assert state(environment) == before
    rehearsed = environment.run("rehearse", "--latest")
    assert (rehearsed.code, "is proven" in rehearsed.stdout) == (0, True), rehearsed
