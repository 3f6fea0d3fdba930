"""Killed (SIGKILL) before, during or after any change, a plain run ends well and leaves nothing behind."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.faults.story import Story, killed, sweep

if TYPE_CHECKING:
    from tests.engine.decoys import Decoys
    from tests.engine.environment import Environment

pytestmark = pytest.mark.engine

PARTS = ("create", "update", "destroy")
MOMENTS = ("before", "during", "after")


@pytest.mark.parametrize("part", PARTS)
def test_killed_now_and_then(part: str, environment: Environment, decoys: Decoys) -> None:
    """Every fourth request, the moments in turn."""
    story = Story(environment, left_alone=environment.objects())
    strikes = ((at, killed(environment, at, MOMENTS[at % 3])) for at in itertools.count(1 + PARTS.index(part), step=4))
    assert sweep(getattr(story, part), strikes) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("part", PARTS)
def test_killed_anywhere(part: str, moment: str, environment: Environment, decoys: Decoys) -> None:
    story = Story(environment, left_alone=environment.objects())
    strikes = ((at, killed(environment, at, moment)) for at in itertools.count(1))
    assert sweep(getattr(story, part), strikes) >= 8
