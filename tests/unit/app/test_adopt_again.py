"""What an adoption keeps holds only for what runs: lines that come and go, names that were given before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from provisioner.app import adopt as adopt_module
from provisioner.app import import_running as import_module
from provisioner.app.adopt import look
from provisioner.app.adopt_plan import AdoptionChoice
from provisioner.app.import_running import import_running
from provisioner.ledger.adoptions import read_adoptions, with_adoptions
from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.render.adoption_text import adoption_text
from provisioner.render.plan_text import plan_text
from tests.unit.app.in_memory import InMemory, in_memory, service
from tests.unit.app.test_adopt import brought_up, killed_after, let_go, run, standing, take_away

if TYPE_CHECKING:
    from pathlib import Path

PLAIN: dict[str, Any] = {"name": "shop", "services": {"web": service()}, "networks": {"default": {}}}
POOL = {"default": {"ipam": {"config": [{"subnet": "172.30.0.0/16"}]}}}
# What an engine chooses where nobody declares it, by the path of the difference.
CHOSEN: dict[str, dict[str, Any]] = {
    "shm_size": {"services": {"web": service(shm_size="128m")}},
    "ipc": {"services": {"web": service(ipc="shareable")}},
    "logging.options": {"services": {"web": service(logging={"driver": "json-file", "options": {"max-size": "1m"}})}},
    "ulimits.nofile": {"services": {"web": service(ulimits={"nofile": 1024})}},
    "hostname": {"services": {"web": service(hostname="edge")}},
    "networks.default.mac_address": {"services": {"web": service(mac_address="02:42:0a:00:00:07")}},
    "driver_opts.com.docker.network.bridge.name": {
        "networks": {"default": {"driver_opts": {"com.docker.network.bridge.name": "br"}}}
    },
    "ipam.config": {"networks": POOL},
}


@pytest.mark.parametrize("path", CHOSEN)
def test_what_never_ran_is_no_difference_once_it_is_declared_no_longer(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up(PLAIN, tmp_path, monkeypatch)
    before = standing(shop)
    shop.write({**PLAIN, **CHOSEN[path]})
    plan = run(shop).plan
    told = [one.path for row in plan.rows if row.change is not None for one in row.change.differences]
    assert any(one.startswith(path) for one in told), adoption_text(plan)
    shop.write(PLAIN)
    left = shop.plan()
    assert not left.changes, plan_text(left)
    # Declared once more it is a difference again.
    shop.write({**PLAIN, **CHOSEN[path]})
    assert shop.plan().changes
    assert standing(shop) == before


@pytest.mark.parametrize("path", CHOSEN)
def test_what_ran_is_a_difference_once_it_is_declared_no_longer(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up({**PLAIN, **CHOSEN[path]}, tmp_path, monkeypatch)
    # Something else does not run as it is declared.
    other = {**PLAIN, **CHOSEN[path]}
    other["services"] = {"web": {**other["services"]["web"], "environment": {"A": "1"}}}
    shop.write(other)
    assert run(shop).done
    shop.write(PLAIN)
    told = [one.path for change in shop.plan().changes for one in change.differences]
    assert any(one.startswith(path) for one in told), told


WORKERS: dict[str, Any] = {"name": "shop", "services": {"worker": service(scale=3)}}


def scaled(count: int) -> dict[str, Any]:
    return {"name": "shop", "services": {"worker": service(scale=count)}}


def workers(shop: InMemory) -> dict[str, str]:
    """The ids of the workers by their names."""
    return {name.lstrip("/"): identity for identity, (name, _) in standing(shop).items()}


def test_an_alias_of_a_name_before_the_adoption_is_no_difference_after_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose's name of a container stays its alias, whatever it is called since."""
    shop = brought_up(scaled(3), tmp_path, monkeypatch)
    third = workers(shop)["shop-worker-3"]
    take_away(shop, workers(shop)["shop-worker-1"])
    shop.write(scaled(2))
    assert run(shop).done
    assert workers(shop)["shop-worker-1"] == third
    assert not shop.plan().changes
    for _ in range(2):
        let_go(shop)
        result = run(shop)
        assert {row.verdict for row in result.plan.rows} == {"adopt"}, adoption_text(result.plan)
        assert "its name as an alias on shop_default" in adoption_text(result.plan)
        plan = shop.plan()
        assert not plan.changes, plan_text(plan)
        assert not shop.drift().changes
    # What nobody gave by its name is one.
    attached = shop.engine._containers[third]["NetworkSettings"]["Networks"]["shop_default"]
    attached["Aliases"] = [*attached["Aliases"], "shop-worker-4"]
    [change] = shop.plan().changes
    assert [one.path for one in change.differences] == ["networks.default.aliases"]


def test_an_alias_that_is_declared_no_longer_goes_though_it_is_the_name_that_compose_would_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The labels that an apply writes are not Compose's."""
    shop = brought_up(PLAIN, tmp_path, monkeypatch)
    named = {"container_name": "edge"}
    declared = {"default": {"aliases": ["new-web-1"]}}
    shop.write({"name": "new", "services": {"web": service(**named, networks=declared)}})
    assert shop.apply().exit_code == 0
    assert not shop.plan().changes
    shop.write({"name": "new", "services": {"web": service(**named)}})
    [change] = shop.plan().changes
    assert [one.path for one in change.differences] == ["networks.default.aliases"]


# Names that cross ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "stays"),
    [
        ({"worker-3": 2, "worker-1": 3}, "worker-1"),
        ({"worker-3": 1, "worker-1": 2}, "worker-1"),
        ({"worker-2": 1, "worker-3": 2}, "worker-2"),
        ({"worker-2": 1, "worker-1": 2}, "worker-1"),
        ({"worker-4": 1, "worker-2": 5}, "worker-2"),
    ],
)
def test_what_has_its_name_keeps_it_and_another_gets_the_free_one(
    there: dict[str, int], stays: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers, which Compose keeps in a label, say otherwise after a rename."""
    shop = brought_up(scaled(2), tmp_path, monkeypatch)
    for (name, identity), number in zip(list(workers(shop).items()), there.values(), strict=True):
        shop.engine._containers[identity]["Config"]["Labels"]["com.docker.compose.container-number"] = str(number)
        shop.engine.rename(identity, f"{name}-old")
    for identity, name in zip(list(workers(shop).values()), there, strict=True):
        shop.engine.rename(identity, f"shop-{name}")
    for raw in shop.engine._containers.values():
        for attached in raw["NetworkSettings"]["Networks"].values():
            attached["Aliases"] = ["worker"]
    before = workers(shop)
    assert run(shop).done
    after = workers(shop)
    assert after.keys() == {"shop-worker-1", "shop-worker-2"}
    assert after[f"shop-{stays}"] == before[f"shop-{stays}"]
    plan = shop.plan()
    assert not plan.changes, plan_text(plan)


TURNED = {1: "shop-worker-3", 2: "shop-worker-1", 3: "shop-worker-2"}


@pytest.mark.parametrize("after", [None, *range(10)])
@pytest.mark.parametrize(
    "names", [TURNED, {1: TURNED[3], 2: TURNED[2], 3: TURNED[1]}, {1: "shop-worker-2", 2: "shop-worker-9"}]
)
def test_names_that_maps_cross_are_given_wherever_the_first_adoption_was_killed(
    names: dict[int, str], after: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up(scaled(3), tmp_path, monkeypatch)
    if "shop-worker-9" in names.values():
        shop.engine.rename(workers(shop)["shop-worker-3"], "shop-worker-9")
        take_away(shop, workers(shop)["shop-worker-1"])
    shop.write(scaled(len(names)))
    maps = {Address("service", "worker", number): name for number, name in names.items()}
    before = workers(shop)
    assert look(shop.request(), AdoptionChoice(maps=maps)).adopts
    if after is not None:
        killed_after(shop, monkeypatch, after, maps)
    run(shop, maps=maps)
    assert {name: identity for name, identity in workers(shop).items() if identity in before.values()} == {
        f"shop-worker-{number}": before[name] for number, name in names.items()
    }
    plan = shop.plan()
    assert not [change for change in plan.changes if change.action is not Action.UNCHANGED], plan_text(plan)
    assert not [one for one in read_adoptions(shop.engine, "shop")[1] if one.kind == "renaming"]


def test_what_another_tool_built_can_be_gone_back_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image carries no label, and loses its name to the first build of ours."""
    playbook = {"name": "shop", "services": {"web": {**service(), "image": "web:1", "build": "context"}}}
    (tmp_path / "context").mkdir()
    dockerfile = tmp_path / "context" / "Dockerfile"
    dockerfile.write_text("FROM app:1\n")
    shop = brought_up(playbook, tmp_path, monkeypatch)
    live = next(iter(shop.engine._images[one] for name, one in shop.engine._tags.items() if name == "web:1"))
    live["Config"]["Labels"] = {}
    assert run(shop).revision == 1
    assert not shop.plan().changes
    dockerfile.write_text("FROM app:1\nLABEL new=1\n")
    shop.apply()
    assert shop.engine._tags["web:1"] != live["Id"]
    shop.rollback()
    assert shop.engine._tags["web:1"] == live["Id"]
    dockerfile.write_text("FROM app:1\n")
    assert not shop.plan().changes


DIFFERING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "environment": ({"environment": {"A": "1", "B": "2"}}, {"environment": {"B": "3", "C": "4"}}),
    "labels": ({"labels": {"a.b": "c"}}, {"labels": {"a.b": "d", "e": "f"}}),
    "image": ({}, {"image": "app:2"}),
    "built": ({}, {"image": "app:2", "build": "context"}),
    "command": ({"command": ["run", "all"]}, {}),
    "limits": ({"deploy": {"resources": {"limits": {"memory": "64m"}}}}, {"mem_limit": "128m"}),
    "aliases": ({"networks": {"default": {"aliases": ["www"]}}}, {"networks": {"default": {"aliases": ["edge"]}}}),
    "volumes": ({"volumes": ["data:/data", "/srv:/srv:ro"]}, {"volumes": ["data:/var/data"]}),
    "tmpfs": ({"tmpfs": ["/tmp:size=1m"]}, {"tmpfs": ["/run"]}),
    "ports": ({"ports": ["127.0.0.1:8080:80"]}, {"ports": ["127.0.0.1:8081:80"]}),
    "chosen": ({"shm_size": "128m"}, {"shm_size": "256m"}),
    "healthcheck": ({"healthcheck": {"test": ["CMD", "true"], "retries": 2}}, {"healthcheck": {"test": "true"}}),
    "fewer aliases": ({}, {"networks": {"default": {"aliases": ["edge"]}}}),
    "links": ({"links": ["same:rows"]}, {"links": ["same:lines"]}),
    "restart": ({"restart": "always"}, {"restart": "unless-stopped"}),
}


@pytest.mark.parametrize("what", DIFFERING)
def test_what_was_adopted_can_be_gone_back_to_though_the_file_says_something_else(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, says = DIFFERING[what]
    head = {"name": "shop", "volumes": {"data": {}}, "services": {"db": service(volumes=["data:/data"])}}
    before = head | {"services": {"db": service() | ran, "same": service()}}
    after = head | {
        "services": {"db": service() | says, "same": service(depends_on=["new"]), "new": service(networks=["back"])},
        "networks": {"back": {}},
    }
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text("FROM app:1\n")
    shop = brought_up(before, tmp_path, monkeypatch)
    shop.engine.add_image("app:2", {"Cmd": ["run"]})
    runs = {raw["Name"]: settings(raw) for raw in shop.engine.state()["containers"].values()}
    shop.write(after)
    adopted = run(shop)
    assert adopted.revision == 1, adopted.plan.notes
    # What is declared is a change, and none by hand.
    plan = shop.plan()
    assert {str(change.address) for change in plan.changes} >= {"service.db", "service.new"}
    assert not any(change.drift for change in plan.changes), plan_text(plan)
    assert shop.apply().exit_code == 0
    assert not shop.plan().changes
    assert shop.rollback(None, prune=True).exit_code == 0
    assert runs == {
        raw["Name"]: settings(raw)
        for raw in shop.engine.state()["containers"].values()
        if not raw["Name"].startswith("/shop.")
    }
    shop.write(before)
    assert not shop.plan().changes


def settings(raw: dict[str, Any]) -> Any:
    """What a rollback brings back of a container, without what another tool labelled or called it."""
    config = raw["Config"]
    labels = {key: text for key, text in config["Labels"].items() if key in ("a.b", "e")}
    networks = {
        name: sorted({*(one.get("Aliases") or ())} & {"www", "edge"})
        for name, one in raw["NetworkSettings"]["Networks"].items()
    }
    own = ("Image", "Env", "Cmd", "Healthcheck", "Entrypoint")
    return labels, networks, {key: config.get(key) for key in own}, raw["HostConfig"]


@pytest.mark.parametrize(
    ("live", "why"),
    [
        ({"DB_PASSWORD": "hunter2"}, "a variable DB_PASSWORD, which looks like a secret"),
        ({"URL": "http://a:b@c"}, "a variable URL, which looks like a secret"),
    ],
)
def test_no_secret_is_kept_for_the_way_back_and_it_is_said(
    live: dict[str, str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up({"name": "shop", "services": {"db": service(environment=live)}}, tmp_path, monkeypatch)
    shop.write({"name": "shop", "services": {"db": service(environment={"A": "1"})}})
    adopted = run(shop)
    assert adopted.revision == 0
    [note] = [note for note in adopted.plan.notes if "rollback" in note.message]
    assert why in note.message


# A name of its own -------------------------------------------------------------------------------------------------


def with_name(name: str, **more: Any) -> dict[str, Any]:
    return {"name": "shop", "services": {"web": service(container_name=name, **more)}}


def named_by_compose(tmp_path: Path, patch: pytest.MonkeyPatch, version: str = "2.40.3") -> InMemory:
    """A container with a `container_name`, as Compose makes it: its name is its first alias, its service's the next."""
    shop = brought_up(with_name("edge"), tmp_path, patch)
    [live] = [raw for raw in shop.engine._containers.values() if raw["Name"] == "/edge"]
    live["Config"]["Labels"] |= {"com.docker.compose.service": "web", "com.docker.compose.version": version}
    live["NetworkSettings"]["Networks"]["shop_default"]["Aliases"] = ["edge", "web", "www"]
    return shop


def test_a_name_of_its_own_stays_an_alias_after_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = named_by_compose(tmp_path, monkeypatch)
    says = with_name("door", networks={"default": {"aliases": ["www"]}})
    shop.write(says)
    for _ in range(2):
        assert {row.verdict for row in run(shop).plan.rows} == {"adopt"}
        assert not shop.plan().changes
        let_go(shop)
    # What is declared beside it is compared like any alias.
    shop.write(with_name("door"))
    [row] = [row for row in run(shop).plan.rows if row.change]
    assert [one.before for one in row.change.differences if row.change] == [["web", "www"]]  # type: ignore[union-attr]


def test_of_aliases_in_no_order_none_is_taken_for_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = named_by_compose(tmp_path, monkeypatch, version="1.29.2")
    shop.write(with_name("door"))
    run(shop)
    let_go(shop)
    [row] = [row for row in run(shop).plan.rows if row.change]
    assert [one.before for one in row.change.differences if row.change] == [["edge", "web", "www"]]  # type: ignore[union-attr]


def test_a_plan_makes_no_second_container_beside_one_of_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else is the environment's already; the file calls the container otherwise than Compose did."""
    shop = named_by_compose(tmp_path, monkeypatch)
    assert let_go_of_container(shop)
    shop.write(with_name("door"))
    [refusal] = shop.plan().refusals
    assert "a container named edge is there already and belongs to the Compose project shop" in refusal.message
    assert "provision adopt" in str(refusal.hint)
    [row] = [row for row in shop.status().rows if row.address.kind == "service"]
    assert row.state == "foreign"
    shop.write({"name": "shop", "services": {"web": service(scale=2)}})
    [refusal] = shop.plan().refusals
    assert "edge" in refusal.message
    run(shop)
    assert [str(change.address) for change in shop.plan().changes] == ["service.web"]
    assert not shop.plan().refusals


def let_go_of_container(shop: InMemory) -> int:
    run(shop)
    return let_go(shop, "service.web")


# Out again ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "whose"),
    [({"com.docker.compose.project": "other"}, "the Compose project other"), ({}, "nobody by its labels")],
)
def test_a_volume_that_others_mount_is_told_before_anything_is_destroyed(
    labels: dict[str, str], whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = {"name": "shop", "volumes": {"data": {}}, "services": {"db": service(volumes=["data:/data"])}}
    shop = brought_up(says, tmp_path, monkeypatch)
    run(shop)
    mount = {"Type": "volume", "Source": "shop_data", "Target": "/x"}
    made = {"Image": "app:1", "Cmd": ["run"], "Labels": labels, "HostConfig": {"Mounts": [mount]}}
    shop.engine.create("container", "other-web-1", made)
    before = shop.engine.state()
    result = shop.destroy(volumes=True)
    [refusal] = result.plan.refusals
    assert f"mounted by containers that are not of this environment: other-web-1 ({whose})" in refusal.message
    assert shop.engine.state() == before
    assert shop.destroy().exit_code == 0
    assert shop.volumes == {"shop_data"}


# Names that are no keys --------------------------------------------------------------------------------------------


def test_what_has_a_name_that_is_no_key_gets_one_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks may be called anything, and two names can give one key."""
    shop = in_memory(tmp_path, monkeypatch)
    for module in (adopt_module, import_module):
        monkeypatch.setattr(module, "open_engine", lambda request, choice: with_adoptions(shop.engine))
    names = ["my net", "my/net", "my-net", "\u7db2", "ad$x", "7", "\u7db2\u7db2"]
    for name in names:
        shop.engine.create("network", name, {"Driver": "bridge", "Labels": {}})
    for name in ("by.hand", "by-hand"):
        body = {"Image": "app:1", "Cmd": ["run"], "Labels": {}, "HostConfig": {"NetworkMode": names[0]}}
        identity = shop.engine.create("container", name, body)
        for network in names[1:]:
            shop.engine.connect(shop.engine.inspect("network", network)["Id"], identity, {})  # type: ignore[index]
        shop.engine.start(identity)
    written = import_running(shop.request(), ["by.hand", "by-hand"], output="compose.yaml", name="mine", force=False)
    assert written.services == ("by-hand", "by.hand")
    document = yaml.safe_load((tmp_path / "compose.yaml").read_text())
    assert sorted(body["name"].replace("$$", "$") for body in document["networks"].values()) == sorted(names)
    result = run(shop)
    assert {row.verdict for row in result.plan.rows} == {"adopt"}, adoption_text(result.plan)
    assert not shop.plan().changes


def test_what_is_adopted_already_and_differs_now_is_told_by_another_adoption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up(PLAIN, tmp_path, monkeypatch)
    run(shop)
    web = str(shop.engine.inspect("container", "shop-web-1")["Id"])  # type: ignore[index]
    for act in (lambda: None, lambda: shop.engine.stop(web)):
        act()
        assert not [note for note in run(shop).plan.notes if "adopted already" in note.message]
    shop.write({**PLAIN, "services": {"web": service(environment={"A": "1"})}})
    [note] = [note for note in run(shop).plan.notes if "adopted already" in note.message]
    assert note.message.endswith("and not as the file says: service.web[1]")
    let_go(shop)
    told = run(shop).plan
    assert not [one for one in told.notes if "adopted already" in one.message], adoption_text(told)


def test_no_hand_has_changed_the_image_of_what_was_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    playbook = {"name": "shop", "services": {"web": {**service(), "image": "web:1", "build": "context"}}}
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text("FROM app:1\n")
    shop = brought_up(playbook, tmp_path, monkeypatch)
    live = next(iter(shop.engine._images[one] for name, one in shop.engine._tags.items() if name == "web:1"))
    live["Config"]["Labels"] = {}
    run(shop)
    let_go(shop)
    changes = [one for one in shop.plan().changes if one.address.kind == "image"]
    assert [one.reason for one in changes if "by hand" in one.reason or one.drift] == []
    assert not [one for one in shop.drift().changes if one.address.kind == "image"]
    # Of what an apply makes after that a change is one by hand again.
    run(shop)
    assert not shop.plan().changes


# What is kept of more than one adoption -----------------------------------------------------------------------------


def three(**more: Any) -> dict[str, Any]:
    return {"name": "shop", "services": {"w": service(scale=4), "gap": service(scale=3), "pz": service(), **more}}


def called(shop: InMemory) -> set[str]:
    return {name.lstrip("/") for name, _ in standing(shop).values()}


def identity_of(shop: InMemory, name: str) -> str:
    return next(identity for identity, (found, _) in standing(shop).items() if found.lstrip("/") == name)


@pytest.mark.parametrize("says_other", [False, True], ids=["as it runs", "file says other"])
def test_a_second_adoption_keeps_all_that_is_adopted(
    says_other: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what the second took was in its revision: a rollback stopped replicas that ran."""
    shop = brought_up(three(), tmp_path, monkeypatch)
    shop.engine.stop(identity_of(shop, "shop-pz-1"))
    take_away(shop, identity_of(shop, "shop-gap-3"))
    before = called(shop)
    first = three()
    first["services"]["w"] = service(environment={"A": "1"} if says_other else {})
    shop.write(first)
    assert run(shop).revision == int(says_other)
    shop.write({**three(), "services": {**three()["services"], "w": service(scale=4, environment={"A": "1"})}})
    again = run(shop)
    assert [one.address for one in again.plan.adopts] == [f"service.w[{number}]" for number in (2, 3, 4)]
    assert again.revision == 1 + says_other
    assert called(shop) == before
    told = plan_text(shop.plan())
    assert "since the last apply" not in told, told
    assert shop.apply().exit_code == 0
    assert not shop.plan().changes
    assert shop.rollback(again.revision).exit_code == 0
    assert called(shop) == before
    assert all(raw["State"]["Running"] for raw in shop.engine.state()["containers"].values() if is_of_shop(raw))


def is_of_shop(raw: dict[str, Any]) -> bool:
    return str(raw["Name"]).startswith("/shop-")


def test_what_was_stopped_when_it_was_adopted_is_drift_once_it_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up({"name": "shop", "services": {"pz": service(), "w": service()}}, tmp_path, monkeypatch)
    shop.engine.stop(identity_of(shop, "shop-pz-1"))
    shop.write({"name": "shop", "services": {"pz": service(), "w": service(environment={"A": "1"})}})
    assert run(shop).revision == 1
    assert not any(change.drift for change in shop.plan().changes)
    assert not any(change.differences for change in shop.drift().changes)
    assert shop.apply().exit_code == 0
    shop.engine.stop(identity_of(shop, "shop-pz-1"))
    [change] = shop.plan().changes
    assert change.drift
    assert [str(one.address) for one in shop.drift().changes] == ["service.pz"]


def test_nobody_is_blamed_for_what_was_stopped_or_missing_when_it_was_adopted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up({"name": "shop", "services": {key: service() for key in "abc"}}, tmp_path, monkeypatch)
    shop.engine.stop(identity_of(shop, "shop-a-1"))
    take_away(shop, identity_of(shop, "shop-b-1"))
    assert run(shop).revision == 1
    changes = shop.plan().changes
    assert {str(one.address): one.drift for one in changes} == {"service.a": False, "service.b": False}
    assert not shop.drift().changes
    shop.engine.stop(identity_of(shop, "shop-c-1"))
    assert [str(one.address) for one in shop.drift().changes] == ["service.c"]


def test_what_only_does_not_run_is_no_revision_beside_the_one_of_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up({"name": "shop", "services": {key: service() for key in "ab"}}, tmp_path, monkeypatch)
    assert run(shop).revision == 1
    let_go(shop)
    shop.engine.stop(identity_of(shop, "shop-a-1"))
    assert run(shop).revision == 0
