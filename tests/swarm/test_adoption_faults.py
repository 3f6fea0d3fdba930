"""An adoption or a move on a Swarm that is killed at any change: no task runs anew, and the next one goes on."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.story import MOMENTS, QUARTERS, every_fourth, killed, sweep
from tests.swarm.test_adoption import deploy, running, stack
from tests.swarm.test_moved import NAMES, ids, moves, shop

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.swarm.environment import SwarmEnvironment

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

ADOPT = ("adopt", "--yes", "--json")


def last_revision(environment: SwarmEnvironment) -> int:
    revisions = json.loads(environment.run("history", "--json").stdout)["revisions"]
    return max((one["number"] for one in revisions), default=0)


def adopted(environment: SwarmEnvironment, strikes: Any) -> int:
    """Adopt a stack, struck; then adopt as usual, and let go."""
    environment.write(stack(environment))
    deploy(environment)
    before = running(environment)

    def part(strike: Callable[[tuple[str, ...]], bool]) -> bool:
        number = last_revision(environment)
        met = strike(ADOPT)
        assert running(environment) == before
        done = environment.run(*ADOPT)
        assert done.code == 0, done
        # Where the record was written and the revision was not, the second one keeps it.
        assert last_revision(environment) == number + 1
        assert environment.plan()["changes"] == []
        assert json.loads(environment.run(*ADOPT).stdout)["adopted"] == []
        assert environment.run("adopt", "--release", "--yes").code == 0
        assert running(environment) == before
        return met

    return sweep(part, strikes)


def moved(environment: SwarmEnvironment, strikes: Any) -> int:
    """Move what keeps its name on a Swarm to other addresses, struck, and with the next strike back again."""
    (environment.folder / ".env.local").write_text("TOKEN=s3cr3t\n")
    (environment.folder / ".env.local").chmod(0o600)
    environment.write(shop({}))
    environment.apply()
    before, tasks = ids(environment), {one["ID"] for one in environment.tasks("web")}
    back = [{"from": move["to"], "to": move["from"]} for move in moves(NAMES)]
    turns = itertools.cycle(((NAMES, moves(NAMES)), ({}, back)))

    def part(strike: Callable[[tuple[str, ...]], bool]) -> bool:
        names, moving = next(turns)
        environment.write({**shop(names), "moved": moving})
        met = strike(("apply", "--yes", "--json"))
        assert environment.apply().summary["failed"] == 0
        environment.require_inert()
        assert before <= ids(environment)
        assert {one["ID"] for one in environment.tasks("web")} == tasks
        return met

    return sweep(part, strikes)


PARTS = (adopted, moved)


@pytest.mark.parametrize("part", PARTS)
def test_killed_now_and_then(part: Callable[..., int], environment: SwarmEnvironment) -> None:
    strikes = ((at, killed(environment, at, MOMENTS[at // 4 % 3])) for at in itertools.count(3, step=4))
    assert part(environment, strikes) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("first", QUARTERS)
def test_killed_anywhere(part: Callable[..., int], moment: str, first: int, environment: SwarmEnvironment) -> None:
    assert part(environment, ((at, killed(environment, at, moment)) for at in every_fourth(first))) >= 1
