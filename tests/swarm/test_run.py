"""`run` on a Swarm, which may begin a command again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.swarm.environment import service

if TYPE_CHECKING:
    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine


def test_a_command_that_the_swarm_began_again_is_told(environment: SwarmEnvironment) -> None:
    """Here a hand makes it do so."""
    environment.write({"services": {"web": service()}})
    environment.apply()
    running = environment.start("run", "--rm", "-T", "--no-deps", "web", "sh", "-c", "echo begun; sleep 4; echo done")
    ran: list[str] = []

    def begun() -> bool:
        names = {one["Spec"]["Name"] for one in environment.engine.api.services()}
        ran[:] = [one for one in names if one.startswith(f"{environment.project}_web") and not one.endswith("_web")]
        return bool(ran) and bool(environment.tasks(ran[0].removeprefix(f"{environment.project}_")))

    environment.wait_until(begun)
    key = ran[0].removeprefix(f"{environment.project}_")
    environment.update_by_hand(key, lambda spec: spec["TaskTemplate"].update(ForceUpdate=1))
    out, errors = running.communicate(timeout=120)
    assert running.returncode == 0, errors
    assert out.endswith("done\n")
    assert "the Swarm began this command 2 times" in errors
