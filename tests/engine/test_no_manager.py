"""A playbook for a Swarm on an engine that is no manager: every command says so, and none that nothing is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import Environment, service
from tests.engine.test_backup import archives, fill, playbook, take

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.engine

_WORDS = (
    "attach web", "cp web:/etc/passwd here", "create", "down", "drift", "events --since 1s --until 0s",
    "exec -T web true", "history", "images", "kill web", "logs", "logs --follow", "pause web", "plan", "port web 80",
    "ps", "ps -a", "ps -q", "restart web", "run web true", "scale web=2", "show 1", "start", "stats --no-stream",
    "status", "stop", "top", "unpause web", "up -d", "volumes", "wait web", "why service.web",
)  # fmt: skip


def _write(environment: Environment) -> None:
    environment.write({"engine": {"mode": "swarm"}, "services": {"web": service(ports=["80"])}})


@pytest.mark.parametrize("words", [word.split() for word in _WORDS], ids=_WORDS)
def test_it_is_said_by_every_command(environment: Environment, words: Sequence[str]) -> None:
    if environment.engine.info()["Swarm"].get("ControlAvailable"):
        pytest.skip("the engine is a manager")
    _write(environment)
    done = environment.run(*words)
    assert done.code == 69, done
    assert "this engine is no Swarm manager" in done.stderr
    assert "provision engine init" in done.stderr
    assert "provision apply" not in done.stderr


@pytest.mark.parametrize("words", ["pull", "config", "lint", "secrets list", "config --resolve-image-digests"])
def test_what_needs_no_manager_works(environment: Environment, words: str) -> None:
    _write(environment)
    done = environment.run(*words.split())
    assert "no Swarm manager" not in done.stderr or done.code == 0, done


def test_no_archive_is_taken_for_one_of_a_revision_that_is_gone(environment: Environment) -> None:
    """Which revisions there are is known to the managers alone."""
    environment.write(playbook(backup={"to": "./archives", "before": ["migration"], "keep": {"last": 1}}))
    environment.apply()
    fill(environment)
    job = {**service(command=["true"], job={"run": "on_change"}), "healthcheck": {"disable": True}}
    declared = playbook(backup={"to": "./archives", "before": ["migration"], "keep": {"last": 1}})
    declared["services"]["migrate"] = job
    environment.write(declared)
    environment.apply()
    take(environment)
    assert len(archives(environment)) == 2
    environment.write({**declared, "engine": {"mode": "swarm"}})
    pruned = environment.run("backup", "prune", "--yes", "--json")
    assert pruned.code == 0, pruned
    assert (json.loads(pruned.stdout)["removed"], len(archives(environment))) == ([], 2)
