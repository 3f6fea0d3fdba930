"""An engine that counts endpoints that are not there is recognised, and what mends it is said."""

from __future__ import annotations

import pytest

from provisioner.engines.removal import is_miscounted, miscounted
from provisioner.errors import EngineConflict
from provisioner.kinds.refusals import refused

REFUSAL = "error while removing network: network shop_default id 0123 has active endpoints"


@pytest.mark.parametrize(
    ("network", "refusal", "expected"),
    [
        ({"Containers": {}, "Scope": "local"}, REFUSAL, True),
        ({"Scope": "local"}, REFUSAL, True),
        ({"Containers": {"c1": {"Name": "web"}}, "Scope": "local"}, REFUSAL, False),
        ({"Containers": {}, "Scope": "swarm"}, REFUSAL, False),
        ({"Containers": {}, "Scope": "local"}, "network is in use by service abc", False),
    ],
)
def test_which_refusals_are_a_miscount(network: dict[str, object], refusal: str, expected: bool) -> None:
    assert is_miscounted(network, refused(403, refusal).reason) is expected


def test_what_is_said_of_it() -> None:
    error = miscounted({"Name": "shop_default"}, EngineConflict(REFUSAL, status=403))
    assert "counts endpoints on the network shop_default that are not there" in error.message
    assert "nothing else of the environment is left" in error.message
    assert "restart the engine" in str(error.hint)
    assert "next apply uses the network" in str(error.hint)
    assert error.detail == REFUSAL
