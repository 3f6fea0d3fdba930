"""A subnet that is taken by the very network that is to be made: a killed run asked for it, and it has no name yet."""

from __future__ import annotations

import time
from typing import Any

import pytest

from provisioner.engines.connect import Endpoint
from provisioner.engines.docker_api import DockerEngine
from provisioner.engines.engine_http import EngineHttp
from provisioner.errors import ClaimTaken, EngineConflict, PlanStale, ProvisionError
from provisioner.kinds.refusals import refused

LABELS = {"provisioner.environment": "shop", "provisioner.address": "network.back"}
OVERLAP = refused(403, "Pool overlaps with other one on this address space")


class Wire(EngineHttp):
    """An engine that refuses to make a network, and shows it after some looks."""

    def __init__(self, looks: int, labels: dict[str, str]) -> None:
        super().__init__(Endpoint("unix:///nowhere", "test"))
        self.looks, self.labels = looks, labels

    def post(self, *arguments: Any) -> Any:
        raise OVERLAP

    def get(self, path: str, *arguments: Any, **more: Any) -> Any:
        self.looks -= 1
        if self.looks >= 0:
            raise refused(404, "network shop_back not found")
        return {"Id": "1", "Name": "shop_back", "Labels": self.labels}


@pytest.mark.parametrize(
    ("looks", "labels", "expected"),
    [
        (0, {**LABELS, "provisioner.operation": "another"}, PlanStale),
        (3, {**LABELS, "provisioner.operation": "another"}, PlanStale),
        (1, {**LABELS, "provisioner.address": "network.front"}, EngineConflict),
        (1, {}, EngineConflict),
        (99, LABELS, ClaimTaken),
    ],
)
def test_whose_subnet_it_is_is_told(
    monkeypatch: pytest.MonkeyPatch, looks: int, labels: dict[str, str], expected: type[ProvisionError]
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    engine = DockerEngine(Wire(looks, labels))
    with pytest.raises(expected) as told:
        engine.create("network", "shop_back", {"Driver": "bridge", "Labels": LABELS})
    assert type(told.value) is expected
