"""`moved`: what has another name in the file stays the object that it is on the engine."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from provisioner.app import adopt as adopt_module
from provisioner.app import kept_names as kept_names_module
from provisioner.app.export import export
from provisioner.app.kept_names import kept_names
from provisioner.errors import PlaybookInvalid
from provisioner.ledger.adoptions import with_adoptions
from provisioner.model.change import Action
from provisioner.render.plan_text import plan_text
from tests.unit.app.in_memory import InMemory, in_memory, service
from tests.unit.app.test_adopt import SHOP, made_by_compose, run, standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    found = in_memory(tmp_path, monkeypatch)
    monkeypatch.setattr(adopt_module, "open_engine", lambda request, choice: with_adoptions(found.engine))
    return found


MOVED: dict[str, Any] = {
    "name": "shop",
    "services": {
        "edge": SHOP["services"]["web"] | {"networks": {"outside": {"aliases": ["www"]}}},
        "db": SHOP["services"]["db"] | {"volumes": ["rows:/data"]},
    },
    "networks": {"outside": {"labels": {"x": "y"}}},
    "volumes": {"rows": {}},
}
MOVES = [
    {"from": "service.web", "to": "service.edge"}, {"from": "network.front", "to": "network.outside"},
    {"from": "volume.data", "to": "volume.rows"},
]  # fmt: skip


def hints(shop: InMemory) -> list[str]:
    return [str(note.hint) for note in shop.plan().notes]


def suggested(shop: InMemory) -> set[tuple[str, str]]:
    """The moves of the one block that a plan suggests."""
    [block] = [part for hint in hints(shop) for part in hint.split("`") if part.startswith("moved: ")]
    return as_pairs(yaml.safe_load(block)["moved"])


def as_pairs(moves: Sequence[Mapping[str, str]]) -> set[tuple[str, str]]:
    return {(move["from"], move["to"]) for move in moves}


def test_of_two_that_are_like_one_that_is_gone_one_is_suggested(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply()
    shop.write({"name": "shop", "services": {"edge": service(), "door": service()}})
    assert suggested(shop) == {("service.web", "service.door")}


def require_inert(shop: InMemory) -> None:
    """A plan without anything in it, and an apply that changes nothing."""
    plan = shop.plan()
    assert not plan.changes, plan_text(plan)
    assert not plan.moves
    before = shop.engine.state()
    assert shop.apply().exit_code == 0
    assert shop.engine.state() == before


def test_a_renamed_object_is_moved_and_not_made_anew(shop: InMemory) -> None:
    shop.write(SHOP)
    shop.apply()
    before = standing(shop)
    shop.write(MOVED)
    assert suggested(shop) == as_pairs(MOVES)

    shop.write({**MOVED, "moved": MOVES})
    plan = shop.plan()
    assert sorted(one.address for one in plan.moves) == [
        "network.outside", "service.edge[1]", "service.edge[2]", "volume.rows",
    ]  # fmt: skip
    assert {change.action for change in plan.changes} <= {Action.UPDATE}, plan_text(plan)
    assert shop.apply().exit_code == 0
    after = standing(shop)
    assert after.keys() == before.keys()
    assert {name for name, _ in after.values()} == {"/shop-edge-1", "/shop-edge-2", "/shop-db-1"}
    assert {"shop_data"} == shop.volumes
    assert "shop_front" in shop.networks
    require_inert(shop)
    # What was moved is still found when the block is gone.
    shop.write(MOVED)
    assert not shop.plan().changes
    assert shop.apply().exit_code == 0
    assert standing(shop) == after
    shop.destroy(volumes=True)
    assert not shop.volumes


def test_a_rollback_moves_back(shop: InMemory) -> None:
    shop.write(SHOP)
    shop.apply()
    before = standing(shop)
    shop.write({**MOVED, "moved": MOVES})
    shop.apply()
    assert shop.rollback().exit_code == 0
    assert standing(shop) == before
    shop.write(SHOP)
    require_inert(shop)


def test_a_second_move_goes_on_from_the_first(shop: InMemory) -> None:
    shop.write(SHOP)
    shop.apply()
    before = standing(shop)
    last = {**MOVED, "services": {"gate": MOVED["services"]["edge"], "db": MOVED["services"]["db"]}}
    # Who never applied the first of the two comes as far in one apply.
    shop.write({**last, "moved": [*MOVES, {"from": "service.edge", "to": "service.gate"}]})
    assert shop.apply().exit_code == 0
    assert standing(shop).keys() == before.keys()
    assert {"shop-gate-1", "shop-gate-2"} <= shop.containers
    require_inert(shop)


@pytest.mark.parametrize(
    ("moves", "text"),
    [
        ([{"from": "service.web", "to": "volume.data"}], "can not become"),
        ([{"from": "service.web", "to": "service.web"}], "can not become"),
        ([{"from": "web", "to": "service.edge"}], "is no address that can be moved"),
        ([{"from": "image.web", "to": "image.edge"}], "is no address that can be moved"),
        ([{"from": "service.web[1]", "to": "service.edge"}], "is no address that can be moved"),
        ([{"from": "service.a", "to": "service.b"}, {"from": "service.a", "to": "service.c"}], "moved twice"),
        ([{"from": "config.a", "to": "config.b"}, {"from": "config.b", "to": "config.a"}], "is a circle"),
    ],
)
def test_a_wrong_move_is_a_problem_with_its_place(shop: InMemory, moves: list[dict[str, str]], text: str) -> None:
    shop.write({**SHOP, "moved": moves})
    with pytest.raises(PlaybookInvalid, match=text) as raised:
        shop.plan()
    assert all(problem.span is not None for problem in raised.value.problems)


# Configs and secrets ------------------------------------------------------------------------------------------------


def with_files(config: str = "page", secret: str = "token") -> dict[str, Any]:
    """A service that has a config and a secret as files of a fixed place, and the secret in a variable."""
    return {
        "name": "shop",
        "services": {
            "web": service(
                configs=[{"source": config, "target": "/srv/page"}],
                secrets=[{"source": secret, "target": "/run/secrets/key"}],
                environment={"KEY": {"secret": secret}},
            )
        },
        "configs": {config: {"content": "hello"}},
        "secrets": {secret: {"env": "TOKEN", "allow_env": True}},
    }


FILE_MOVES = [{"from": "config.page", "to": "config.site"}, {"from": "secret.token", "to": "secret.password"}]


@pytest.fixture
def files(shop: InMemory) -> InMemory:
    """The service with files, applied."""
    (shop.folder / ".env.local").write_text("TOKEN=s3cr3t\n")
    (shop.folder / ".env.local").chmod(0o600)
    shop.write(with_files())
    assert shop.apply().exit_code == 0
    return shop


def test_a_renamed_config_and_secret_are_moved(files: InMemory) -> None:
    before, volumes = standing(files), files.volumes
    files.write(with_files("site", "password"))
    assert suggested(files) == as_pairs(FILE_MOVES)

    files.write({**with_files("site", "password"), "moved": FILE_MOVES})
    plan = files.plan()
    assert not plan.changes, plan_text(plan)
    notes = [f"{note.path}: {note.message}" for note in plan.notes]
    assert any("config.site: config.page is moved here" in note for note in notes), notes
    assert files.apply().exit_code == 0
    assert standing(files) == before
    assert files.volumes == volumes
    require_inert(files)
    files.write(with_files("site", "password"))
    assert files.apply().exit_code == 0
    require_inert(files)
    assert standing(files) == before

    # What changes afterwards changes as ever, and goes back.
    changed = with_files("site", "password")
    changed["configs"]["site"]["content"] = "welcome"
    files.write(changed)
    assert [str(change.address) for change in files.plan().changes if change.action is Action.REPLACE] == [
        "service.web"
    ]
    assert files.apply().exit_code == 0
    require_inert(files)
    assert files.rollback().exit_code == 0
    files.write(with_files("site", "password"))
    require_inert(files)


def test_a_value_that_changes_with_its_name_is_a_change(files: InMemory) -> None:
    (files.folder / ".env.local").write_text("TOKEN=another\n")
    changed = with_files("site", "password")
    changed["configs"]["site"]["content"] = "welcome"
    files.write(changed)
    assert not any("moved:" in hint for hint in hints(files))
    files.write({**changed, "moved": FILE_MOVES})
    assert {"service.web"} <= {str(change.address) for change in files.plan().changes}
    assert files.apply().exit_code == 0
    require_inert(files)


def test_a_rollback_moves_configs_and_secrets_back(files: InMemory) -> None:
    before = standing(files)
    files.write({**with_files("site", "password"), "moved": FILE_MOVES})
    assert files.apply().exit_code == 0
    assert files.rollback().exit_code == 0
    assert standing(files) == before
    files.write(with_files())
    require_inert(files)


def test_a_service_and_its_files_are_moved_at_once(files: InMemory) -> None:
    before = standing(files)
    moved = with_files("site", "password")
    moved["services"] = {"edge": moved["services"]["web"]}
    files.write({**moved, "moved": [*FILE_MOVES, {"from": "service.web", "to": "service.edge"}]})
    assert {change.action for change in files.plan().changes} <= {Action.UPDATE}
    assert files.apply().exit_code == 0
    assert standing(files).keys() == before.keys()
    require_inert(files)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("after", range(5))
def test_a_move_that_was_killed_is_gone_on_with(files: InMemory, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    before = standing(files)
    moved = with_files("site", "password")
    moved["services"] = {"edge": moved["services"]["web"]}
    files.write({**moved, "moved": [*FILE_MOVES, {"from": "service.web", "to": "service.edge"}]})
    left = [after]
    for name in ("rename", "put_archive", "create", "remove"):
        original = getattr(files.engine, name)

        def counted(*arguments: Any, original: Any = original, **named: Any) -> Any:
            # Steps are carried out by other threads, and have tests of their own.
            if threading.current_thread() is threading.main_thread():
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
            return original(*arguments, **named)

        monkeypatch.setattr(files.engine, name, counted)
    with pytest.raises(Killed):
        files.apply()
    left[0] = 1000
    for raw in files.engine.state()["containers"].values():
        if raw["Name"] == "/shop.lease":
            files.engine.remove("container", raw["Id"])
    assert files.apply().exit_code == 0
    assert standing(files).keys() == before.keys()
    require_inert(files)


def test_what_was_adopted_keeps_its_form_when_it_is_moved(shop: InMemory) -> None:
    shop.write(SHOP)
    shop.apply()
    made_by_compose(shop)
    assert run(shop).done
    before = standing(shop)
    shop.write({**MOVED, "moved": MOVES})
    assert {change.action for change in shop.plan().changes} <= {Action.UPDATE}
    assert shop.apply().exit_code == 0
    assert standing(shop).keys() == before.keys()
    require_inert(shop)


def test_an_export_has_the_names_of_the_engine_and_so_finds_the_data(
    shop: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_names_module, "open_engine", lambda request, choice: shop.engine)
    shop.write({"name": "shop", "services": {"db": service(volumes=["data:/data"])}, "volumes": {"data": {}}})
    shop.apply()
    moved = {
        "name": "shop", "services": {"db": service(volumes=["rows:/data", "more:/more"])},
        "volumes": {"rows": {}, "more": {}}, "moved": [{"from": "volume.data", "to": "volume.rows"}],
    }  # fmt: skip
    shop.write(moved)
    shop.apply()
    assert shop.volumes == {"shop_data", "shop_more"}
    shop.write({name: part for name, part in moved.items() if name != "moved"})
    text = export(shop.request(), output=None, names=kept_names(shop.request())).text
    assert yaml.safe_load(text)["volumes"] == {"rows": {"name": "shop_data"}, "more": {}}


def test_an_export_without_an_engine_knows_the_file_alone(shop: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write({"name": "shop", "services": {"db": service()}})
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    request = replace(shop.request(), host="unix:///nowhere.sock")
    assert kept_names(request) is None


def test_who_gets_the_key_of_one_that_was_moved_needs_a_name_of_its_own(shop: InMemory) -> None:
    shop.write(SHOP)
    shop.apply()
    moved = {**MOVED, "volumes": {"rows": {}, "data": {}}}
    moved["services"] = {**MOVED["services"], "more": service(volumes=["data:/data"])}
    shop.write({**MOVED, "moved": MOVES})
    shop.apply()
    before = shop.engine.state()
    for moves in (MOVES, []):
        shop.write({**moved, "moved": moves})
        with pytest.raises(PlaybookInvalid, match=r"volumes\.data: 'shop_data' is also the name of volumes\.rows"):
            shop.apply()
    assert shop.engine.state() == before
    shop.write({**moved, "volumes": {"rows": {}, "data": {"name": "shop_more"}}})
    assert shop.apply().exit_code == 0
    assert {"shop_data", "shop_more"} <= shop.volumes
