"""An environment on a Swarm from nothing to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.swarm.environment import service

if TYPE_CHECKING:
    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine


def test_made_inert_and_removed(environment: SwarmEnvironment) -> None:
    environment.write({"services": {"web": service(volumes=["data:/data"])}, "volumes": {"data": {}}})
    assert environment.apply().summary["changed"] == 3
    environment.require_inert()
    environment.destroy("--volumes", "--history")
    environment.wait_until(lambda: environment.objects() == set())


def test_a_plan_says_which_changes_make_tasks_anew(environment: SwarmEnvironment) -> None:
    there, ports = {"placement": {"constraints": ["node.role==manager"]}}, [{"target": 80, "mode": "host"}]
    changes: list[tuple[dict[str, Any], bool]] = [
        (service(there), False),
        (service({**there, "labels": {"a": "b"}}), False),
        (service({**there, "labels": {"a": "b"}}, ports=ports), True),
        (service({**there, "labels": {"a": "b"}}, ports=ports, environment={"A": "1"}), True),
    ]
    environment.write({"services": {"web": service()}})
    environment.apply()
    for body, anew in changes:
        [before] = environment.tasks("web")
        environment.write({"services": {"web": body}})
        told = environment.run("plan").stdout
        assert ("update, its tasks are made anew" in told) == anew, told
        environment.apply()
        [after] = environment.tasks("web")
        assert (after["ID"] != before["ID"]) == anew, told
    environment.destroy()
