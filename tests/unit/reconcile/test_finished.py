"""One-shots that nobody waits for: which services may finish, and what says that one has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.document import Sources, read
from provisioner.model.state import MayFinish, Runtime
from provisioner.platforms.choice import Mode, lower
from provisioner.platforms.lowering import InputVersions
from provisioner.playbook.bind import bind
from provisioner.reconcile.finished import has_finished
from provisioner.reconcile.wait import readiness, steadiness

if TYPE_CHECKING:
    from pathlib import Path


def lowered(folder: Path, mode: Mode, **services: dict[str, Any]) -> dict[str, MayFinish]:
    """What is said of each service's end."""
    path = folder / "compose.yaml"
    document = {"name": "p", "services": {name: {"image": "i", **body} for name, body in services.items()}}
    path.write_text(json.dumps(document))
    playbook = bind(read(Sources(files=(str(path),), environment={})))
    resources = lower(playbook, InputVersions(), mode).resources
    return {address.name: one.may_finish for address, one in resources.items() if address.kind == "service"}


@pytest.mark.parametrize(
    ("body", "plain", "swarm"),
    [
        ({}, "implied", ""),
        ({"restart": "no"}, "declared", "declared"),
        ({"restart": "on-failure"}, "declared", "declared"),
        ({"restart": "on-failure:3"}, "declared", "declared"),
        ({"restart": "always"}, "", ""),
        ({"restart": "unless-stopped"}, "", ""),
        ({"deploy": {"restart_policy": {"condition": "none"}}}, "declared", "declared"),
        ({"deploy": {"restart_policy": {"condition": "on-failure"}}}, "declared", "declared"),
        ({"deploy": {"restart_policy": {"condition": "any"}}}, "", ""),
        ({"restart": "no", "ports": ["8080:80"]}, "", ""),
        ({"restart": "no", "healthcheck": {"test": "true"}}, "", ""),
        ({"restart": "no", "healthcheck": {"disable": True}}, "declared", "declared"),
        ({"restart": "no", "job": {"run": "on_change"}}, "", ""),
    ],
)
def test_which_services_may_finish(tmp_path: Path, body: dict[str, Any], plain: str, swarm: str) -> None:
    assert lowered(tmp_path, "containers", one=body) == {"one": plain}
    assert lowered(tmp_path, "swarm", one=body) == {"one": swarm}


@pytest.mark.parametrize("key", ["network_mode", "pid", "ipc"])
def test_one_that_others_live_in_may_not(tmp_path: Path, key: str) -> None:
    found = lowered(tmp_path, "containers", host={"restart": "no"}, guest={"restart": "no", key: "service:host"})
    assert found == {"host": "", "guest": "declared"}


def ended(code: int = 0, after: str = "00:00:05", status: str = "exited") -> Runtime:
    return Runtime(status, code, started_at="2024-01-01T00:00:00.1Z", finished_at=f"2024-01-01T{after}.2Z")


@pytest.mark.parametrize(
    ("state", "may_finish", "exposes", "expected"),
    [
        (ended(), "declared", False, True),
        (ended(), "declared", True, True),
        (ended(after="23:00:00"), "declared", False, True),
        (ended(), "implied", False, True),
        (ended(), "implied", True, False),
        (ended(after="00:06:00"), "implied", False, False),
        (ended(), "", False, False),
        (ended(3), "declared", False, False),
        (ended(status="dead"), "declared", False, False),
        (ended(status="running"), "declared", False, False),
        (ended(status="created"), "implied", False, False),
    ],
)
def test_what_has_finished(state: Runtime, may_finish: MayFinish, exposes: bool, expected: bool) -> None:
    assert has_finished(state, may_finish, exposes=exposes) is expected


def test_who_ends_well_and_may_not_is_told_of_jobs() -> None:
    for state in (ended(), Runtime("restarting", restarts=2)):
        answer = readiness("ready", state, has_check=False, running_for=0)
        assert answer.done and not answer.ok
        assert "`job: {run: on_change}`" in answer.message
    assert "job" not in readiness("ready", ended(1), has_check=False, running_for=0).message


def test_an_end_is_as_good_as_being_ready_but_not_as_being_healthy() -> None:
    assert readiness("ready", ended(), has_check=False, running_for=0, finished=True).ok
    assert readiness("ready", ended(), has_check=True, running_for=0, finished=True, goes_on=True).ok
    assert not readiness("healthy", ended(), has_check=True, running_for=0, finished=True).ok
    assert steadiness(Runtime("running"), ended(), finished=True).ok
    assert not steadiness(Runtime("running"), ended()).ok
