"""The Ansible module on a Swarm: check and diff mode, a second run that is unchanged, and an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integrations.ansible_tasks import play
from tests.swarm.environment import service

if TYPE_CHECKING:
    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine


def test_a_swarm_is_brought_up_unchanged_the_second_time_and_taken_down(environment: SwarmEnvironment) -> None:
    environment.services(web=service(deploy={"replicas": 2}))
    task = {"secret_variables": {"UNUSED": "hidden-canary"}}
    code, printed, (checked,) = play(environment, task, options=("--check", "--diff"))
    assert (code, checked["changed"]) == (0, True), printed
    assert "create service.web" in printed and "hidden-canary" not in printed, printed
    applied, again = play(environment, {**task, "digest": checked["digest"]}, task)[2]
    assert (applied["changed"], again["changed"], again["changes"]) == (True, False, []), (applied, again)
    gone, gone_again = play(environment, {"state": "absent"}, {"state": "absent"})[2]
    assert (gone["changed"], gone_again["changed"]) == (True, False), (gone, gone_again)
