"""An environment on a Swarm from nothing to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
