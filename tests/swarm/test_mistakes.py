"""The mistaken ways for data that are tried in memory for a plain engine, on a Swarm: only what is named goes."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.engine_fixtures import remove_project
from tests.swarm.environment import service as on_swarm
from tests.unit.app import test_mistakes as mistakes
from tests.unit.app.in_memory import InMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provisioner.app.request import Request
    from provisioner.engines.memory import MemoryEngine
    from tests.swarm.environment import SwarmEnvironment

# Some ten seconds for each.
pytestmark = [pytest.mark.engine, pytest.mark.whole, pytest.mark.timeout(300)]
_PROJECTS = ("shop", "store")
# What they look at beside volumes are containers of a plain engine.
_OF_A_PLAIN_ENGINE = (mistakes.emptied_pruned_and_allowed,)


@dataclass
class _Looks:
    """What the mistakes ask of an engine beside the commands."""

    environment: SwarmEnvironment

    def state(self) -> dict[str, Any]:
        listed = self.environment.engine.api.volumes()["Volumes"] or ()
        mine = {one["Name"]: one for one in listed if one["Name"].startswith(_PROJECTS)}
        return {"volumes": mine, "containers": {}}


@dataclass
class OnSwarm(InMemory):
    """Its commands meet a Swarm."""

    def __post_init__(self) -> None: ...

    def write(self, playbook: Mapping[str, Any] | list[Any] | str, name: str = "compose.yaml") -> str:
        if isinstance(playbook, dict):
            playbook = {"engine": {"mode": "swarm"}, **playbook}
        return super().write(playbook, name)

    def request(self, *files: str) -> Request:
        url = cast("_Looks", self.engine).environment.url
        return replace(super().request(*files), host=url, shell=dict(os.environ))

    @property
    def containers(self) -> set[str]:
        """The names that the first task of each service would have on a plain engine."""
        listed = cast("_Looks", self.engine).environment.engine.api.services()
        return {f"{one['Spec']['Name'].replace('_', '-', 1)}-1" for one in listed}


@pytest.fixture
def shop(environment: SwarmEnvironment, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnSwarm]:
    for name in _PROJECTS:
        remove_project(environment.engine, name)
    monkeypatch.setattr(mistakes, "service", on_swarm)
    monkeypatch.setattr(mistakes, "DB", on_swarm(volumes=["pg:/data"]))
    yield OnSwarm(environment.folder, engine=cast("MemoryEngine", _Looks(environment)))
    for name in _PROJECTS:
        remove_project(environment.engine, name)


@pytest.mark.parametrize(
    "mistake", [one for one in mistakes.MISTAKES if one not in _OF_A_PLAIN_ENGINE], ids=lambda one: one.__name__
)
def test_no_mistake_deletes_a_volume_that_was_not_named(mistake: Callable[[InMemory], None], shop: OnSwarm) -> None:
    shop.write(mistakes.playbook())
    assert shop.apply().exit_code == 0
    before = shop.engine.state()["volumes"]["shop_pg"]
    mistake(shop)
    assert shop.engine.state()["volumes"].get("shop_pg") == before
