"""Data on a real engine: what is external or protected stays, and a missing volume is an alarm also after a destroy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Environment, addresses, differences, service

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.engine


def database(pg: Mapping[str, Any], *, key: str = "pg") -> dict[str, Any]:
    return {"services": {"db": service(volumes=[f"{key}:/data"])}, "volumes": {key: pg}}


def test_what_became_external_stays(environment: Environment) -> None:
    project = environment.project
    lan = {"name": f"{project}_lan"}
    environment.write({**database({}), "networks": {"default": lan}})
    environment.apply()
    theirs = {"external": True, "name": f"{project}_pg"}
    environment.write({**database(theirs, key="theirs"), "networks": {"default": {**lan, "external": True}}})
    environment.apply()
    environment.require_inert()
    destroyed = environment.destroy("--volumes", "--history")
    assert {f"volume {project}_pg", f"network {project}_lan"} == environment.objects(), destroyed


def test_protection_is_on_the_volume(environment: Environment) -> None:
    environment.write(database({"protect": True}))
    environment.apply()
    environment.require_inert()
    name = f"{environment.project}_pg"
    environment.services(web=service())
    refused = environment.destroy("--volume", name, code=1)
    assert "it is protected" in json.dumps(refused.lines[0]["refusals"])
    environment.destroy("--volumes", "--history")
    assert environment.objects() == {f"volume {name}", environment.ledger}, "what stays is remembered"
    environment.write(database({}))
    assert differences(environment.plan()) == [("volume.pg", "protect")]
    environment.apply()
    environment.require_inert()
    environment.destroy("--volumes", "--history")
    assert environment.objects() == set()


def test_the_alarm_survives_a_destroy(environment: Environment) -> None:
    environment.write(database({}))
    environment.apply()
    environment.destroy()
    assert environment.run("drift").code == 0
    environment.engine.volumes.get(f"{environment.project}_pg").remove()
    drifted = environment.run("drift", "--json")
    assert (drifted.code, [*addresses(json.loads(drifted.stdout))]) == (2, ["volume.pg"]), drifted
    assert "ALARM" in json.dumps(environment.plan()["notes"])
    environment.apply()
    environment.require_inert()
    numbers = [one["number"] for one in json.loads(environment.run("history", "--json").stdout)["revisions"]]
    assert numbers == [2, 1]


def test_a_renamed_key_is_the_same_volume_and_another_name_another_one(environment: Environment) -> None:
    name = f"{environment.project}_pg"
    environment.write(database({}))
    environment.apply()
    environment.write(database({"name": name}, key="data"))
    environment.apply("--prune")
    environment.require_inert()
    environment.write(database({"name": f"{environment.project}_new"}, key="data"))
    environment.apply("--prune")
    environment.require_inert()
    assert {f"volume {name}", f"volume {environment.project}_new"} <= environment.objects()


def test_an_emptied_playbook_prunes_nothing(environment: Environment) -> None:
    environment.write(database({}))
    environment.apply()
    before = environment.inventory()
    environment.write({"services": {}, "volumes": {"pg": {}}})
    refused = environment.apply("--prune", code=1)
    assert "declares no service any more" in json.dumps(refused.lines[0]["refusals"])
    assert environment.inventory() == before
    environment.apply("--prune", "--allow-empty")
    assert environment.objects() == {environment.ledger, f"volume {environment.project}_pg"}
