"""What a mistaken user types, and the data that must be there afterwards: no volume goes that nobody named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.app.in_memory import service
from tests.unit.app.typed import Typed, typed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DB = service(volumes=["pg:/data"])
SHOP: dict[str, Any] = {"name": "shop", "services": {"db": DB, "web": service()}, "volumes": {"pg": {}}}
EXTERNAL = {**SHOP, "volumes": {"pg": {"external": True, "name": "shop_pg"}}}
PROTECTED = {**SHOP, "volumes": {"pg": {"protect": True}}}
WEB: dict[str, Any] = {"name": "shop", "services": {"web": service()}}
MOVE = [{"from": "volume.pg", "to": "volume.rows"}]


def moved(**rows: Any) -> dict[str, Any]:
    services = {"db": service(volumes=["rows:/data"]), "web": service()}
    return {"name": "shop", "services": services, "volumes": {"rows": rows}}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    return typed(tmp_path, monkeypatch)


def an_included_file_is_taken_out(shop: Typed) -> None:
    shop.write({"services": {"db": DB}, "volumes": {"pg": {}}}, "data.yaml")
    shop.write({**WEB, "include": ["data.yaml"]})
    shop.run("apply --yes")
    shop.write(WEB)
    shop.run("apply --yes --prune")
    shop.run("down -v --yes")


def an_included_file_calls_it_external(shop: Typed) -> None:
    shop.write({"volumes": EXTERNAL["volumes"]}, "data.yaml")
    shop.write({"name": "shop", "include": ["data.yaml"], "services": SHOP["services"]})
    shop.run("apply --yes")
    shop.run("down -v --yes")


def the_override_file_calls_it_external(shop: Typed) -> None:
    shop.write({"volumes": EXTERNAL["volumes"]}, "compose.override.yaml")
    shop.run("apply --yes")
    shop.run("down -v --yes")


def an_overlay_that_called_it_external_is_not_read(shop: Typed) -> None:
    shop.write({"volumes": EXTERNAL["volumes"]}, "overlay.yaml")
    shop.run("apply --yes -f compose.yaml -f overlay.yaml")
    shop.write(WEB)
    shop.run("destroy --volume shop_pg --yes")


def a_variable_calls_it_external(shop: Typed) -> None:
    shop.write({**SHOP, "volumes": {"pg": {"name": "shop_pg", "external": "${EXTERNAL:-false}"}}})
    shop.run("apply --yes", environment={"EXTERNAL": "true"})
    shop.run("down -v --yes", environment={"EXTERNAL": "true"})


def the_variable_of_its_name_is_not_set(shop: Typed) -> None:
    shop.write({**SHOP, "volumes": {"pg": {"name": "${VOLUME:-shop_scratch}"}}})
    shop.run("apply --yes", environment={"VOLUME": "shop_pg"})
    shop.run("down -v --yes")


def the_project_is_another_one(shop: Typed) -> None:
    shop.run("down -v --yes -p other")
    shop.run("down -v --yes", environment={"COMPOSE_PROJECT_NAME": "shop2"})


def another_environment_of_the_system_is_destroyed(shop: Typed) -> None:
    shop.write({**SHOP, "environment": "dev"})
    shop.run("apply --yes")
    shop.run("destroy --volumes --yes")


def prune_with_targets(shop: Typed) -> None:
    shop.write({"name": "shop", "services": {"db": service(volumes=["new:/data"])}, "volumes": {"new": {}}})
    for target in ("service.db", "volume.new", "db"):
        shop.run(f"apply --yes --prune --target {target}")


def rm_with_its_volumes(shop: Typed) -> None:
    shop.run("stop")
    shop.run("rm -v -f")
    shop.run("up")
    shop.run("rm -fsv")


def down_of_a_service(shop: Typed) -> None:
    shop.run("down db")
    shop.run("down -v db", code=64)
    shop.run("down --rmi all --remove-orphans")


def moved_and_taken_out(shop: Typed) -> None:
    shop.write({**moved(), "moved": MOVE})
    shop.run("apply --yes")
    shop.write(WEB)
    shop.run("apply --yes --prune")
    shop.run("down -v --yes")


def moved_and_another_is_named(shop: Typed) -> None:
    """The name is written that it would have had without the move."""
    shop.write({**moved(), "moved": MOVE})
    shop.run("apply --yes")
    shop.write(moved(name="shop_rows"))
    assert "volume.shop_pg: is no longer declared, and kept" in shop.run("plan").stdout
    shop.run("destroy --volumes --yes")


def moved_and_called_external(shop: Typed) -> None:
    shop.write({**moved(), "moved": MOVE})
    shop.run("apply --yes")
    shop.write(moved(external=True, name="shop_pg"))
    shop.run("apply --yes")
    shop.run("destroy --volumes --yes")


def moved_and_destroyed_before_an_apply(shop: Typed) -> None:
    shop.write({**moved(), "moved": MOVE})
    shop.run("destroy --volumes --yes")


def moved_back_by_a_rollback(shop: Typed) -> None:
    shop.write({**moved(), "moved": MOVE})
    shop.run("apply --yes")
    shop.run("rollback --yes")
    shop.write({**WEB, "volumes": {"rows": {}}})
    shop.run("down -v --yes")


def external_own_and_external_again(shop: Typed) -> None:
    for playbook in (EXTERNAL, SHOP, EXTERNAL):
        shop.write(playbook)
        shop.run("apply --yes")
    shop.write(WEB)
    shop.run("apply --yes --prune")
    shop.run("destroy --volumes --volume shop_pg --yes")
    shop.run("destroy --volume pg --yes")


def external_own_and_rolled_back(shop: Typed) -> None:
    for playbook in (EXTERNAL, SHOP):
        shop.write(playbook)
        shop.run("apply --yes")
    shop.run("rollback 2 --yes")
    shop.write(WEB)
    shop.run("down -v --yes")


def external_in_the_form_of_old_files(shop: Typed) -> None:
    shop.write({**SHOP, "volumes": {"pg": {"external": {"name": "shop_pg"}}}})
    shop.run("down -v --yes")


def external_without_the_name(shop: Typed) -> None:
    shop.write({**SHOP, "volumes": {"pg": {"external": True}}})
    shop.run("down -v --yes")


def one_key_calls_it_external_and_another_not(shop: Typed) -> None:
    services = {"db": service(volumes=["pg:/data", "old:/old"])}
    shop.write({"name": "shop", "services": services, "volumes": {"pg": {}, "old": EXTERNAL["volumes"]["pg"]}})
    shop.run("destroy --volumes --yes")


def the_key_of_one_is_the_name_of_another(shop: Typed) -> None:
    services = {"db": service(volumes=["pg:/data", "more:/more"])}
    shop.write({"name": "shop", "services": services, "volumes": {"pg": {}, "more": {"name": "pg"}}})
    shop.run("apply --yes")
    said = shop.run("destroy --volume pg --yes", code=64).stderr
    assert "volume.more (pg) and volume.pg (shop_pg)" in said
    shop.run("destroy --volume volume.more --yes")
    assert "pg" not in shop.volumes


def two_of_one_key(shop: Typed) -> None:
    """The file's is meant, whichever of the names comes first, and the other one not even when that is gone."""
    for name in ("shop_other", "shop_second"):
        shop.write({**SHOP, "volumes": {"pg": {"name": name}}})
        shop.run("apply --yes --prune")
        shop.run("destroy --volume pg --yes")
        assert name not in shop.volumes
        shop.run("destroy --volume pg --yes", code=64)


def the_key_is_that_of_an_external_one_now(shop: Typed) -> None:
    shop.engine.create("volume", "theirs", {})
    shop.write({**SHOP, "volumes": {"pg": {"external": True, "name": "theirs"}}})
    shop.run("destroy --volume pg --yes", code=64)
    shop.run("destroy --volume volume.pg --yes", code=64)
    shop.run("apply --yes --prune")
    shop.run("destroy --volume pg --yes", code=64)


def a_project_whose_names_look_alike(shop: Typed) -> None:
    services = {"db": service(volumes=["it:/data"])}
    shop.write({"name": "sho", "services": services, "volumes": {"it": {"name": "shop_pg"}}})
    shop.run("destroy --volumes --yes")
    shop.run("destroy --volume shop_pg --yes", code=64)


def the_labels_are_copied(shop: Typed) -> None:
    labels = shop.engine.state()["volumes"]["shop_pg"]["Labels"]
    shop.engine.create("volume", "copy", {"Labels": dict(labels)})
    shop.write({**SHOP, "volumes": {"pg": {"name": "copy"}}})
    shop.run("apply --yes", code=1)
    shop.run("destroy --volumes --yes")
    shop.run("destroy --volume copy --yes", code=64)
    assert "copy" in shop.volumes


def an_overlay_takes_it_out(shop: Typed) -> None:
    shop.write("services: {db: !reset null}\nvolumes: {pg: !reset null}\n", "overlay.yaml")
    shop.run("down -v --yes -f compose.yaml -f overlay.yaml")


def all_services_may_go(shop: Typed) -> None:
    shop.write({"name": "shop", "services": {}})
    shop.run("apply --yes --prune --allow-empty")
    shop.run("down -v --yes")


def orphans_are_removed(shop: Typed) -> None:
    shop.write(WEB)
    assert "keeps its anonymous volumes" in shop.run("up --remove-orphans -V", code=64).stderr
    shop.run("up --remove-orphans")
    shop.run("down -v --yes")


def it_is_made_anew(shop: Typed) -> None:
    shop.run("apply --yes --replace volume.pg", code=64)
    shop.run("apply --yes --replace service.db")
    shop.run("up --force-recreate")


def its_options_change(shop: Typed) -> None:
    shop.write({**SHOP, "volumes": {"pg": {"driver_opts": {"type": "tmpfs"}}}})
    shop.run("apply --yes --prune", code=1)
    shop.run("apply --yes --target volume.pg", code=1)
    shop.run("up --force-recreate", code=1)


def the_key_in_other_letters(shop: Typed) -> None:
    shop.write({**SHOP, "services": {"db": service(volumes=["PG:/data"])}, "volumes": {"PG": {}}})
    shop.run("apply --yes --prune")
    shop.run("down -v --yes")


def a_rollback_to_before_it_with_prune(shop: Typed) -> None:
    shop.write(WEB)
    shop.run("apply --yes --prune")
    shop.write(SHOP)
    shop.run("apply --yes")
    shop.run("rollback 2 --yes --prune")
    shop.run("destroy --yes")


def protection_taken_away_in_a_file_that_is_not_read(shop: Typed) -> None:
    shop.write(PROTECTED)
    shop.run("apply --yes")
    shop.write({"volumes": {"pg": {"protect": False}}}, "overlay.yaml")
    shop.run("destroy --volumes --yes", code=1)
    shop.write(SHOP)
    shop.run("down -v --yes", code=1)


def protected_since_its_creation_and_the_history_goes(shop: Typed) -> None:
    """Only the ledger knows that it is protected: its label says how it was made."""
    shop.write(PROTECTED)
    shop.run("apply --yes")
    shop.write(WEB)
    shop.run("destroy --volumes --history --yes")
    shop.write(SHOP)
    assert "protected" in shop.run("destroy --volumes --yes", code=1).stdout


def data_that_another_service_takes_over(shop: Typed) -> None:
    shop.write({**SHOP, "services": {"db": DB, "copy": service(volumes_from=["db"])}})
    shop.run("apply --yes")
    shop.write({"name": "shop", "services": {"copy": service()}})
    shop.run("apply --yes --prune")
    shop.run("rm -fsv")
    shop.run("down -v --yes")


def a_list_of_plays_lost_a_play(shop: Typed) -> None:
    shop.write({"name": "edge", "services": {"web": service()}}, "edge.yaml")
    shop.write([{"import_playbook": "compose.yaml"}, {"import_playbook": "edge.yaml"}], "site.yaml")
    shop.run("apply site.yaml --yes")
    shop.write([{"import_playbook": "edge.yaml"}], "site.yaml")
    shop.run("apply site.yaml --yes --prune")
    shop.run("destroy site.yaml --volumes --yes")


def a_play_that_only_uses_it_is_destroyed(shop: Typed) -> None:
    edge = {"name": "edge", "services": {"web": service(volumes=["it:/data"])}}
    shop.write({**edge, "volumes": {"it": {"external": True, "name": "shop_pg"}}}, "edge.yaml")
    shop.write([{"import_playbook": "compose.yaml"}, {"import_playbook": "edge.yaml"}], "site.yaml")
    shop.run("apply site.yaml --yes")
    shop.run("destroy site.yaml --volumes --yes --limit edge")


def volumes_left_by_compose_and_forgotten(shop: Typed) -> None:
    labels = {"com.docker.compose.project": "left", "com.docker.compose.volume": "pg"}
    shop.engine.create("volume", "left_pg", {"Labels": labels})
    shop.write({**SHOP, "name": "left"})
    shop.run("apply --yes")
    shop.write({**WEB, "name": "left"})
    shop.run("destroy --volumes --history --yes")
    assert "left_pg" in shop.volumes


MISTAKES: tuple[Callable[[Typed], None], ...] = (
    an_included_file_is_taken_out, an_included_file_calls_it_external, the_override_file_calls_it_external,
    an_overlay_that_called_it_external_is_not_read, a_variable_calls_it_external, the_variable_of_its_name_is_not_set,
    the_project_is_another_one, another_environment_of_the_system_is_destroyed, prune_with_targets, rm_with_its_volumes,
    down_of_a_service, moved_and_taken_out, moved_and_another_is_named, moved_and_called_external,
    moved_and_destroyed_before_an_apply, moved_back_by_a_rollback, external_own_and_external_again,
    external_own_and_rolled_back, external_in_the_form_of_old_files, external_without_the_name,
    one_key_calls_it_external_and_another_not, the_key_of_one_is_the_name_of_another, two_of_one_key,
    the_key_is_that_of_an_external_one_now,
    a_project_whose_names_look_alike, the_labels_are_copied, an_overlay_takes_it_out, all_services_may_go,
    orphans_are_removed, it_is_made_anew, its_options_change, the_key_in_other_letters,
    a_rollback_to_before_it_with_prune, protection_taken_away_in_a_file_that_is_not_read,
    protected_since_its_creation_and_the_history_goes, data_that_another_service_takes_over,
    a_list_of_plays_lost_a_play, a_play_that_only_uses_it_is_destroyed, volumes_left_by_compose_and_forgotten,
)  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.__name__)
def test_nothing_typed_by_mistake_deletes_a_volume_that_was_not_named(
    mistake: Callable[[Typed], None], shop: Typed
) -> None:
    shop.write(SHOP)
    shop.run("apply --yes")
    before = shop.engine.state()["volumes"]["shop_pg"]
    mistake(shop)
    assert shop.engine.state()["volumes"].get("shop_pg") == before


def test_a_destroy_that_takes_data_says_that_it_was_applied_from_another_folder(shop: Typed) -> None:
    shop.write(SHOP)
    shop.run("apply --yes")
    other = shop.write_in("other", {**SHOP, "services": {"db": DB}})
    said = f"it was last applied from another folder, {shop.folder}, by "
    assert said in shop.run("destroy --volumes --check", folder=other).stdout
    assert "another folder" not in shop.run("destroy --volumes --check").stdout
    assert "another folder" not in shop.run("destroy --check", folder=other).stdout


def test_what_was_destroyed_on_purpose_after_its_history_is_not_missed(shop: Typed) -> None:
    shop.write(SHOP)
    shop.run("apply --yes")
    shop.write(WEB)
    shop.run("destroy --volumes --history --yes")
    shop.write(SHOP)
    shop.run("destroy --volumes --yes")
    assert shop.volumes == set()
    assert "ALARM" not in shop.run("plan").stdout
