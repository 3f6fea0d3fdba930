"""The way back to what ran when it was adopted: a revision of it, or what keeps one from being kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.engines.memory import MemoryEngine
from provisioner.kinds.container_networks import follows_from_address
from provisioner.render.adoption_text import adoption_text
from tests.unit.app import test_adopt as adopting
from tests.unit.app.in_memory import InMemory, in_memory, service
from tests.unit.app.test_adopt import brought_up, run

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.app.adopt import AdoptionResult


def shop_of(**web: Any) -> dict[str, Any]:
    return {"name": "shop", "services": {"web": service(**web), "same": service()}}


def why_none(result: AdoptionResult) -> str:
    assert (result.done, result.revision) == (True, 0), adoption_text(result.plan)
    [note] = [note for note in result.plan.notes if "`rollback` can not undo the next apply" in note.message]
    # No file can say that, so none is advised.
    assert note.hint is None
    return note.message


@pytest.mark.parametrize("says", [{}, {"environment": {"A": "1"}}, {"image": "app:2"}])
def test_an_image_that_has_lost_its_name(says: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull gave the name to another one: an engine would make the container from that."""
    shop = brought_up(shop_of(), tmp_path, monkeypatch)
    for name in ("app:1", "app:2"):
        shop.engine.add_image(name, {"Cmd": ["run"], "Labels": {"newer": name}})
    shop.write(shop_of() | {"services": {"web": service() | says, "same": service()}})
    message = why_none(run(shop))
    assert "service.web runs an image that is not called app:1 any more" in message
    assert "service.same runs an image that is not called app:1 any more" in message


@pytest.mark.parametrize("where", ["config", "secret"])
@pytest.mark.parametrize("more", [{}, {"environment": {"A": "1"}}])
def test_another_content_of_a_file(
    where: str, more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.txt"
    page.write_text("one")
    page.chmod(0o600)
    target = "/run/secrets/page" if where == "secret" else "/page"
    shop = brought_up(shop_of(), tmp_path, monkeypatch)
    read = shop.engine.read_files
    monkeypatch.setattr(
        shop.engine, "read_files", lambda one, path: {"page": b"two"} if path == target else read(one, path)
    )
    shop.write(shop_of(**more, **{f"{where}s": ["page"]}) | {f"{where}s": {"page": {"file": "./page.txt"}}})
    message = why_none(run(shop))
    assert f"because {where}.page had another content, which is not kept:" in message
    assert "two" not in message


@pytest.mark.parametrize("more", [{}, {"environment": {"A": "1"}}])
def test_an_alias_that_is_missing(more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `docker network connect` without one; a file gives every service its own name."""
    shop = brought_up(shop_of(), tmp_path, monkeypatch)
    [web] = [raw for raw in shop.engine._containers.values() if raw["Name"] == "/shop-web-1"]
    web["NetworkSettings"]["Networks"]["shop_default"]["Aliases"] = []
    shop.write(shop_of(**more))
    assert "service.web lacks the alias web on default, which a file gives every service:" in why_none(run(shop))


def test_an_alias_that_a_file_can_give_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = brought_up(shop_of(networks={"default": {"aliases": ["www"]}}), tmp_path, monkeypatch)
    shop.write(shop_of(networks={"default": {"aliases": ["edge"]}}))
    assert run(shop).revision == 1


# Hardware addresses -------------------------------------------------------------------------------------------------

ONE, TWO, THREE = (f"02:42:0a:00:00:0{number}" for number in (1, 2, 3))


def on(**macs: str | None) -> dict[str, Any]:
    return {"networks": {key: {"mac_address": mac} if mac else None for key, mac in macs.items()}}


def modern(folder: Path, patch: pytest.MonkeyPatch, ran: dict[str, Any]) -> InMemory:
    """A project on an engine of API 1.51, which tells a hardware address whether it was chosen or not."""

    def made(folder: Path, patch: pytest.MonkeyPatch) -> InMemory:
        found = in_memory(folder, patch)
        found.engine = MemoryEngine((1, 51))
        found.engine.add_image("app:1", {"Cmd": ["run"]})
        return found

    patch.setattr(adopting, "in_memory", made)
    return brought_up(project(ran), folder, patch)


def project(web: dict[str, Any]) -> dict[str, Any]:
    both = {"x": None, "y": None}
    return {"name": "shop", "services": {"web": service(**web), "b": service(networks=both)}, "networks": both}


def macs(shop: InMemory) -> dict[str, str | None]:
    [web] = [raw for raw in shop.engine.state()["containers"].values() if raw["Name"] == "/shop-web-1"]
    return {
        name.removeprefix("shop_"): one.get("MacAddress") for name, one in web["NetworkSettings"]["Networks"].items()
    }


HARDWARE = {
    "another": (on(x=ONE, y=None), on(x=TWO, y=None)),
    "one more": (on(x=ONE), on(x=ONE, y=TWO)),
    "one less": (on(x=ONE, y=TWO), on(x=ONE)),
    "on the other": (on(x=ONE, y=None), on(x=TWO, y=THREE)),
    "crossed": (on(x=ONE, y=TWO), on(x=TWO, y=ONE)),
    "of the service": (on(x=ONE), {"mac_address": TWO} | on(x=None)),
    "of the service and one more": (on(x=ONE), {"mac_address": ONE} | on(x=None, y=TWO)),
    "an alias besides": (on(x=ONE), {"networks": {"x": {"mac_address": ONE, "aliases": ["www"]}}}),
}


@pytest.mark.parametrize("what", HARDWARE)
def test_hardware_addresses_come_back_where_the_file_gives_any(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, says = HARDWARE[what]
    shop = modern(tmp_path, monkeypatch, ran)
    before = macs(shop)
    shop.write(project(says | {"environment": {"A": "1"}}))
    result = run(shop)
    assert result.revision == 1, adoption_text(result.plan)
    assert not any(change.drift for change in shop.plan().changes)
    assert shop.apply().exit_code == 0
    assert not shop.plan().changes
    assert macs(shop) != before or what == "an alias besides"
    assert shop.rollback(1).exit_code == 0
    # What the file gives none, an engine may have chosen itself: it tells no difference.
    given = {key for key in before if what != "one less" or key == "x"}
    assert {key: mac for key, mac in macs(shop).items() if key in given} == {key: before[key] for key in given}
    assert not shop.drift().changes


@pytest.mark.parametrize(
    ("network", "follows"),
    [
        ({"IPAddress": "172.18.0.2", "MacAddress": "02:42:ac:12:00:02"}, True),
        ({"IPAddress": "172.18.0.2", "MacAddress": "02-42-AC-12-00-02"}, True),
        ({"IPAddress": "172.18.0.3", "MacAddress": "02:42:ac:12:00:02"}, False),
        ({"IPAddress": "172.18.0.2", "MacAddress": "da:0c:23:6e:a0:a2"}, False),
        ({"IPAddress": "", "MacAddress": "02:42:ac:12:00:02"}, False),
        ({}, False),
    ],
)
def test_what_an_engine_makes_of_an_address_nobody_chose(network: dict[str, str], follows: bool) -> None:
    assert follows_from_address(network) is follows


def test_what_an_engine_has_made_of_the_address_is_not_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pinned, it would be another container's once that has the address."""
    shop = modern(tmp_path, monkeypatch, on(x=None))
    for raw in shop.engine._containers.values():
        for one in raw["NetworkSettings"]["Networks"].values():
            one |= {"IPAddress": "172.18.0.2", "MacAddress": "02:42:ac:12:00:02"}
    shop.write(project(on(x=ONE)))
    assert run(shop).revision == 1
    assert shop.apply().exit_code == 0
    assert macs(shop) == {"x": ONE}
    assert shop.rollback(1).exit_code == 0
    assert macs(shop) == {"x": None}
