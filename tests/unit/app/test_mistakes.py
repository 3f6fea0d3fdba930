"""What a mistaken user does, and the data that must be there afterwards: no volume goes that nobody named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.load import load_playbook
from provisioner.errors import EngineRefused, PlaybookInvalid, ProvisionError, UsageError
from provisioner.kinds.ownership import PROTECTED
from provisioner.model.address import Address
from provisioner.model.change import Action
from tests.unit.app.in_memory import InMemory, in_memory, service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DB = service(volumes=["pg:/data"])


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    return in_memory(tmp_path, monkeypatch)


def playbook(*, pg: Any = None, name: str = "shop", **services: Any) -> dict[str, Any]:
    return {"name": name, "services": {"db": DB, "web": service(), **services}, "volumes": {"pg": pg or {}}}


def with_external(shop: InMemory, *, key: str = "pg", service_there: bool = True, **more: Any) -> None:
    services = {"db": service(volumes=[f"{key}:/data"])} if service_there else {"web": service()}
    volumes = {key: {"external": True, "name": "shop_pg"}}
    shop.write({"name": "shop", "services": services, "volumes": volumes, **more})


def external_then_destroyed(shop: InMemory) -> None:
    with_external(shop)
    shop.destroy(volumes=True)


def external_applied_then_destroyed(shop: InMemory) -> None:
    with_external(shop)
    assert shop.apply().exit_code == 0
    shop.destroy(volumes=True)


def external_under_another_key(shop: InMemory) -> None:
    with_external(shop, key="theirs")
    assert shop.apply().exit_code == 0
    shop.destroy(volumes=True)


def external_and_used_by_nothing(shop: InMemory) -> None:
    with_external(shop, service_there=False)
    shop.destroy(volumes=True)


def external_and_named(shop: InMemory) -> None:
    with_external(shop)
    with pytest.raises(UsageError, match="external"):
        shop.destroy(volume_names=("shop_pg",))


def external_after_a_rollback_to_its_own(shop: InMemory) -> None:
    with_external(shop)
    shop.apply()
    shop.rollback(1)
    shop.destroy(volumes=True)


def external_then_forgotten(shop: InMemory) -> None:
    with_external(shop)
    shop.apply()
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply(prune=True)
    shop.destroy(volumes=True)


def external_in_an_inactive_profile(shop: InMemory) -> None:
    db = service(volumes=["pg:/data"], profiles=["data"])
    shop.write(
        {
            "name": "shop",
            "services": {"db": db, "web": service()},
            "volumes": {"pg": {"external": True, "name": "shop_pg"}},
        }
    )
    shop.destroy(volumes=True)


def service_and_volume_taken_out(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply(prune=True)
    shop.destroy(volumes=True)


def volume_taken_out_service_stays(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"db": service(), "web": service()}})
    shop.apply()
    shop.destroy(volumes=True)


def destroyed_with_another_playbook_of_the_name(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service()}}, "other.yaml")
    shop.destroy("other.yaml", volumes=True)


def applied_and_destroyed_with_another_playbook(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"api": service()}}, "other.yaml")
    shop.apply("other.yaml", prune=True)
    shop.destroy("other.yaml", volumes=True)


def emptied_and_pruned(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {}, "volumes": {"pg": {}}})
    assert [str(one.path) for one in shop.apply(prune=True).plan.refusals] == ["services"]
    assert {"shop-db-1", "shop-web-1"} <= shop.containers


def emptied_pruned_and_allowed(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {}})
    assert shop.apply(prune=True, allow_empty=True).exit_code == 0
    assert shop.containers == {"shop.ledger"}


def emptied_and_destroyed(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {}})
    shop.destroy(volumes=True)


def reset_in_an_overlay(shop: InMemory) -> None:
    shop.write("services: {db: {volumes: !reset []}}\nvolumes: !reset {}\n", "reset.yaml")
    shop.apply("compose.yaml", "reset.yaml", prune=True)
    shop.destroy("compose.yaml", "reset.yaml", volumes=True)


def services_reset_in_an_overlay(shop: InMemory) -> None:
    shop.write("services: !reset {}\n", "reset.yaml")
    assert shop.apply("compose.yaml", "reset.yaml", prune=True).plan.refusals


def profile_off_and_pruned(shop: InMemory) -> None:
    services = {"db": {**DB, "profiles": ["data"]}, "web": service()}
    shop.write({"name": "shop", "services": services, "volumes": {"pg": {}}})
    assert shop.apply(prune=True).exit_code == 0
    assert "shop-db-1" in shop.containers


def profile_off_and_destroyed(shop: InMemory) -> None:
    services = {"db": {**DB, "profiles": ["data"]}, "web": service()}
    shop.write({"name": "shop", "services": services, "volumes": {"pg": {"protect": True}}})
    assert shop.destroy(volumes=True).plan.refusals


def key_renamed(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"db": service(volumes=["data:/data"])}, "volumes": {"data": {}}})
    shop.apply(prune=True)
    shop.destroy(volumes=True)


def key_renamed_name_kept(shop: InMemory) -> None:
    volumes = {"data": {"name": "shop_pg"}}
    shop.write(
        {"name": "shop", "services": {"db": service(volumes=["data:/data"]), "web": service()}, "volumes": volumes}
    )
    applied = shop.apply(prune=True)
    assert not applied.plan.refusals
    assert applied.exit_code == 0
    assert shop.plan().changes == ()
    shop.destroy()


def name_changed(shop: InMemory) -> None:
    shop.write(playbook(pg={"name": "shop_other"}))
    assert shop.apply(prune=True).exit_code == 0
    assert "shop_other" in shop.volumes
    assert shop.plan().changes == ()
    shop.destroy(volumes=True)


def name_changed_there_and_back(shop: InMemory) -> None:
    shop.write(playbook(pg={"name": "shop_other"}))
    shop.apply(prune=True)
    shop.write(playbook())
    shop.apply(prune=True)
    assert {"shop_pg", "shop_other"} <= shop.volumes
    shop.write(playbook(pg={"name": "shop_other"}))
    shop.destroy(volumes=True)


def names_swapped(shop: InMemory) -> None:
    shop.write({**playbook(), "volumes": {"pg": {"name": "shop_new"}, "old": {"name": "shop_pg", "protect": True}}})
    shop.apply(prune=True)
    assert shop.destroy(volumes=True).plan.refusals


def project_renamed(shop: InMemory) -> None:
    shop.write(playbook(name="store"))
    shop.apply(prune=True)
    shop.destroy(volumes=True)


def destroyed_twice(shop: InMemory) -> None:
    shop.destroy()
    shop.destroy()


def rolled_back_to_before_the_volume(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply()
    shop.write(playbook())
    shop.apply()
    shop.rollback(2, prune=True)
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.destroy(volumes=True)


def overlay_with_the_volume_is_missing(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service()}}, "base.yaml")
    shop.apply("base.yaml")
    shop.destroy("base.yaml", volumes=True)


def labels_changed(shop: InMemory) -> None:
    shop.write(playbook(pg={"labels": {"a": "b"}}))
    assert shop.apply().plan.refusals


def driver_changed(shop: InMemory) -> None:
    shop.write(playbook(pg={"driver_opts": {"type": "nfs"}}))
    assert shop.apply(prune=True).plan.refusals


def became_a_bind(shop: InMemory) -> None:
    shop.write(playbook(db=service(volumes=["./pg:/data"])))
    shop.apply(prune=True)


def named_one_that_is_not_there(shop: InMemory) -> None:
    with pytest.raises(UsageError, match="no such volume"):
        shop.destroy(volumes=True, volume_names=("pgdata",))


def volumes_not_asked_for(shop: InMemory) -> None:
    shop.destroy(history=False)


def target_of_another_service(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply(prune=True, targets=(Address("service", "web"),))


MISTAKES: tuple[Callable[[InMemory], None], ...] = (
    external_then_destroyed, external_applied_then_destroyed, external_under_another_key, external_and_used_by_nothing,
    external_and_named, external_after_a_rollback_to_its_own, external_then_forgotten, external_in_an_inactive_profile,
    service_and_volume_taken_out, volume_taken_out_service_stays, destroyed_with_another_playbook_of_the_name,
    applied_and_destroyed_with_another_playbook, emptied_and_pruned, emptied_pruned_and_allowed, emptied_and_destroyed,
    reset_in_an_overlay, services_reset_in_an_overlay, profile_off_and_pruned, profile_off_and_destroyed, key_renamed,
    key_renamed_name_kept, name_changed, name_changed_there_and_back, names_swapped, project_renamed, destroyed_twice,
    rolled_back_to_before_the_volume, overlay_with_the_volume_is_missing, labels_changed, driver_changed, became_a_bind,
    named_one_that_is_not_there, volumes_not_asked_for, target_of_another_service,
)  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.__name__)
def test_no_mistake_deletes_a_volume_that_was_not_named(mistake: Callable[[InMemory], None], shop: InMemory) -> None:
    shop.write(playbook())
    assert shop.apply().exit_code == 0
    before = shop.engine.state()["volumes"]["shop_pg"]
    mistake(shop)
    assert shop.engine.state()["volumes"].get("shop_pg") == before


# Protection ------------------------------------------------------------------------------------------------------


def protected(shop: InMemory) -> None:
    shop.write(playbook(pg={"protect": True}))
    assert shop.apply().exit_code == 0
    assert shop.plan().changes == ()


def test_the_volume_itself_says_that_it_is_protected(shop: InMemory) -> None:
    protected(shop)
    assert shop.engine.state()["volumes"]["shop_pg"]["Labels"][PROTECTED] == "true"
    # Without any record of the past too.
    [ledger] = [raw["Id"] for raw in shop.engine.state()["containers"].values() if raw["Name"] == "/shop.ledger"]
    shop.engine.remove("container", ledger)
    shop.write(playbook())
    assert [one.path for one in shop.destroy(volumes=True).plan.refusals] == ["volume.pg"]


@pytest.mark.parametrize("how", ["declared", "named", "undeclared and named", "another file"])
def test_a_protected_volume_stays_until_a_file_takes_that_away(how: str, shop: InMemory) -> None:
    protected(shop)
    shop.write(playbook() if how in ("declared", "named") else {"name": "shop", "services": {"web": service()}})
    if how == "declared":
        result = shop.destroy(volumes=True)
    elif how == "another file":
        result = shop.destroy(volumes=True)
        assert result.exit_code == 0
    else:
        result = shop.destroy(volume_names=("pg",))
    if how != "another file":
        assert result.exit_code == 1
        assert "shop-web-1" in shop.containers, "a refused destroy changes nothing"
    assert "shop_pg" in shop.volumes


def test_protection_taken_away_is_a_change_of_its_own(shop: InMemory) -> None:
    protected(shop)
    shop.write(playbook())
    [change] = shop.plan().changes
    assert (str(change.address), change.action) == ("volume.pg", Action.UPDATE)
    assert [(one.path, one.before, one.after) for one in change.differences] == [("protect", True, False)]
    assert shop.plan(targets=(Address("service", "web"),)).changes == ()
    assert shop.apply().exit_code == 0
    assert shop.plan().changes == ()
    assert shop.destroy(volumes=True).exit_code == 0
    assert shop.volumes == set()


def test_protection_set_on_a_volume_that_is_there(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    protected(shop)
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply(prune=True)
    assert shop.destroy(volume_names=("shop_pg",)).exit_code == 1
    assert "shop_pg" in shop.volumes


def test_protect_false_takes_it_away_at_once(shop: InMemory) -> None:
    protected(shop)
    shop.write(playbook(pg={"protect": False}))
    assert shop.destroy(volumes=True).exit_code == 0
    assert shop.volumes == set()


def test_a_destroy_takes_no_protection_away(shop: InMemory) -> None:
    protected(shop)
    shop.write(playbook())
    shop.destroy()
    assert shop.destroy(volumes=True).exit_code == 1
    assert shop.volumes == {"shop_pg"}


def test_a_volume_that_is_named_goes(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    shop.write({"name": "shop", "services": {"web": service()}})
    result = shop.destroy(volume_names=("shop_pg",))
    assert result.exit_code == 0
    assert shop.volumes == set()


# The alarm, and the history ----------------------------------------------------------------------------------------


def test_the_alarm_of_a_missing_volume_survives_destroy(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    shop.destroy()
    assert shop.drift().changes == ()
    assert [str(one) for one in shop.plan().notes] == []
    shop.engine.remove("volume", "shop_pg")
    assert [str(change.address) for change in shop.drift().changes] == ["volume.pg"]
    assert any("ALARM" in one.message for one in shop.plan().notes)
    containers = [c for c in shop.plan().changes if c.address.kind == "service"]
    assert {c.drift for c in containers} == {False}, "destroyed is not removed by hand"


def test_the_alarm_of_a_protected_volume_refuses_after_destroy(shop: InMemory) -> None:
    protected(shop)
    shop.destroy()
    shop.engine.remove("volume", "shop_pg")
    assert [one.path for one in shop.plan().refusals] == ["volume.pg"]


def test_no_alarm_for_what_was_destroyed_on_purpose(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    shop.destroy(volumes=True)
    assert shop.plan().notes == ()
    assert shop.apply().exit_code == 0
    assert shop.plan().changes == ()


def test_a_renamed_key_has_its_alarm_too(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    shop.destroy()
    shop.engine.remove("volume", "shop_pg")
    db = service(volumes=["data:/data"])
    shop.write({"name": "shop", "services": {"db": db}, "volumes": {"data": {"name": "shop_pg"}}})
    assert any("ALARM" in one.message for one in shop.plan().notes)


def test_destroy_keeps_the_history(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    shop.destroy(volumes=True)
    assert shop.containers == {"shop.ledger"}
    shop.apply()
    assert [one.revision.number for one in shop.history().entries] == [2, 1]
    removal = shop.destroy(volumes=True, history=True)
    assert removal.exit_code == 0
    assert [str(c.address) for c in removal.plan.changes][-1] == "history.revisions"
    assert shop.containers == set()
    assert shop.destroy(volumes=True, history=True).plan.changes == ()


def test_the_history_of_what_only_failed_goes_too(shop: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(identity: str) -> None:
        raise EngineRefused("no", status=500)

    monkeypatch.setattr(shop.engine, "start", refused)
    shop.write(playbook())
    assert shop.apply().exit_code != 0
    assert "shop.ledger" in shop.containers
    shop.destroy(volumes=True, history=True)
    assert shop.containers == set()


# Profiles, and who is a stranger -----------------------------------------------------------------------------------


def test_a_service_of_an_inactive_profile_is_declared(shop: InMemory) -> None:
    debug = service(profiles=["debug"], networks=["side"])
    shop.write({"name": "shop", "services": {"web": service(), "dbg": debug}, "networks": {"side": {}}})
    shop.profiles = ("debug",)
    shop.apply()
    shop.profiles = ()
    pruned = shop.plan(prune=True)
    assert pruned.changes == ()
    assert "service.dbg[1]: its profile debug is not active, and it is kept" in [str(one) for one in pruned.notes]
    row = next(one for one in shop.status().rows if one.address.name == "dbg")
    assert (row.drift, row.detail) == (False, "its profile debug is not active")
    shop.apply(prune=True)
    assert {"shop-dbg-1"} <= shop.containers
    assert "shop_side" in shop.networks
    assert shop.drift().changes == ()
    assert not any("prune" in str(note) for note in shop.drift().notes)
    shop.destroy()
    assert shop.containers == {"shop.ledger"}


def test_an_external_network_is_not_removed(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service(networks=["lan"])}, "networks": {"lan": {}}})
    shop.apply()
    lan = {"lan": {"external": True, "name": "shop_lan"}}
    shop.write({"name": "shop", "services": {"web": service(networks=["lan"])}, "networks": lan})
    assert shop.plan().changes == ()
    shop.apply()
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply(prune=True)
    shop.destroy(volumes=True)
    assert shop.networks == {"shop_lan"}


def test_a_rollback_does_not_replace_what_is_external_today(shop: InMemory) -> None:
    before = {"lan": {"labels": {"a": "1"}}}
    shop.write({"name": "shop", "services": {"web": service(networks=["lan"])}, "networks": before})
    shop.apply()
    shop.write({**playbook(web=service(networks=["lan"])), "networks": {"lan": {"labels": {"a": "2"}}}})
    shop.apply()
    lan = {"lan": {"external": True, "name": "shop_lan"}}
    shop.write({**playbook(web=service(networks=["lan"])), "networks": lan})
    shop.apply()
    [refusal] = shop.rollback(1).plan.refusals
    assert "calls it external" in refusal.message


@pytest.mark.parametrize(
    ("labels", "said", "never"),
    [
        ({"com.docker.compose.project": "old"}, "the Compose project old", "external"),
        (
            {"provisioner.environment": "shop"},
            "this environment, but its label provisioner.name is missing",
            "external",
        ),
        ({"provisioner.environment": "other"}, "the environment other", "external"),
        ({}, "somebody else", "remove it"),
    ],
)
def test_no_hint_costs_data(labels: dict[str, str], said: str, never: str, shop: InMemory) -> None:
    shop.engine.create("volume", "shop_pg", {"Labels": labels})
    shop.write(playbook())
    [refusal] = shop.plan().refusals
    assert f"belongs to {said}" in refusal.message
    assert never not in str(refusal)
    assert not any(word in str(refusal) for word in ("remove it", "delete it", "volume rm"))


def test_a_file_that_is_no_playbook_changes_nothing(shop: InMemory) -> None:
    shop.write(playbook())
    shop.apply()
    shop.write("")
    with pytest.raises(PlaybookInvalid):
        shop.apply(prune=True)
    shop.write("services: [web]\n")
    with pytest.raises(ProvisionError):
        shop.destroy(volumes=True)
    assert shop.volumes == {"shop_pg"}


def test_what_is_declared_and_not_made_is_known(tmp_path: Path, shop: InMemory) -> None:
    debug = service(profiles=["debug"])
    shop.write(
        {**playbook(dbg=debug), "volumes": {"pg": {}, "spare": {"protect": False}, "theirs": {"external": True}}}
    )
    found = {(one.section, one.key): one for one in load_playbook(shop.request()).undeployed}
    assert set(found) == {("services", "dbg"), ("volumes", "spare"), ("volumes", "theirs")}
    assert found["services", "dbg"].profiles == ("debug",)
    assert (found["volumes", "spare"].name, found["volumes", "spare"].unprotect) == ("shop_spare", True)
    assert (found["volumes", "theirs"].name, found["volumes", "theirs"].external) == ("theirs", True)
