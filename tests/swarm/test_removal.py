"""What a Swarm's manager says of a removal is held against what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.swarm.environment import service

if TYPE_CHECKING:
    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine


def playbook() -> dict[str, Any]:
    return {
        "services": {"web": service(networks=["back"], configs=["page"], volumes=["data:/data"])},
        "networks": {"back": {}},
        "configs": {"page": {"content": "hello\n"}},
        "volumes": {"data": {}},
    }


def left(environment: SwarmEnvironment) -> set[str]:
    """What is there of the environment, but for containers of tasks that have ended."""
    return {name for name in environment.inventory() if not name.startswith("container ")}


def test_not_found_is_not_taken_for_removed(environment: SwarmEnvironment) -> None:
    """Service, network, config, volume: each is there after the answer, and is asked for again."""
    environment.write(playbook())
    environment.apply()
    assert {name.split()[0] for name in left(environment)} == {"service", "network", "config", "volume"}
    environment.deny_removals()
    environment.destroy("--volumes", "--history")
    assert left(environment) == set()


def test_what_is_shown_to_the_end_is_not_called_removed(environment: SwarmEnvironment) -> None:
    environment.write(playbook())
    environment.apply()
    environment.deny_removals(always="services")
    done = environment.destroy(code=1)
    assert "goes on showing it: it is not removed" in done.errors
    assert f"service {environment.project}_web" in left(environment)
    assert environment.proxy is not None
    environment.proxy.clear()
    environment.destroy("--volumes", "--history")
    assert left(environment) == set()
