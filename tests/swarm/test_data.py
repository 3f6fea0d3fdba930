"""Data on a Swarm: what is external or protected stays, the history too, and our own service is no stranger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.kinds.ownership import NAME
from tests.swarm.environment import service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine


def database(pg: Mapping[str, Any]) -> dict[str, Any]:
    return {"services": {"db": service(volumes=["pg:/data"])}, "volumes": {"pg": pg}}


def test_external_and_protected_volumes_stay(environment: SwarmEnvironment) -> None:
    name = f"{environment.project}_pg"
    environment.write(database({"protect": True}))
    environment.apply()
    environment.require_inert()
    environment.services(web=service())
    environment.destroy("--volumes")
    assert name in {one["Name"] for one in environment.engine.api.volumes()["Volumes"]}
    environment.write(database({"external": True, "name": name}))
    environment.apply()
    environment.require_inert()
    environment.destroy("--volumes", "--history")
    assert name in {one["Name"] for one in environment.engine.api.volumes()["Volumes"]}
    assert environment.engine.api.configs(filters={"label": f"provisioner.ledger={environment.project}"}) == []


def test_a_service_without_its_label_is_no_stranger(environment: SwarmEnvironment) -> None:
    environment.services(web=service())
    environment.apply()
    environment.update_by_hand("web", lambda spec: spec["Labels"].pop(NAME))
    [refusal] = json.loads(environment.run("plan", "--json").stdout)["refusals"]
    assert f"this environment, but its label {NAME} is missing" in refusal["message"]
    assert f"--label-add {NAME}={environment.project}_web" in refusal["hint"]
    environment.update_by_hand("web", lambda spec: spec["Labels"].update({NAME: f"{environment.project}_web"}))
    environment.require_inert()
