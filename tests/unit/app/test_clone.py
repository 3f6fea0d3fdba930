"""The services in which the data of a clone are masked: nobody outside can reach them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.clone import closed_playbook
from provisioner.app.platform import platform_of
from provisioner.document import Sources, read

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.platforms.choice import Mode


@pytest.mark.parametrize("mode", ["containers", "swarm"])
@pytest.mark.parametrize(
    ("said", "left"),
    [
        ({}, ["default"]),
        ({"networks": ["outside"]}, []),
        ({"networks": ["outside", "own"]}, ["own"]),
        ({"networks": {"own": {"aliases": ["db"]}}}, ["own"]),
    ],
)
def test_without_ports_and_networks_of_others(
    tmp_path: Path, mode: Mode, said: dict[str, Any], left: list[str]
) -> None:
    document = {
        "name": "shop",
        "services": {"db": {"image": "db:1", "ports": ["5432:5432"], **said}},
        "networks": {"own": {}, "outside": {"external": True}},
    }
    (tmp_path / "compose.yaml").write_text(json.dumps(document))
    found = read(Sources(files=(str(tmp_path / "compose.yaml"),), environment={}))
    body: Any = closed_playbook(found, platform_of(mode)).services["db"].body.plain()
    assert "ports" not in body
    assert list(body.get("networks") or {}) == left
    assert body.get("network_mode") == (None if left or mode == "swarm" else "none")
