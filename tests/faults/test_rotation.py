"""A secret of a service with two replicas is rotated under load and killed anywhere: no request fails, the next apply
finishes it, and there is a way back.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.engine.serving import asking, server
from tests.faults.story import MOMENTS, QUARTERS, every_fourth, killed, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engine.environment import Environment

pytestmark = pytest.mark.engine

ROTATE = ("secrets", "rotate", "token", "--yes", "--json")


def kept(environment: Environment) -> str:
    """The value that the next apply brings."""
    lines = (environment.folder / ".env.local").read_text(encoding="utf-8").splitlines()
    return next(line.removeprefix("TOKEN=") for line in lines if line.startswith("TOKEN="))


def rotate_and_kill(environment: Environment, strikes: Iterator[tuple[int, str]]) -> int:
    """Again and again, each time killed later; how often until the whole rotation was done."""
    web = server("/run/secrets/token", secrets=["token"], deploy={"replicas": 2})
    environment.write({"services": {"web": web}, "secrets": {"token": {"generate": {"length": 12}}}})
    environment.apply()
    with asking(environment) as client:
        client.wait_for(kept(environment))

        def part(strike: Callable[[tuple[str, ...]], bool]) -> bool:
            before = kept(environment)
            met = strike(ROTATE)
            environment.apply()
            environment.require_inert()
            client.wait_for(kept(environment))
            client.require_no_failure()
            if kept(environment) == before:
                return met
            back = environment.run("rollback", "--yes")
            assert back.code == 0, back
            client.wait_for(before)
            client.require_no_failure()
            environment.apply()
            return met

        return sweep(part, ((at, killed(environment, at, moment)) for at, moment in strikes))


def test_killed_now_and_then(environment: Environment) -> None:
    assert rotate_and_kill(environment, ((at, MOMENTS[at % 3]) for at in itertools.count(5, step=7))) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("first", QUARTERS)
def test_killed_anywhere(first: int, moment: str, environment: Environment) -> None:
    assert rotate_and_kill(environment, ((at, moment) for at in every_fourth(first))) >= 3
