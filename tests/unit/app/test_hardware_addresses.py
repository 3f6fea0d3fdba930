"""A declared hardware address is there after one apply, whatever becomes of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.engines.memory import MemoryEngine
from provisioner.model.change import Action
from provisioner.render.plan_text import plan_text
from tests.unit.app.in_memory import InMemory, in_memory, service

if TYPE_CHECKING:
    from pathlib import Path

MAC, OTHER = "02:42:0a:00:00:01", "02:42:0a:00:00:02"
OLD, NEW = (1, 41), (1, 51)


def shop(options: dict[str, str] | None = None, **web: Any) -> dict[str, Any]:
    networks = {"x": {"driver_opts": options or {}}, "y": None}
    return {"name": "shop", "services": {"web": service(**web), "b": service(networks=["x"])}, "networks": networks}


def brought_up(api: tuple[int, int], folder: Path, patch: pytest.MonkeyPatch, playbook: dict[str, Any]) -> InMemory:
    found = in_memory(folder, patch)
    found.engine = MemoryEngine(api)
    found.engine.add_image("app:1", {"Cmd": ["run"]})
    found.write(playbook)
    assert found.apply().exit_code == 0
    return found


def mac(found: InMemory, network: str = "x") -> str | None:
    [web] = [raw for raw in found.engine.state()["containers"].values() if raw["Name"] == "/shop-web-1"]
    return web["NetworkSettings"]["Networks"][f"shop_{network}"].get("MacAddress")  # type: ignore[no-any-return]


def becomes(found: InMemory, playbook: dict[str, Any]) -> tuple[Action, str]:
    """What the plan says of the service; one apply after it leaves nothing to be done."""
    found.write(playbook)
    plan = found.plan()
    [change] = [change for change in plan.changes if str(change.address) == "service.web"]
    assert found.apply().exit_code == 0
    assert not found.plan().changes, plan_text(found.plan())
    return change.action, change.reason


def on(**macs: str | None) -> dict[str, Any]:
    return {"networks": {key: {"mac_address": mac} if mac else None for key, mac in macs.items()}}


# How it is declared, and on which engine; whether a container keeps it that leaves the network and joins it again.
DECLARED = [
    pytest.param(NEW, on(x=MAC, y=None), False, id="on a network"),
    pytest.param(NEW, {"mac_address": MAC, "networks": ["x"]}, False, id="of the service"),
    pytest.param(OLD, {"mac_address": MAC, "networks": ["x"]}, True, id="of the container"),
]


@pytest.mark.parametrize(("api", "web", "keeps"), DECLARED)
@pytest.mark.parametrize("more", [{}, {"mem_limit": "64m"}])
def test_a_network_that_is_made_anew(
    api: tuple[int, int], web: dict[str, Any], keeps: bool, more: dict[str, Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    found = brought_up(api, tmp_path, monkeypatch, shop(**web))
    action, reason = becomes(found, shop({"a": "b"}, **web, **more))
    assert action is (Action.UPDATE if keeps else Action.REPLACE)
    if not keeps:
        assert "network.x is replaced, and only what is made on it gets its hardware address" in reason
    assert mac(found) == MAC


@pytest.mark.parametrize(("api", "web", "keeps"), DECLARED)
def test_an_alias_beside_it(
    api: tuple[int, int], web: dict[str, Any], keeps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = brought_up(api, tmp_path, monkeypatch, shop(**web))
    networks = web["networks"] if isinstance(web["networks"], dict) else {"x": None}
    aliased = {"networks": {**networks, "x": {**(networks["x"] or {}), "aliases": ["www"]}}}
    action, _ = becomes(found, shop(**web | aliased))
    assert action is (Action.UPDATE if keeps else Action.REPLACE)
    assert mac(found) == MAC


@pytest.mark.parametrize(("api", "web", "keeps"), DECLARED)
def test_a_network_that_a_hand_took_away(
    api: tuple[int, int], web: dict[str, Any], keeps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = brought_up(api, tmp_path, monkeypatch, shop(**web))
    [raw] = [raw for raw in found.engine._containers.values() if raw["Name"] == "/shop-web-1"]
    found.engine.disconnect("shop_x", raw["Id"])
    action, _ = becomes(found, shop(**web))
    assert action is (Action.UPDATE if keeps else Action.REPLACE)
    assert mac(found) == MAC


def test_a_network_that_is_joined_first_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before API 1.44 the address is the container's, and that of the first network."""
    found = brought_up(OLD, tmp_path, monkeypatch, shop(networks=["y"]))
    assert becomes(found, shop(networks=["x", "y"], mac_address=MAC))[0] is Action.REPLACE
    assert mac(found) == MAC


def test_one_more_network_is_joined_where_it_gives_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = brought_up(NEW, tmp_path, monkeypatch, shop(**on(x=MAC)))
    assert becomes(found, shop(**on(x=MAC, y=None)))[0] is Action.UPDATE
    assert becomes(found, shop(**on(x=MAC)))[0] is Action.UPDATE
    assert becomes(found, shop(**on(x=MAC, y=OTHER)))[0] is Action.REPLACE
    assert (mac(found), mac(found, "y")) == (MAC, OTHER)


def test_what_nobody_declares_is_no_reason_to_make_a_container_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = brought_up(NEW, tmp_path, monkeypatch, shop(**on(x=None, y=MAC)))
    assert becomes(found, shop({"a": "b"}, **on(x=None, y=MAC)))[0] is Action.UPDATE
    assert mac(found, "y") == MAC
