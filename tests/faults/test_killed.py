"""Killed (SIGKILL) before, during or after any change, a plain run ends well and leaves nothing behind."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import service
from tests.faults.story import MOMENTS, QUARTERS, Story, every_fourth, killed, sweep

if TYPE_CHECKING:
    from tests.engine.decoys import Decoys
    from tests.engine.environment import Environment

pytestmark = pytest.mark.engine

PARTS = ("create", "update", "destroy")


@pytest.mark.parametrize("part", PARTS)
def test_killed_now_and_then(part: str, environment: Environment, decoys: Decoys) -> None:
    """Every fourth request, the moments in turn."""
    story = Story(environment, left_alone=environment.objects())
    strikes = ((at, killed(environment, at, MOMENTS[at % 3])) for at in itertools.count(1 + PARTS.index(part), step=4))
    assert sweep(getattr(story, part), strikes) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("first", QUARTERS)
def test_killed_anywhere(first: int, part: str, moment: str, environment: Environment, decoys: Decoys) -> None:
    story = Story(environment, left_alone=environment.objects())
    strikes = ((at, killed(environment, at, moment)) for at in every_fourth(first))
    assert sweep(getattr(story, part), strikes) >= 2


def test_killed_between_a_start_and_its_hook(environment: Environment) -> None:
    """The command is run by the next apply, and by no further one."""
    hook = {"command": ["sh", "-c", "echo ran >> /tmp/hooks"]}
    environment.services(web=service(post_start=[hook]))
    environment.apply()
    assert environment.proxy is not None
    made = [str(request) for request in environment.proxy.mutating]
    at = next(number for number, request in enumerate(made, 1) if "/exec" in request)
    environment.destroy()

    assert killed(environment, at, "before")(("apply", "--yes", "--json"))
    environment.apply()
    assert environment.container("web-1").exec_run(["cat", "/tmp/hooks"]).output == b"ran\n"
    environment.require_inert()

    environment.container("web-1").stop(timeout=0)
    environment.proxy.clear()
    environment.apply()
    assert environment.container("web-1").exec_run(["cat", "/tmp/hooks"]).output == b"ran\nran\n"
    environment.require_inert()
