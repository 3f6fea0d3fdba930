"""What another tool made becomes the environment's as it is: by `adopt`, and a left volume by `apply` itself."""

from __future__ import annotations

import io
import re
import tarfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import adopt as adopt_module
from provisioner.app import import_running as import_module
from provisioner.app import plan_request as plan_module
from provisioner.app import take_over as take_over_module
from provisioner.app import why as why_module
from provisioner.app.adopt import adopt, look, release
from provisioner.app.adopt_plan import AdoptionChoice
from provisioner.app.import_running import import_running
from provisioner.app.load import load_playbook
from provisioner.app.why import why
from provisioner.app.wiring import SystemClock
from provisioner.engines.memory import MemoryEngine
from provisioner.errors import EngineRefused, LeaseHeld, PlanStale, ProvisionError, Unsafe, UsageError
from provisioner.kinds.ownership import PREFIX
from provisioner.ledger.adoptions import read_adoptions, record_adoptions, with_adoptions
from provisioner.ledger.lease import lease
from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.plan import Policy
from provisioner.model.state import Resource
from provisioner.reconcile.adoption import Candidate, Evidence, adoption, is_same_volume
from provisioner.render.adoption_json import adopted_json
from provisioner.render.adoption_text import adoption_text, release_text
from provisioner.render.drift_text import drift_text
from provisioner.render.plan_text import plan_text
from provisioner.render.why_json import why_json
from provisioner.render.why_text import why_text
from tests.unit.app.in_memory import InMemory, Undisturbed, in_memory, service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provisioner.app.adopt import AdoptionResult
    from provisioner.model.adoption import AdoptionPlan

SHOP: dict[str, Any] = {
    "name": "shop",
    "services": {
        "web": service(scale=2, networks={"front": {"aliases": ["www"]}}, labels={"a": "b"}),
        "db": service(volumes=["data:/data"], environment={"A": "1"}),
    },
    "networks": {"front": {"labels": {"x": "y"}}},
    "volumes": {"data": {}},
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    """The shop as Compose brought it up."""
    return brought_up(SHOP, tmp_path, monkeypatch)


def brought_up(playbook: dict[str, Any], folder: Path, patch: pytest.MonkeyPatch) -> InMemory:
    """What a playbook declares, as Compose made it."""
    found = in_memory(folder, patch)
    for module in (adopt_module, why_module):
        patch.setattr(module, "open_engine", lambda request, choice: with_adoptions(found.engine))
    found.write(playbook)
    found.apply()
    made_by_compose(found)
    return found


def made_by_compose(shop: InMemory, project: str = "shop") -> None:
    """Give everything the labels of Compose in place of ours, and containers their name as an alias."""
    state = shop.engine.state()
    for raw in list(state["containers"].values()):
        name = raw["Name"].lstrip("/")
        if name.startswith("shop."):
            shop.engine.remove("container", raw["Id"])
            continue
        live = shop.engine._containers[raw["Id"]]
        service_name, number = name.rsplit("-", 2)[1:] if name.startswith("shop-") else ("db", "1")
        live["Config"]["Labels"] = {
            **{key: value for key, value in live["Config"]["Labels"].items() if not key.startswith(PREFIX)},
            "com.docker.compose.project": project, "com.docker.compose.service": service_name,
            "com.docker.compose.container-number": number, "com.docker.compose.oneoff": "False",
            "com.docker.compose.config-hash": "0123",
        }  # fmt: skip
        for attached in live["NetworkSettings"]["Networks"].values():
            attached["Aliases"] = sorted({*(attached.get("Aliases") or ()), name})
    for kind, objects in (("network", shop.engine._networks), ("volume", shop.engine._volumes)):
        for raw in objects.values():
            if raw["Name"].startswith("shop_"):
                key = raw["Name"].removeprefix("shop_")
                own = {k: v for k, v in raw["Labels"].items() if not k.startswith(PREFIX)}
                raw["Labels"] = {**own, "com.docker.compose.project": project, f"com.docker.compose.{kind}": key}


def run(
    shop: InMemory, *, approve: Callable[[AdoptionPlan], bool] = lambda plan: True, **chosen: Any
) -> AdoptionResult:
    return adopt(
        shop.request(), AdoptionChoice(**chosen), approve=approve, listener=lambda event: None, interrupt=Undisturbed()
    )


def let_go(shop: InMemory, *addresses: str) -> int:
    named = [address for text in addresses if (address := Address.parse(text))]
    found, done = release(
        shop.request(), named, approve=lambda found: True, listener=lambda event: None, interrupt=Undisturbed()
    )
    assert done
    assert release_text(found).count("\n  - ") == len(found.released)
    return len(found.released)


def take_away(shop: InMemory, identity: str) -> None:
    shop.engine.stop(identity)
    shop.engine.remove("container", identity)


def standing(shop: InMemory) -> dict[str, Any]:
    """Identity and start of every container that is not a record of ours."""
    return {
        raw["Id"]: (raw["Name"], raw["State"]["StartedAt"])
        for raw in shop.engine.state()["containers"].values()
        if not raw["Name"].startswith("/shop.")
    }


def test_a_running_project_is_adopted_as_it_is(shop: InMemory) -> None:
    before = standing(shop)
    refused = shop.plan()
    assert len(refused.refusals) == 1, refused.refusals
    assert "6 objects are there already and belong to the Compose project shop" in refused.refusals[0].message
    assert refused.refusals[0].hint == "`provision adopt` takes them over as they are, without a restart"
    assert {row.state for row in shop.status().rows if row.address.kind in ("service", "volume")} == {"foreign"}

    result = run(shop)
    assert (result.done, result.exit_code, result.revision) == (True, 0, 1)
    assert {row.verdict for row in result.plan.rows} == {"adopt"}
    assert len(result.plan.adopts) == 6
    assert standing(shop) == before
    shown = adopted_json(result.plan, done=True, revision=1, exit_code=0)
    assert len(shown["adopted"]) == 6  # type: ignore[arg-type]
    text = adoption_text(result.plan)
    assert "its name as an alias on" in text
    assert "Adopts 6 objects. Nothing is restarted or copied." in text

    plan = shop.plan()
    assert not plan.changes, plan_text(plan)
    assert not plan.refusals
    assert {row.state for row in shop.status().rows if row.address.kind == "service"} == {"running"}
    again = shop.apply()
    assert again.exit_code == 0
    assert standing(shop) == before
    text = why_text(why(shop.request(), "service.web[1]"))
    assert "adopted     from the Compose project shop; no difference until it is replaced: labels of the Comp" in text
    told = why_json(why(shop.request(), "service.web"))["objects"]
    assert [one["adopted_from"] for one in told] == ["the Compose project shop"] * 2  # type: ignore[index,union-attr,call-overload]
    twice = run(shop)
    assert not twice.done
    assert not twice.plan.adopts
    assert {row.verdict for row in twice.plan.rows} == {"adopted already"}


def test_what_was_adopted_is_changed_rolled_back_and_released(shop: InMemory) -> None:
    before = standing(shop)
    run(shop)
    changed = {**SHOP, "services": {**SHOP["services"], "db": service(volumes=["data:/data"], environment={"A": "2"})}}
    shop.write(changed)
    plan = shop.plan()
    assert [(str(c.address), c.action) for c in plan.changes] == [("service.db", Action.REPLACE)]
    assert shop.apply().exit_code == 0
    assert not shop.plan().changes
    assert len(before.keys() & standing(shop).keys()) == 2
    assert shop.rollback().exit_code == 0
    shop.write(SHOP)
    assert not shop.plan().changes
    # The database's container is ours by its own labels now, and can not be released.
    assert let_go(shop) == 5
    assert any("belong to the Compose project shop" in one.message for one in shop.plan().refusals)
    assert not any("ALARM" in note.message for note in shop.plan().notes)


def test_one_object_is_released_by_its_address(shop: InMemory) -> None:
    run(shop)
    assert let_go(shop, "service.web") == 2
    assert [one.address for one in read_adoptions(shop.engine, "shop")[1]] == [
        "service.db[1]", "network.default", "network.front", "volume.data",
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"nothing is adopted as service\.web"):
        let_go(shop, "service.web")
    run(shop)
    assert not shop.plan().changes


def test_what_was_released_is_no_drift_by_hand(shop: InMemory) -> None:
    """Nobody removed it, and no apply brings it back."""
    run(shop)
    let_go(shop)
    plan, drifted = shop.plan(), shop.drift()
    assert {change.address.kind for change in plan.changes} == {"service", "network", "volume"}
    for change in (*plan.changes, *drifted.changes):
        assert (change.reason, change.drift) == ("released; `provision adopt` takes it again", False)
    assert plan.refusals
    assert "removed by hand" not in plan_text(plan) + drift_text(drifted)
    assert "will be put back" not in plan_text(plan)
    assert (drifted.standing, drifted.adoptable) == (True, True)
    assert drift_text(drifted, next_command="X").endswith("To take it again: X\n")
    run(shop)
    assert not shop.plan().changes
    # What a hand does remove is told as before.
    take_away(shop, str(shop.engine.inspect("container", "shop-db-1")["Id"]))  # type: ignore[index]
    assert [change.reason for change in shop.plan().changes] == ["it was removed by hand"]
    drifted = shop.drift()
    assert (drifted.standing, drifted.changes[0].drift) == (False, True)
    assert "To put it back: X" in drift_text(drifted, next_command="X")


def test_one_of_several_replicas_that_was_released_is_told(shop: InMemory) -> None:
    run(shop)
    let_go(shop, "service.web[2]")
    [change] = shop.plan().changes
    assert (change.drift, "removed by hand" in change.reason) == (False, False)


def test_what_differs_is_told_field_by_field_and_left_for_the_next_apply(shop: InMemory) -> None:
    before = standing(shop)
    shop.write(
        {**SHOP, "services": {**SHOP["services"], "db": service(volumes=["data:/data"], environment={"A": "2"}),
                              "new": service()}}
    )  # fmt: skip
    plan = look(shop.request(), AdoptionChoice())
    rows = {str(row.address): row for row in plan.rows}
    assert rows["service.db[1]"].verdict == "adopt, and change at the next apply"
    assert [one.path for one in rows["service.db[1]"].change.differences] == ["environment.A"]  # type: ignore[union-attr]
    assert rows["service.new[1]"].verdict == "not found"
    text = adoption_text(plan)
    assert "environment.A  1 → 2" in text
    assert "The next apply would change or make 2." in text
    assert run(shop).revision == 1
    assert standing(shop) == before
    assert shop.apply().exit_code == 0
    assert not shop.plan().changes


def test_an_object_of_another_name_is_mapped(shop: InMemory) -> None:
    web = next(raw["Id"] for raw in shop.engine.state()["containers"].values() if raw["Name"] == "/shop-web-1")
    shop.engine.rename(web, "old-web")
    shop.engine._containers[web]["Config"]["Labels"] = {"a": "b"}
    shop.engine.create("volume", "old_data", {"Labels": {}})
    db = next(raw for raw in shop.engine._containers.values() if raw["Name"] == "/shop-db-1")
    db["HostConfig"]["Mounts"][0]["Source"] = "old_data"
    maps = {Address("service", "web"): "old-web", Address("volume", "data"): "old_data"}
    result = run(shop, maps=maps)
    rows = {str(row.address): row for row in result.plan.rows}
    assert (rows["service.web[1]"].name, rows["service.web[1]"].becomes) == ("old-web", "shop-web-1")
    assert any("write `name: old_data` under volumes.data" in str(note.hint) for note in result.plan.notes)
    assert "shop-web-1" in shop.containers
    plan = shop.plan()
    assert not plan.changes, plan_text(plan)
    # What the ledger remembers holds for a rollback and a destroy, too, and agrees with a file that says it.
    shop.write({**SHOP, "volumes": {"data": {"name": "old_data"}}})
    assert not shop.plan().changes
    shop.write(SHOP)
    shop.destroy()
    assert "old_data" in shop.volumes
    assert not shop.plan().refusals
    assert shop.apply().exit_code == 0
    assert shop.volumes == {"old_data", "shop_data"}


@pytest.mark.parametrize(
    ("maps", "error", "text"),
    [
        ({"volume.data": "nowhere"}, ProvisionError, "there is no volume named nowhere"),
        ({"volume.typo": "shop_data"}, UsageError, r"declares no volume\.typo"),
        ({"service.db": "shop-web-1"}, UsageError, "shop-web-1 would be service"),
        ({"service.web[1]": "shop-db-1", "service.web[2]": "shop-db-1"}, UsageError, "gives shop-db-1 to"),
        ({"service.web": "shop-db-1", "service.web[1]": "shop-web-1"}, UsageError, "twice"),
    ],
)
def test_a_wrong_map_is_an_error(shop: InMemory, maps: dict[str, str], error: type[ProvisionError], text: str) -> None:
    before = shop.engine.state()
    with pytest.raises(error, match=text) as raised:
        run(shop, maps={address: name for one, name in maps.items() if (address := Address.parse(one))})
    assert raised.value.hint or "twice" in text
    assert shop.engine.state() == before


def test_what_belongs_to_others_is_not_adopted(shop: InMemory) -> None:
    made_by_compose(shop, "other")
    result = run(shop)
    assert (result.done, result.exit_code) == (False, 1)
    assert all("Compose project other" in one.message for one in result.plan.refusals)
    assert "--force other" in str(result.plan.refusals[0].hint)
    forced = run(shop, forced=frozenset({"other"}))
    assert forced.done
    assert not shop.plan().changes


def test_another_environment_keeps_its_objects_whatever_is_forced(shop: InMemory) -> None:
    volume = shop.engine._volumes["shop_data"]
    volume["Labels"] = {
        "provisioner.environment": "theirs", "provisioner.address": "volume.data", "provisioner.name": "shop_data",
    }  # fmt: skip
    result = run(shop, forced=frozenset({"theirs"}))
    assert not result.done
    assert "belongs to the environment theirs" in result.plan.refusals[0].message
    assert read_adoptions(shop.engine, "shop") == (0, ())


def test_third_parties_are_told(shop: InMemory) -> None:
    shop.engine.create(
        "container", "backup", {"Image": "app:1", "Cmd": ["run"], "Labels": {},
                                "HostConfig": {"Mounts": [{"Type": "volume", "Source": "shop_data", "Target": "/x"}]}}
    )  # fmt: skip
    one_off = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "db",
        "com.docker.compose.oneoff": "True",
    }
    orphan = {"com.docker.compose.project": "shop", "com.docker.compose.service": "gone"}
    shop.engine.create("container", "shop-db-run-1", {"Image": "app:1", "Cmd": ["run"], "Labels": one_off})
    shop.engine.create("container", "shop-gone-1", {"Image": "app:1", "Cmd": ["run"], "Labels": orphan})
    shop.engine.create(
        "container", "shop-debug-1", {"Image": "app:1", "Cmd": ["run"], "Labels": {
            "com.docker.compose.project": "shop", "com.docker.compose.service": "debug"}}
    )  # fmt: skip
    shop.write({**SHOP, "services": {**SHOP["services"], "debug": service(profiles=["debug"])}})
    result = run(shop)
    assert result.done
    notes = [note.message for note in result.plan.notes]
    assert any("shop-debug-1 stays as it is: no profile of debug is active" in note for note in notes), notes
    assert any(note.startswith("backup (nobody by its labels) uses it too") for note in notes)
    assert any("shop-db-run-1 stays as it is: it is one of `docker compose run`" in note for note in notes)
    assert any("shop-gone-1 stays as it is: the playbook declares no service gone" in note for note in notes)
    assert not shop.plan().changes


def test_a_stopped_project_is_adopted_and_started_by_the_next_apply(shop: InMemory) -> None:
    """As `docker compose stop` leaves it."""
    for raw in shop.engine.state()["containers"].values():
        shop.engine.stop(raw["Id"])
    before = standing(shop).keys()
    assert "`provision adopt`" in str(shop.plan().refusals[0].hint)
    assert {row.state for row in shop.status().rows if row.address.kind == "service"} == {"foreign"}
    result = run(shop)
    rows = {str(row.address): row.change for row in result.plan.rows if row.change is not None}
    assert {address: [one.path for one in change.differences] for address, change in rows.items()} == {
        "service.db[1]": ["state"], "service.web[1]": ["state"], "service.web[2]": ["state"],
    }  # fmt: skip
    # What runs is not what is declared, so that there is nothing to go back to yet.
    assert (result.done, result.revision) == (True, 0)
    assert {(str(one.address), one.action) for one in shop.plan().changes} == {
        ("service.db", Action.UPDATE), ("service.web", Action.UPDATE),
    }  # fmt: skip
    assert shop.apply().exit_code == 0
    assert standing(shop).keys() == before
    assert not shop.plan().changes
    assert run(shop).plan.adopts == ()


def test_a_container_of_compose_run_is_adopted_where_it_is_named_and_released_again(shop: InMemory) -> None:
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "db",
              "com.docker.compose.oneoff": "True"}  # fmt: skip
    settings = {"NetworkMode": "shop_default"}
    body = {"Image": "app:1", "Cmd": ["run"], "Labels": labels, "Healthcheck": {"Test": ["CMD", "true"]},
            "HostConfig": settings,
            "NetworkingConfig": {"EndpointsConfig": {"shop_default": {"Aliases": ["job"]}}}}  # fmt: skip
    identity = shop.engine.create("container", "shop-db-run-1", body)
    shop.engine.start(identity)
    shop.write({**SHOP, "services": {**SHOP["services"], "job": service()}})
    address = Address.parse("service.job")
    assert address is not None
    result = run(shop, maps={address: "shop-db-run-1"})
    row = next(row for row in result.plan.rows if row.address.whole == address)
    assert (row.verdict, row.name, row.becomes) == ("adopt", "shop-db-run-1", "shop-job-1")
    assert not shop.plan().changes
    assert standing(shop)[identity][0] == "/shop-job-1"

    assert let_go(shop, "service.job") == 1
    [refusal] = shop.plan().refusals
    assert "shop-job-1 is there already and belongs to the Compose project shop" in refusal.message
    assert "`provision adopt`" in str(refusal.hint)
    # By its name now, without a map; then all of it is let go.
    assert [one.id for one in run(shop).plan.adopts] == [identity]
    assert not shop.plan().changes
    assert let_go(shop) == 7
    assert identity in standing(shop)


# Faults -------------------------------------------------------------------------------------------------------------


def test_what_vanishes_between_the_question_and_the_answer_stops_it(shop: InMemory) -> None:
    def approve(plan: AdoptionPlan) -> bool:
        take_away(shop, next(one.id for one in plan.adopts if one.address == "service.db[1]"))
        return True

    with pytest.raises(PlanStale, match=r"service\.db\[1\]"):
        run(shop, approve=approve)
    assert read_adoptions(shop.engine, "shop") == (0, ())


def test_what_changes_between_the_question_and_the_answer_stops_it(shop: InMemory) -> None:
    def approve(plan: AdoptionPlan) -> bool:
        identity = next(one.id for one in plan.adopts if one.address == "service.db[1]")
        shop.engine.update(identity, {"Memory": 64 * 2**20})
        return True

    with pytest.raises(PlanStale):
        run(shop, approve=approve)
    assert read_adoptions(shop.engine, "shop") == (0, ())


def test_what_somebody_else_takes_between_the_question_and_the_answer_stops_it(shop: InMemory) -> None:
    def approve(plan: AdoptionPlan) -> bool:
        shop.engine._volumes["shop_data"]["Labels"] = {"provisioner.environment": "theirs"}
        return True

    with pytest.raises(PlanStale, match=r"volume\.data is gone"):
        run(shop, approve=approve)
    assert read_adoptions(shop.engine, "shop") == (0, ())


def test_what_somebody_else_begins_to_use_between_the_question_and_the_answer_stops_it(shop: InMemory) -> None:
    theirs = {"com.docker.compose.project": "other"}
    shop.engine._volumes["shop_data"]["Labels"] = {**theirs, "com.docker.compose.volume": "data"}

    def approve(plan: AdoptionPlan) -> bool:
        mount = {"Type": "volume", "Source": "shop_data", "Target": "/x"}
        body = {"Image": "app:1", "Cmd": ["run"], "Labels": theirs, "HostConfig": {"Mounts": [mount]}}
        shop.engine.create("container", "other-db-1", body)
        return True

    with pytest.raises(Unsafe, match="the Compose project other, whose other-db-1 uses it"):
        run(shop, approve=approve)
    assert read_adoptions(shop.engine, "shop") == (0, ())


def test_what_another_environment_adopts_between_the_question_and_the_answer_stops_it(shop: InMemory) -> None:
    def approve(plan: AdoptionPlan) -> bool:
        record_adoptions(with_adoptions(shop.engine), "theirs", "containers", plan.adopts[:1])
        return True

    with pytest.raises(Unsafe, match="belongs to the environment theirs now"):
        run(shop, approve=approve)
    assert read_adoptions(shop.engine, "shop") == (0, ())


SECOND = {
    "name": "second",
    "services": {"db": service(volumes=["data:/data"])},
    "volumes": {"data": {"name": "shop_data"}},
}


def test_what_another_environment_has_adopted_is_its_own(shop: InMemory) -> None:
    """Labels do not say so: only the ledger of the other one does."""
    run(shop)
    shop.write(SECOND)
    address = Address.parse("service.db")
    assert address is not None
    for forced in (frozenset[str](), frozenset({"shop"})):
        result = run(shop, maps={address: "shop-db-1"}, forced=forced)
        assert (result.done, result.exit_code) == (False, 1)
        assert {one.message for one in result.plan.refusals} == {
            "the container shop-db-1 belongs to the environment shop",
            "the volume shop_data belongs to the environment shop",
        }
    assert read_adoptions(shop.engine, "second") == (0, ())


def test_a_volume_that_another_environment_has_adopted_is_not_taken_over_by_apply(shop: InMemory) -> None:
    for raw in shop.engine.state()["containers"].values():
        take_away(shop, raw["Id"])
    own = shop.engine.state()["volumes"]["shop_data"]["Labels"]
    shop.write(SECOND)
    assert run(shop, forced=frozenset({"shop"})).done
    shop.write(SHOP)
    assert shop.engine.state()["volumes"]["shop_data"]["Labels"] == own
    plan = shop.plan()
    assert plan.adopts == ()
    assert any("shop_data" in str(one) for one in plan.refusals)
    assert any("shop_data belongs to the environment second" in str(one) for one in run(shop).plan.refusals)


def test_a_plan_names_the_environment_that_has_adopted_what_stands_in_the_way(shop: InMemory) -> None:
    """As the ledger says it, not the Compose project that the labels speak of."""
    made_by_compose(shop, "user1a")
    db = {**SHOP["services"]["db"], "container_name": "shop-db-1"}
    second = {"name": "user1a", "services": {"db": db}, "volumes": {"data": {"name": "shop_data"}}}
    assert any("the Compose project user1a" in problem.message for problem in shop.plan().refusals)
    shop.write(second)
    maps = {Address("service", "db"): "shop-db-1"}
    assert run(shop, maps=maps).done
    shop.write(SHOP)
    before = shop.engine.state()
    told = {problem.path: problem for problem in shop.plan().refusals if "environment" in problem.message}
    assert told.keys() >= {"service.db[1]", "volume.data"}
    for problem in told.values():
        assert problem.message.endswith("belongs to the environment user1a"), problem
        assert "`provision adopt --release` of that environment" in str(problem.hint)
        assert "--force" not in str(problem.hint)
    adopted = {problem.path: problem for problem in run(shop).plan.refusals}
    assert "`provision adopt --release` of that environment" in str(adopted["volume.data"].hint)
    assert shop.engine.state() == before


def test_a_project_that_runs_from_this_file_under_another_name_is_told(shop: InMemory) -> None:
    made_by_compose(shop, "user1a")
    label = "com.docker.compose.project.config_files"
    file = str(shop.folder / "compose.yaml")
    for identity in shop.engine.state()["containers"]:
        shop.engine._containers[identity]["Config"]["Labels"][label] = f"/elsewhere/other.yaml,{file}"
    shop.write({"name": "fresh", "services": {"web": service(ports=["80:80"])}})
    expected = ("the Compose project user1a runs from this file", "`provision adopt -p user1a` takes it over as it is")
    assert [(note.message, note.hint) for note in shop.plan().notes] == [expected]
    assert [(note.message, note.hint) for note in look(shop.request(), AdoptionChoice()).notes] == [expected]
    # Not of another file, nor where this environment runs already.
    other = shop.write({"name": "fresh", "services": {"web": service(ports=["80:80"])}}, "other.yaml")
    assert not shop.plan("other.yaml").notes, other
    assert shop.apply().exit_code == 0
    shop.write({"name": "fresh", "services": {"web": service(ports=["81:80"])}})
    assert not shop.plan().notes
    assert not look(shop.request(), AdoptionChoice()).notes


@pytest.mark.parametrize(("services", "lists"), [({"web": service(ports=["80:80"])}, 1), ({}, 0)])
def test_to_look_for_other_projects_costs_no_request(
    services: dict[str, Any], lists: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a plan lists anyway is looked at: who holds what it takes."""
    shop = in_memory(tmp_path, monkeypatch)
    shop.write({"name": "fresh", "services": services, "volumes": {"data": {}}})
    asked: Counter[str] = Counter()
    monkeypatch.setattr(shop.engine, "containers", counted(asked, "containers", shop.engine.containers))
    assert bool(shop.plan().changes) == bool(services)
    assert asked.total() == lists


def test_adopting_asks_no_more_than_a_plan_and_a_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is adopted: each container is inspected once, as by a plan."""
    beyond = set()
    for count in (3, 30):
        services = {f"s{number}": service() for number in range(count)}
        shop = brought_up({"name": "shop", "services": services}, tmp_path, monkeypatch)
        asked: Counter[str] = Counter()
        with monkeypatch.context() as patch:
            for name in ("inspect", "containers", "read_files", "facts", "create", "put_archive", "remove"):
                patch.setattr(shop.engine, name, counted(asked, name, getattr(shop.engine, name)))
            patch.setattr(shop.engine, "list", counted(asked, "list", shop.engine.list, "container"))
            assert run(shop, asks=False).done
            adoption = asked.copy()
            asked.clear()
            assert not shop.plan().changes
        beyond.add(adoption.total() - asked.total())
    assert len(beyond) == 1
    assert max(beyond) < 30, beyond


def counted(asked: Counter[str], name: str, call: Callable[..., Any], many: str = "") -> Callable[..., Any]:
    """The call, counted as requests: a list of the kind `many` is one for each object besides."""

    def asks(*arguments: Any, **named: Any) -> Any:
        answer = call(*arguments, **named)
        asked[name] += 1 + (len(answer) if many and arguments[0] == many else 0)
        return answer

    return asks


def test_an_equal_container_with_another_identity_is_another_one(shop: InMemory) -> None:
    """Somebody makes a container anew between the question and the answer, exactly as it was."""

    def made_anew(plan: AdoptionPlan) -> bool:
        raw = shop.engine.inspect("container", "shop-db-1")
        assert raw is not None
        body = {**raw["Config"], "HostConfig": raw["HostConfig"]}
        take_away(shop, raw["Id"])
        shop.engine.start(shop.engine.create("container", "shop-db-1", body))
        return True

    with pytest.raises(PlanStale):
        run(shop, approve=made_anew)
    assert read_adoptions(shop.engine, "shop") == (0, ())


def test_while_somebody_else_applies_nothing_is_adopted(shop: InMemory) -> None:
    with lease(shop.engine, "shop", "containers", clock=SystemClock(), timeout=0), pytest.raises(LeaseHeld):
        run(shop)
    assert read_adoptions(shop.engine, "shop") == (0, ())
    assert run(shop).done


def test_what_was_released_is_not_released_again(shop: InMemory) -> None:
    run(shop)
    assert let_go(shop) > 0
    found, done = release(
        shop.request(), [], approve=lambda found: True, listener=lambda event: None, interrupt=Undisturbed()
    )
    assert (found.released, done) == ((), False)
    address = Address.parse("volume.data")
    assert address is not None
    with pytest.raises(UsageError, match="nothing is adopted as volume"):
        release(shop.request(), [address], approve=lambda found: True, listener=lambda event: None,
                interrupt=Undisturbed())  # fmt: skip


def test_nothing_is_half_adopted_where_the_ledger_can_not_be_written(
    shop: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = next(raw["Id"] for raw in shop.engine.state()["containers"].values() if raw["Name"] == "/shop-web-1")
    shop.engine.rename(web, "shop_web_1")

    def refuse(*arguments: Any, **named: Any) -> None:
        raise EngineRefused("no space left on device", status=500)

    with monkeypatch.context() as patch:
        patch.setattr(take_over_module, "record_adoptions", refuse)
        with pytest.raises(EngineRefused, match="no space left"):
            run(shop)
    assert "shop_web_1" in shop.containers
    assert read_adoptions(shop.engine, "shop") == (0, ())
    assert run(shop).done
    assert "shop-web-1" in shop.containers
    assert not shop.plan().changes


class Killed(BaseException):
    """The process ends here."""


def killed_after(shop: InMemory, monkeypatch: pytest.MonkeyPatch, after: int, maps: dict[Address, str]) -> bool:
    """An adoption that ends before the request that follows so many of those that change something, and whose lease is
    given back. Whether it came to its end before that.
    """
    left, ended = [after], False

    with monkeypatch.context() as patch:
        for name in ("rename", "put_archive", "create", "remove"):
            original = getattr(shop.engine, name)

            def counted(*arguments: Any, original: Any = original, **named: Any) -> Any:
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
                return original(*arguments, **named)

            patch.setattr(shop.engine, name, counted)
        with suppress(Killed, LeaseHeld):
            run(shop, maps=maps)
            ended = True
    for raw in shop.engine.state()["containers"].values():
        if raw["Name"] == "/shop.lease":
            shop.engine.remove("container", raw["Id"])
    return ended


@pytest.mark.parametrize("after", range(10))
@pytest.mark.parametrize("mapped", [False, True])
def test_killed_anywhere_a_second_adopt_goes_on(
    shop: InMemory, monkeypatch: pytest.MonkeyPatch, after: int, mapped: bool
) -> None:
    """The same command, with the same maps, whose names may be gone by then."""
    maps = {}
    for identity, raw in shop.engine.state()["containers"].items():
        name = raw["Name"].lstrip("/").replace("-", "_")
        shop.engine.rename(identity, name)
        live = shop.engine._containers[identity]
        for attached in live["NetworkSettings"]["Networks"].values():
            attached["Aliases"] = [name if one == raw["Name"].lstrip("/") else one for one in attached["Aliases"]]
        if mapped:
            live["Config"]["Labels"] = {"a": "b"} if "web" in name else {}
            _, service_name, number = name.split("_")
            maps[Address("service", service_name, int(number))] = name
    before = {raw["Id"] for raw in shop.engine.state()["containers"].values()}
    if not killed_after(shop, monkeypatch, after, maps):
        run(shop, maps=maps)
    plan = shop.plan()
    assert not plan.changes, plan_text(plan)
    assert before <= {raw["Id"] for raw in shop.engine.state()["containers"].values()}
    assert run(shop, maps=maps).plan.adopts == ()


# A volume that was left ---------------------------------------------------------------------------------------------


def test_a_volume_that_compose_down_left_is_taken_over_by_apply(shop: InMemory) -> None:
    for raw in shop.engine.state()["containers"].values():
        take_away(shop, raw["Id"])
    for raw in shop.engine.state()["networks"].values():
        if raw["Name"].startswith("shop_"):
            shop.engine.remove("network", raw["Id"])
    created = shop.engine._volumes["shop_data"]["CreatedAt"]
    plan = shop.plan()
    assert not plan.refusals
    assert [one.name for one in plan.adopts] == ["shop_data"]
    assert any("is taken over with its data" in note.message for note in plan.notes)
    assert "1 volume to take over" in plan_text(plan)
    assert shop.apply().exit_code == 0
    assert shop.engine._volumes["shop_data"]["CreatedAt"] == created
    plan = shop.plan()
    assert not plan.changes
    assert not plan.adopts
    # It is the environment's own from now on: destroyed with it, and only when that is asked for.
    shop.destroy()
    assert "shop_data" in shop.volumes
    shop.destroy(volumes=True)
    assert "shop_data" not in shop.volumes


@pytest.mark.parametrize(
    "labels",
    [
        {"com.docker.compose.project": "other", "com.docker.compose.volume": "data"},
        {"com.docker.compose.project": "shop", "com.docker.compose.volume": "another"},
        {},
    ],
)
def test_a_volume_that_may_be_somebody_elses_is_not_taken_over_by_apply(shop: InMemory, labels: dict[str, str]) -> None:
    for raw in shop.engine.state()["containers"].values():
        take_away(shop, raw["Id"])
    shop.engine._volumes["shop_data"]["Labels"] = labels
    plan = shop.plan("compose.yaml")
    assert not plan.adopts
    assert any("volume.data" in f"{one.path} {one.message}" for one in plan.refusals)
    assert not any("docker volume rm" in f"{one}" for one in plan.refusals)


def test_a_volume_stays_adopted_while_files_come_and_go(shop: InMemory) -> None:
    """Before 24.0 an engine tells the time of the last change in the topmost folder as that of the creation."""
    run(shop)
    shop.engine._volumes["shop_data"]["CreatedAt"] = "2026-01-01T00:00:00Z"
    assert not shop.plan().changes
    moved = {"db": service(volumes=["rows:/data"], environment={"A": "1"})}
    shop.write({**SHOP, "services": {**SHOP["services"], **moved}, "volumes": {"rows": {}},
                "moved": [{"from": "volume.data", "to": "volume.rows"}]})  # fmt: skip
    assert shop.apply().exit_code == 0
    shop.engine._volumes["shop_data"]["CreatedAt"] = "2026-01-02T00:00:00Z"
    assert not shop.plan().changes
    assert let_go(shop, "volume.rows") == 1


def test_a_moved_volume_stays_where_it_was_moved_while_files_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = in_memory(tmp_path, monkeypatch)
    shop.write({"name": "shop", "services": {"db": service(volumes=["data:/data"])}, "volumes": {"data": {}}})
    shop.apply()
    shop.write({"name": "shop", "services": {"db": service(volumes=["rows:/data"])}, "volumes": {"rows": {}},
                "moved": [{"from": "volume.data", "to": "volume.rows"}]})  # fmt: skip
    assert shop.apply().exit_code == 0
    shop.engine._volumes["shop_data"]["CreatedAt"] = "2026-01-02T00:00:00Z"
    assert not shop.plan().changes
    # Somebody else's, which took the name later, is not the one that was moved.
    shop.engine._volumes["shop_data"]["Labels"] = {}
    assert any("somebody else" in one.message for one in shop.plan().refusals)


@pytest.mark.parametrize("version", [(1, 41), (1, 51)])
def test_a_later_volume_is_told_by_its_labels_or_by_its_time(version: tuple[int, int], tmp_path: Path) -> None:
    """Where an engine knows when it was made, one with the very same labels is another one all the same."""
    engine = MemoryEngine(version)
    labels = {"com.docker.compose.project": "shop"}
    engine.create("volume", "data", {"Labels": labels})
    raw = engine.inspect("volume", "data")
    assert raw is not None
    resource = Resource(Address("volume", "data"), "volume", "data", {})
    record = adoption(Candidate(resource, raw), "shop", Evidence(), engine.facts())
    assert is_same_volume(record, raw)
    later = {**raw, "CreatedAt": "2027-01-01T00:00:00Z"}
    assert is_same_volume(record, later) == (version == (1, 41))
    for other in ({"Labels": {}}, {"Driver": "nfs"}, {"Options": {"o": "size=1m"}}):
        assert not is_same_volume(record, {**raw, **other})
    assert not is_same_volume(record, {**raw, "Labels": {**labels, "provisioner.environment": "theirs"}})
    assert is_same_volume(record, {**raw, "Labels": {**labels, **record.labels}})


def test_a_later_volume_of_the_same_name_is_not_the_adopted_one(shop: InMemory) -> None:
    run(shop)
    for raw in shop.engine.state()["containers"].values():
        if not raw["Name"].startswith("/shop."):
            take_away(shop, raw["Id"])
    shop.engine.remove("volume", "shop_data")
    shop.engine.create("volume", "shop_data", {"Labels": {}})
    assert any("shop_data" in one.message and "somebody else" in one.message for one in shop.plan().refusals)


# A playbook from what runs ------------------------------------------------------------------------------------------

RICH: dict[str, Any] = {
    "name": "shop",
    "services": {
        "web": service(
            scale=2, networks={"front": {"aliases": ["www"]}, "default": None}, labels={"a": "b"}, user="1000:1000",
            environment={"A": "1", "DOLLAR": "$$HOME", "API_TOKEN": "t0p"}, mem_limit="64m", cap_add=["NET_ADMIN"],
            ulimits={"nofile": {"soft": 1024, "hard": 2048}, "nproc": 64}, tmpfs=["/scratch:size=1m"], restart="always",
            extra_hosts=["db:10.0.0.1"], stop_grace_period="3s", read_only=True, working_dir="/srv",
            sysctls={"net.core.somaxconn": "1024"}, devices=["/dev/null:/dev/nil:r"], expose=["81"],
        ),
        "db": service(
            volumes=["data:/data", "/etc/hosts:/hosts:ro", {"type": "tmpfs", "target": "/t", "tmpfs": {"size": 65536}}],
            environment={"API_TOKEN": "t0p", "OTHER_PASSWORD": "x"}, container_name="the-db", init=True,
            ports=["127.0.0.1:15432:5432", "9000:9000/udp"], entrypoint=["run", "$$it"],
            logging={"driver": "json-file", "options": {"max-size": "1m"}}, networks=["default", "outside"],
        ),
        "side": service(network_mode="service:db", pid="service:db"),
        "linked": service(links=["db:rows"], external_links=["by-hand:theirs"], mac_address="02:42:0a:00:00:07"),
        "host": service(network_mode="host"),
    },
    "networks": {
        "front": {"labels": {"x": "y"}, "internal": True}, "outside": {"name": "outside-net", "external": True},
    },
    "volumes": {"data": {"labels": {"v": "w"}}},
}  # fmt: skip


def test_a_playbook_is_written_from_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = in_memory(tmp_path, monkeypatch)
    monkeypatch.setattr(adopt_module, "open_engine", lambda request, choice: with_adoptions(shop.engine))
    monkeypatch.setattr(import_module, "open_engine", lambda request, choice: with_adoptions(shop.engine))
    shop.write(RICH)
    shop.engine.create("network", "outside-net", {"Driver": "bridge", "Labels": {}})
    shop.apply()
    made_by_compose(shop)
    before = standing(shop)
    request = shop.request()
    imported = import_running(request, [], output="running.yaml", name=None, force=False)
    assert imported.services == ("db", "host", "linked", "side", "web")
    assert set(imported.secrets) == {"api_token", "other_password"}
    text = (tmp_path / "running.yaml").read_text()
    assert "t0p" not in text
    assert "$$HOME" in text
    assert text.count("service:db") == 2
    assert re.search(r"external_links:\n    - by-hand:theirs\n", text), text
    assert re.search(r"    links:\n    - db:rows\n", text), text
    assert "hostname" not in text
    # What Compose did not make is others', and is never removed.
    assert re.search(r"outside-net:\n    name: outside-net\n    external: true", text)
    (tmp_path / ".env.local").write_text("API_TOKEN=t0p\nOTHER_PASSWORD=x\n")
    (tmp_path / ".env.local").chmod(0o600)
    (tmp_path / "compose.yaml").write_text(text)
    result = run(shop)
    assert {row.verdict for row in result.plan.rows} == {"adopt"}, adoption_text(result.plan)
    assert result.done
    plan = shop.plan()
    assert not plan.changes, plan_text(plan)
    assert standing(shop) == before
    # Under another name the objects keep theirs.
    import_running(request, ["shop"], output="other.yaml", name="other", force=False)
    assert "name: shop_data" in (tmp_path / "other.yaml").read_text()
    with pytest.raises(UsageError, match="is there already"):
        import_running(request, [], output="running.yaml", name=None, force=False)
    with pytest.raises(ProvisionError, match="named nowhere"):
        import_running(request, ["nowhere"], output="b.yaml", name="x", force=False)


@pytest.mark.parametrize(("name", "network"), [("by.hand", "bridge"), ("by-hand", "own")])
def test_containers_by_name_become_a_playbook(
    name: str, network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = in_memory(tmp_path, monkeypatch)
    monkeypatch.setattr(adopt_module, "open_engine", lambda request, choice: with_adoptions(shop.engine))
    monkeypatch.setattr(import_module, "open_engine", lambda request, choice: with_adoptions(shop.engine))
    shop.engine.create("network", "own", {"Driver": "bridge", "Labels": {}})
    body = {"Image": "app:1", "Cmd": ["run", "fast"], "Labels": {}, "HostConfig": {"NetworkMode": network}}
    identity = shop.engine.create("container", name, body)
    shop.engine.start(identity)
    import_running(shop.request(), [name], output="compose.yaml", name="mine", force=False)
    result = run(shop)
    assert {row.verdict for row in result.plan.rows} == {"adopt"}, adoption_text(result.plan)
    plan = shop.plan()
    assert not plan.changes, plan_text(plan)
    assert shop.engine.inspect("container", name)["Id"] == identity  # type: ignore[index]


def test_files_that_compose_has_copied_are_told_by_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = brought_up({"name": "shop", "services": {"web": service(), "db": service()}}, tmp_path, monkeypatch)
    monkeypatch.setattr(import_module, "open_engine", lambda request, choice: with_adoptions(shop.engine))
    web = str(shop.engine.inspect("container", "shop-web-1")["Id"])  # type: ignore[index]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("run/secrets/password")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"t0p"))
    shop.engine.put_archive(web, "/", buffer.getvalue())
    notes = import_running(shop.request(), [], output="compose.yaml", name=None, force=True).notes
    assert [note.partition(":")[0] for note in notes] == [
        "shop-web-1 has files in /run/secrets that no mount gives, password"
    ]
    assert "t0p" not in "".join(notes)


def test_of_what_does_not_run_it_is_said_whether_an_apply_starts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services: dict[str, Any] = {
        "web": service(environment={"API_TOKEN": "t0p"}),
        "once": {"image": "app:1", "command": ["exit", "0"], "environment": {"OTHER_TOKEN": "x"}},
        "broken": {"image": "app:1", "command": ["exit", "3"]},
        "server": {"image": "app:1", "command": ["run"], "ports": ["80:80"]},
    }
    shop = brought_up({"name": "shop", "services": services}, tmp_path, monkeypatch)
    monkeypatch.setattr(import_module, "open_engine", lambda request, choice: with_adoptions(shop.engine))
    shop.engine.stop(str(shop.engine.inspect("container", "shop-server-1")["Id"]))  # type: ignore[index]
    imported = import_running(shop.request(), [], output="compose.yaml", name=None, force=True)
    assert imported.notes == tuple(
        f"shop-{name}-1 does not run now; an apply will start it" for name in ("broken", "server")
    )
    (tmp_path / ".env.local").write_text("API_TOKEN=t0p\nOTHER_TOKEN=x\n")
    (tmp_path / ".env.local").chmod(0o600)
    run(shop)
    assert {str(change.address) for change in shop.plan().changes} == {"service.broken", "service.server"}


def test_what_compose_takes_from_an_env_file_is_taken_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret or a config of a variable: that of the shell, else that of `.env`; `config` shows neither."""
    used = {"configs": ["page"], "secrets": ["key"]}
    shop = in_memory(tmp_path, monkeypatch)
    shop.write({"name": "shop", "services": {"web": service(**used)}, "configs": {"page": {"environment": "PAGE"}},
                "secrets": {"key": {"environment": "OWN_KEY"}}})  # fmt: skip
    with pytest.raises(ProvisionError, match="is not set"):
        shop.plan()
    (tmp_path / ".env").write_text("PAGE=hello\nOWN_KEY=k3y-of-the-file\n")
    assert shop.apply().exit_code == 0
    assert not shop.plan().changes
    assert "k3y-of-the-file" not in repr(load_playbook(shop.request()))

    def differing(**shell: str) -> set[str]:
        plan = plan_module.make_plan(replace(shop.request(), shell=shell), Policy(), {})
        return {str(change.address) for change in plan.changes}

    assert differing(PAGE="of the shell") == {"config.page", "service.web"}
    assert differing(OWN_KEY="of the shell") == {"secret.key", "service.web"}
    # So does a rollback, whatever the file of today has.
    declared = (tmp_path / "compose.yaml").read_text()
    for colour in ("red", "blue"):
        shop.write({"name": "shop", "services": {"web": service(environment={"COLOUR": colour})}})
        assert shop.apply().exit_code == 0
    assert shop.rollback(1).exit_code == 0
    (tmp_path / "compose.yaml").write_text(declared)
    assert not shop.plan().changes
    (tmp_path / ".env").unlink()
    assert differing(PAGE="hello", OWN_KEY="k3y-of-the-file") == set()


# Beside other tools -------------------------------------------------------------------------------------------------


def test_the_files_by_which_other_tools_know_a_project_are_its_playbooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some give each of them to `docker compose -f`: an env file is none."""
    shop = in_memory(tmp_path, monkeypatch)
    (tmp_path / "web.env").write_text("A=1\n")
    shop.write({"name": "shop", "services": {"web": service(env_file="web.env")}})
    shop.write({"services": {"web": {"environment": {"B": "2"}}}}, "over.yaml")
    assert shop.apply("compose.yaml", "over.yaml").exit_code == 0
    raw = shop.engine.inspect("container", "shop-web-1")
    assert raw is not None
    labels = raw["Config"]["Labels"]
    files = labels["com.docker.compose.project.config_files"].split(",")
    assert files == [str(tmp_path / name) for name in ("compose.yaml", "over.yaml")]
    assert labels["com.docker.compose.project.working_dir"] == str(tmp_path)
    # What goes back has them, too.
    shop.write({"services": {"web": {"environment": {"B": "3"}}}}, "over.yaml")
    assert shop.apply("compose.yaml", "over.yaml").exit_code == 0
    assert shop.rollback(None, "compose.yaml", "over.yaml").exit_code == 0
    raw = shop.engine.inspect("container", "shop-web-1")
    assert raw is not None
    assert raw["Config"]["Labels"].items() >= {key: labels[key] for key in labels if "project." in key}.items()
    assert "B=2" in raw["Config"]["Env"]
