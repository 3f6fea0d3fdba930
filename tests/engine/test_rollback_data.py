"""A rollback together with the data that its revision had, on a real engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import service
from tests.engine.test_backup import fill, playbook, run_in
from tests.engine.test_restore import state

if TYPE_CHECKING:
    from tests.engine.environment import Environment

pytestmark = pytest.mark.engine


def test_a_revision_with_the_data_that_it_had(environment: Environment) -> None:
    job = service(command=["true"], job={"run": "on_change"})
    job.pop("healthcheck")
    book = playbook(backup={"to": "./archives", "before": ["migration"]})
    environment.write(book)
    environment.apply()
    fill(environment)
    before = state(environment)
    refused = environment.run("rollback", "1", "--with-data", "--yes")
    assert (refused.code, "revision 1 has no snapshot in " in refused.stderr) == (1, True), refused
    book["services"]["migrate"] = job
    environment.write(book)
    environment.apply()
    run_in(environment, "store", "echo migrated > /rows/table")
    looked = environment.run("rollback", "1", "--with-data", "--check")
    assert (looked.code, "volume.rows" in looked.stdout) == (0, True), looked
    assert run_in(environment, "store", "cat /rows/table") == "migrated\n"
    done = environment.run("rollback", "1", "--with-data", "--yes", "--json")
    assert (done.code, json.loads(done.stdout)["restored"]) == (0, True), done
    assert state(environment) == before
    history = environment.run("history")
    assert "3" in history.stdout, history
    undone = environment.run("restore", "--undo", "--yes")
    assert undone.code == 0, undone
    assert run_in(environment, "store", "cat /rows/table") == "migrated\n"
