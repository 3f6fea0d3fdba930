"""An adoption, or a move, that is killed at any change: nothing runs anew, nothing is half done, and the next
one goes on.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import service
from tests.faults.story import MOMENTS, QUARTERS, every_fourth, killed, sweep
from tests.quick_check import passing_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

ADOPT = ("adopt", "--yes", "--json")


def shop(web: str = "web", back: str = "back", data: str = "data") -> dict[str, Any]:
    return {
        "services": {web: service(scale=2, networks=[back], volumes=[f"{data}:/data"])},
        "networks": {back: {}},
        "volumes": {data: {}},
    }


def brought_up(environment: Environment) -> dict[str, str]:
    """What version 1 of Compose makes of the shop, whose containers have other names; their names by id."""
    api, project = environment.engine.api, environment.project
    labels = {"com.docker.compose.project": project}
    network = api.create_network(f"{project}_back", labels={**labels, "com.docker.compose.network": "back"})["Id"]
    api.create_volume(f"{project}_data", labels={**labels, "com.docker.compose.volume": "data"})
    names = {}
    for number in ("1", "2"):
        own = {**labels, "com.docker.compose.service": "web", "com.docker.compose.container-number": number,
               "com.docker.compose.oneoff": "False"}  # fmt: skip
        name = f"{project}_web_{number}"
        made = api.create_container(
            "busybox:1.36", ["sleep", "infinity"], name=name, labels=own, stop_signal="SIGKILL",
            healthcheck={"test": passing_once()["test"], "interval": 100_000_000, "timeout": 3 * 3600 * 1_000_000_000},
            host_config=api.create_host_config(binds=[f"{project}_data:/data:rw"], network_mode=f"{project}_back"),
            networking_config=api.create_networking_config(
                {f"{project}_back": api.create_endpoint_config(aliases=["web", name])}
            ),
        )["Id"]  # fmt: skip
        api.start(made)
        names[made] = name
    assert network
    return names


def running(environment: Environment) -> dict[str, tuple[str, ...]]:
    """Identity, start and restarts of every object but the records, containers by their ids."""
    return {
        found[0] if name.startswith("container ") else name: (found[2], found[4]) if len(found) > 2 else found
        for name, found in environment.inventory().items()
        if not name.endswith((".ledger", ".lease"))
    }


def last_revision(environment: Environment) -> int:
    revisions = json.loads(environment.run("history", "--json").stdout)["revisions"]
    return max((one["number"] for one in revisions), default=0)


def adopted_by_version_1(environment: Environment, strikes: Any) -> int:
    """Adopt what stands under other names, struck; then adopt as usual, let go, and give the old names back."""
    environment.write(shop())
    names = brought_up(environment)
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
        assert environment.apply().summary["changed"] == 0
        environment.require_inert()
        assert running(environment) == before
        again = json.loads(environment.run(*ADOPT).stdout)
        assert again["adopted"] == []
        assert environment.run("adopt", "--release", "--yes").code == 0
        for identity, name in names.items():
            environment.engine.containers.get(identity).rename(name)
        return met

    return sweep(part, strikes)


def moved_to_and_fro(environment: Environment, strikes: Any) -> int:
    """Move everything to other addresses, struck, and with the next strike back again."""
    sides = (("web", "back", "data"), ("edge", "inner", "rows"))
    kinds = ("service", "network", "volume")
    environment.write(shop(*sides[0]))
    environment.apply()
    before = running(environment)
    turns = itertools.cycle(((sides[0], sides[1]), (sides[1], sides[0])))

    def part(strike: Callable[[tuple[str, ...]], bool]) -> bool:
        old, new = next(turns)
        moves = [{"from": f"{kind}.{a}", "to": f"{kind}.{b}"} for kind, a, b in zip(kinds, old, new, strict=True)]
        environment.write({**shop(*new), "moved": moves})
        met = strike(("apply", "--yes", "--json"))
        assert running(environment) == before
        environment.apply()
        environment.require_inert()
        assert running(environment) == before
        assert environment.container(f"{new[0]}-1").status == "running"
        return met

    return sweep(part, strikes)


PARTS = (adopted_by_version_1, moved_to_and_fro)


@pytest.mark.parametrize("part", PARTS)
def test_killed_now_and_then(part: Callable[..., int], environment: Environment) -> None:
    """Every third request, the moments in turn."""
    strikes = ((at, killed(environment, at, MOMENTS[at // 3 % 3])) for at in itertools.count(2, step=3))
    assert part(environment, strikes) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("first", QUARTERS)
def test_killed_anywhere(part: Callable[..., int], moment: str, first: int, environment: Environment) -> None:
    assert part(environment, ((at, killed(environment, at, moment)) for at in every_fourth(first))) >= 1
