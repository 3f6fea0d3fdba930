"""`provision adopt` as it is typed: what it prints, its exit codes, and what it says of bad input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import import_running as import_module
from provisioner.app.wiring import SystemClock
from provisioner.errors import EngineRefused
from provisioner.ledger.adoptions import read_adoptions
from provisioner.ledger.lease import lease
from tests.command_line import carry_out
from tests.unit.app.in_memory import service
from tests.unit.app.test_adopt import SHOP, brought_up, standing, take_away

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import Ended
    from tests.unit.app.in_memory import InMemory


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    return brought_up(SHOP, tmp_path, monkeypatch)


def typed(shop: InMemory, *words: str, code: int = 0) -> Ended:
    surroundings = {"HOME": str(shop.folder), "NO_COLOR": "1", "PATH": "/usr/bin:/bin"}
    ended = carry_out(["adopt", *words], folder=shop.folder, environment=surroundings)
    assert ended.code == code, ended
    assert "Traceback" not in ended.stderr
    return ended


def test_check_shows_the_plan_and_changes_nothing(shop: InMemory) -> None:
    before = shop.engine.state()
    text = typed(shop, "--check", "--target", "service.db").stdout
    assert "= service.db[1]    adopted as it is: shop-db-1, of the Compose project shop" in text
    assert text.endswith("To carry it out: provision adopt --target service.db\n")
    told = json.loads(typed(shop, "--check", "--json").stdout)
    assert {one["verdict"] for one in told["objects"]} == {"adopt"}
    assert (len(told["objects"]), told["notes"], told["refusals"]) == (6, [], [])
    assert "adopted" not in told
    assert shop.engine.state() == before


def test_a_target_is_adopted_with_what_it_needs(shop: InMemory) -> None:
    told = json.loads(typed(shop, "--target", "service.db", "--yes", "--json").stdout)
    assert [one["address"] for one in told["adopted"]] == ["network.default", "service.db[1]", "volume.data"]
    assert {one["former_owner"] for one in told["adopted"]} == {"the Compose project shop"}
    assert (told["revision"], told["exit_code"]) == (None, 0)
    rest = typed(shop, "--yes").stdout
    assert rest.endswith("shop: adopted=3 restarted=0\n")
    assert "3 of the declared objects are this environment's already" in rest
    assert "Nothing to adopt." in typed(shop, "--yes").stdout
    assert json.loads(typed(shop, "--yes", "--json").stdout)["adopted"] == []


def test_a_release_as_it_is_typed(shop: InMemory) -> None:
    typed(shop, "--yes")
    before = shop.engine.state()
    assert "service.web[2]" in typed(shop, "--release", "service.web", "--check").stdout
    assert shop.engine.state() == before
    told = json.loads(typed(shop, "--release", "--target", "service.web", "--yes", "--json").stdout)
    assert ([one["address"] for one in told["released"]], told["done"]) == (["service.web[1]", "service.web[2]"], True)
    assert typed(shop, "--release", "--yes").stdout.endswith("shop: released=4\n")
    assert typed(shop, "--release", "--yes").stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--yes", "--map", "volume.data"], 64, "'volume.data' is not ADDRESS=NAME"),
        (["--yes", "--map", "volume.data=nowhere"], 1, "there is no volume named nowhere"),
        (["--yes", "--map", "volume.dat=shop_data"], 64, "did you mean 'volume.data'?"),
        (["--yes", "--map", "volume.data=a", "--map", "volume.data=b"], 64, "volume.data twice: a and b"),
        (["--yes", "--map", "service.db=shop-web-1"], 64, "shop-web-1 would be service.db[1] and service.web[1]"),
        (["--yes", "--target", "service.nowhere"], 64, "no service is named 'nowhere'"),
        (["--yes", "--release", "volume.data"], 64, "nothing is adopted as volume.data"),
        (["--yes", "--release", "--force", "other"], 64, "takes no --map and no --force"),
        ([], 64, "--yes"),
        (["--json"], 64, "--yes"),
        (["nowhere", "--yes"], 64, "no playbook 'nowhere'"),
        (["--yes", "--release", "web"], 64, "Next: provision adopt --release service.web\n"),
        (["--yes", "--release", "servce.web"], 64, "Next: provision adopt --release service.web\n"),
        (["--yes", "web"], 64, "Next: provision adopt --target service.web\n"),
        (["--yes", "service.web"], 64, "Next: provision adopt --target service.web\n"),
        (["--yes", "volumes.data"], 64, "Next: provision adopt --target volume.data\n"),
    ],
)  # fmt: skip
def test_bad_input_ends_with_its_code_and_what_to_do(words: list[str], code: int, said: str, shop: InMemory) -> None:
    before = shop.engine.state()
    ended = typed(shop, *words, code=code)
    assert said in ended.stderr
    assert shop.engine.state() == before


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (["--map", "volume.data=nowhere"], 1, "ProvisionError"),
        (["--target", "service.nowhere"], 64, "UsageError"),
        (["--release", "volume.data"], 64, "UsageError"),
        (["-f", "broken.yaml"], 65, "PlaybookInvalid"),
        (["-f", "secret.yaml"], 77, "SecretUnavailable"),
    ],
)
def test_an_error_for_programs_is_one_object_beside_the_result(
    words: list[str], code: int, kind: str, shop: InMemory
) -> None:
    """On standard error, as that of every command whose result is one object: standard output has a result or none."""
    shop.write("services: {web: {imgae: x}}", "broken.yaml")
    secret = {"name": "shop", "services": {"web": service(secrets=["k"])}, "secrets": {"k": {"environment": "NO_K"}}}
    shop.write(secret, "secret.yaml")
    before = shop.engine.state()
    for more in (["--yes"], ["--check"]):
        ended = typed(shop, *words, *more, "--json", code=code)
        assert ended.stdout == ""
        error = json.loads(ended.stderr)["error"]
        assert (error["exit_code"], error["kind"]) == (code, kind)
    assert shop.engine.state() == before


@pytest.mark.parametrize("word", ["prod.yml", "web.service", "nowhere"])
def test_what_is_no_address_is_not_taken_for_one(word: str, shop: InMemory) -> None:
    assert "Next:" not in typed(shop, word, "--yes", code=64).stderr


def test_a_target_hides_no_service_that_is_declared(shop: InMemory) -> None:
    """What it leaves out is neither adopted nor said to be missing in the file."""
    assert json.loads(typed(shop, "--target", "service.db", "--check", "--json").stdout)["notes"] == []
    shop.write({**SHOP, "services": {"db": SHOP["services"]["db"]}})
    notes = json.loads(typed(shop, "--check", "--json").stdout)["notes"]
    assert any("declares no service web here" in note["message"] for note in notes)


def test_a_project_to_be_forced_that_is_not_there_is_told(shop: InMemory) -> None:
    before = shop.engine.state()
    text = typed(shop, "--check", "--force", "shp").stdout
    assert "--force shp: nothing here is of a Compose project or stack of that name" in text
    assert "did you mean 'shop'?" in text
    assert "there are: shop" in typed(shop, "--check", "--force", "x").stdout
    assert "--force shop:" not in typed(shop, "--check", "--force", "shop").stdout
    assert shop.engine.state() == before
    # What was adopted is of that project all the same: the same command again says the same.
    typed(shop, "--yes")
    assert json.loads(typed(shop, "--check", "--force", "shop", "--json").stdout)["notes"] == []


def test_a_refused_plan_names_the_command_that_adopts(shop: InMemory) -> None:
    surroundings = {"HOME": str(shop.folder), "NO_COLOR": "1", "PATH": "/usr/bin:/bin"}
    asked = ["plan", "-f", "compose.yaml", "-p", "shop"]
    ended = carry_out(asked, folder=shop.folder, environment=surroundings)
    assert ended.code == 1
    assert ended.stdout.endswith("To take over what is there as it is: provision adopt -p shop -f compose.yaml\n")
    said = " ".join(ended.stdout.split())
    assert "(`provision adopt -p shop -f compose.yaml` takes them over as they are, without a restart)" in said
    refused = carry_out(["apply", "--yes", *asked[1:]], folder=shop.folder, environment=surroundings)
    assert "`provision adopt -p shop -f compose.yaml` takes them over" in " ".join(
        (refused.stdout + refused.stderr).split()
    )
    typed(shop, "--yes")
    assert "To take over" not in carry_out(asked, folder=shop.folder, environment=surroundings).stdout


def test_what_runs_under_another_name_is_adopted_by_the_command_that_is_printed(shop: InMemory) -> None:
    for raw in shop.engine._containers.values():
        raw["Config"]["Labels"]["com.docker.compose.project.config_files"] = str(shop.folder / "compose.yaml")
    surroundings = {"HOME": str(shop.folder), "NO_COLOR": "1", "PATH": "/usr/bin:/bin"}
    for words in (["-p", "mine"], ["-f", "compose.yaml", "-p", "mine", "-e", "A=1"]):
        ended = carry_out(["plan", *words], folder=shop.folder, environment=surroundings)
        said = " ".join(ended.stdout.split())
        command = said.partition("the Compose project shop runs from this file (`")[2].partition("`")[0]
        assert command.startswith("provision adopt ")
        assert typed(shop, *command.split()[2:], "--check").stdout.count("adopted as it is") == 6


def test_a_missing_secret_is_set_for_the_files_that_were_named(shop: InMemory) -> None:
    secrets = {"name": "shop", "services": {"web": service(secrets=["k"])}, "secrets": {"k": {}}}
    for name in ("running.yaml", "compose.yaml"):
        shop.write(secrets, name)
    said = typed(shop, "-f", "running.yaml", "--check", code=77).stderr
    assert "Next: provision -f running.yaml secrets set k" in said
    assert "Next: provision secrets set k" in typed(shop, "--check", code=77).stderr


def test_a_value_is_looked_for_without_running_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = {
        "web": service(environment={"API_TOKEN": "t0p"}),
        "once": {"image": "app:1", "command": ["exit", "0"], "environment": {"OTHER_TOKEN": "x"}},
    }
    shop = brought_up({"name": "shop", "services": services}, tmp_path, monkeypatch)
    monkeypatch.setattr(import_module, "open_engine", lambda request, choice: shop.engine)
    surroundings = {"HOME": str(tmp_path), "NO_COLOR": "1", "PATH": "/usr/bin:/bin"}
    ended = carry_out(["import", "--running", "-o", "running.yaml"], folder=tmp_path, environment=surroundings)
    assert ended.code == 0, ended
    told = "".join(ended.stdout.split("\n"))
    # An image may have no program for that, and Docker prints such an error as if it were the value.
    look = '{{range .Config.Env}}{{if eq (index (split . "=") 0) "OTHER_TOKEN"}}{{slice . 12}}{{end}}{{end}}'
    assert f"docker inspect --format '{look}' shop-once-1 | provision -f running.yaml secrets set other_token" in told
    assert "{{slice . 10}}{{end}}{{end}}' shop-web-1 | provision -f running.yaml secrets set api_token" in told
    assert "does not run now" not in told


def test_while_somebody_applies_it_ends_with_75(shop: InMemory) -> None:
    with lease(shop.engine, "shop", "containers", clock=SystemClock(), timeout=0):
        ended = typed(shop, "--yes", "--json", code=75)
    assert json.loads(ended.stderr)["error"]["kind"] == "LeaseHeld"
    assert read_adoptions(shop.engine, "shop") == (0, ())


def test_a_release_while_somebody_applies_says_so_at_once(shop: InMemory) -> None:
    typed(shop, "--yes")
    with lease(shop.engine, "shop", "containers", clock=SystemClock(), timeout=0):
        ended = typed(shop, "--release", "--yes", code=75)
        looked = typed(shop, "--release", "--check")
    assert ended.stdout == ""
    assert "has been applying to this environment" in ended.stderr
    assert "service.web[2]" in looked.stdout
    assert typed(shop, "--release", "--yes").stdout.endswith("shop: released=6\n")


def test_what_another_project_uses_ends_with_1_and_names_who_it_is(shop: InMemory) -> None:
    theirs = {"com.docker.compose.project": "other"}
    shop.engine._volumes["shop_data"]["Labels"] = {**theirs, "com.docker.compose.volume": "data"}
    mount = {"Type": "volume", "Source": "shop_data", "Target": "/x"}
    body = {"Image": "app:1", "Cmd": ["run"], "Labels": theirs, "HostConfig": {"Mounts": [mount]}}
    shop.engine.create("container", "other-db-1", body)
    before = shop.engine.state()
    text = typed(shop, "--yes", code=1).stdout
    assert "the volume shop_data belongs to the Compose project other, whose other-db-1 uses it" in text
    assert "--force other takes it from there all the same" in text
    assert shop.engine.state() == before
    assert typed(shop, "--yes", "--force", "other").stdout.endswith("shop: adopted=6 restarted=0\n")


@pytest.mark.parametrize("left", ["0a1b2c3d4e5f_shop-web-1", "web-of-old", "tmp_shop-web-1"])
def test_of_two_containers_for_one_address_the_one_that_has_the_name_is_adopted(left: str, shop: InMemory) -> None:
    """A `docker compose up` that was cut off leaves the old one under another name, with the same labels."""
    raw = shop.engine.inspect("container", "shop-web-1")
    assert raw is not None
    shop.engine.create("container", left, {**raw["Config"], "HostConfig": raw["HostConfig"]})
    before = standing(shop)
    told = json.loads(typed(shop, "--yes", "--json").stdout)
    assert len(told["adopted"]) == 6
    assert raw["Id"] in {one["id"] for one in told["adopted"]}
    assert [note["message"] for note in told["notes"]] == [
        f"the container {left} stays as it is: web has 2 replicas in the playbook"
    ]
    assert standing(shop) == before


def test_what_is_not_to_be_adopted_ends_with_1(shop: InMemory) -> None:
    shop.engine._volumes["shop_data"]["Labels"] = {
        "provisioner.environment": "theirs", "provisioner.address": "volume.data", "provisioner.name": "shop_data",
    }  # fmt: skip
    before = shop.engine.state()
    for words in (["--check"], ["--yes"]):
        text = typed(shop, *words, code=1).stdout
        assert "the volume shop_data belongs to the environment theirs" in text
        assert "Nothing is adopted as it stands." in text
    told = json.loads(typed(shop, "--yes", "--json", code=1).stdout)
    assert (told["exit_code"], told["adopted"], len(told["refusals"])) == (1, [], 1)
    assert shop.engine.state() == before


def meanwhile(shop: InMemory, monkeypatch: pytest.MonkeyPatch, happens: Any) -> None:
    """Let something happen as soon as the lease is made."""
    create = shop.engine.create

    def creates(kind: str, name: str, *rest: Any, **named: Any) -> str:
        if name == "shop.lease":
            happens()
        return create(kind, name, *rest, **named)

    monkeypatch.setattr(shop.engine, "create", creates)


def test_what_vanishes_before_it_is_written_down_ends_with_76(shop: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = next(raw["Id"] for raw in shop.engine.state()["containers"].values() if raw["Name"] == "/shop-db-1")
    meanwhile(shop, monkeypatch, lambda: take_away(shop, gone))
    ended = typed(shop, "--yes", code=76)
    assert "service.db[1] is gone" in ended.stderr
    assert "nothing was adopted; look at the new plan and adopt again" in ended.stderr
    assert read_adoptions(shop.engine, "shop") == (0, ())
    assert "shop.lease" not in shop.containers
    # The next one goes on with what is there.
    monkeypatch.undo()


def test_a_ledger_that_can_not_be_written_leaves_nothing_adopted(
    shop: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = standing(shop)

    def refuse(*arguments: Any, **named: Any) -> None:
        raise EngineRefused("no space left on device", status=500)

    with monkeypatch.context() as patch:
        patch.setattr(shop.engine, "put_archive", refuse)
        for words in (["--yes"], ["--yes", "--json"]):
            assert "no space left on device" in typed(shop, *words, code=1).stderr
    assert standing(shop) == before
    assert read_adoptions(shop.engine, "shop") == (0, ())
    assert typed(shop, "--yes").stdout.endswith("shop: adopted=6 restarted=0\n")


def test_a_name_that_somebody_else_has_is_told(shop: InMemory) -> None:
    web = next(raw["Id"] for raw in shop.engine.state()["containers"].values() if raw["Name"] == "/shop-web-1")
    shop.engine.rename(web, "shop_web_1")
    shop.engine.create("container", "shop-web-1", {"Image": "app:1", "Cmd": ["run"], "Labels": {}})
    text = typed(shop, "--yes", code=1).stdout
    assert "shop_web_1 would be renamed to shop-web-1, and another one has that name" in text
    assert "--map service.web[1]=shop-web-1 adopts that one, or rename it" in text
    assert read_adoptions(shop.engine, "shop") == (0, ())


def test_an_external_object_needs_no_adoption(shop: InMemory) -> None:
    services = {**SHOP["services"], "db": service(volumes=["data:/data"], environment={"A": "1"})}
    shop.write({**SHOP, "services": services, "volumes": {"data": {"external": True, "name": "shop_data"}}})
    said = typed(shop, "--yes", "--map", "volume.data=shop_data", code=64).stderr
    assert "the file calls it external" in said
    told = json.loads(typed(shop, "--yes", "--json").stdout)
    assert "volume.data" not in {one["address"] for one in told["adopted"]}
    assert typed(shop, "--release", "--yes").stdout
    assert "shop_data" in shop.volumes


# What must not become anybody's --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bridge", "host", "none"])
def test_a_network_of_the_engine_itself_is_not_adopted(name: str, shop: InMemory) -> None:
    """Removing it would be refused for ever, and it is everybody's."""
    shop.write({**SHOP, "networks": {"front": {"name": name}}})
    refused = carry_out(["plan"], folder=shop.folder, environment={"HOME": str(shop.folder), "NO_COLOR": "1"})
    said = " ".join(refused.stderr.split())
    assert f"every engine has a network '{name}' of its own" in said
    assert "use that one with `external: true`" in said
    before = shop.engine.state()
    assert f"every engine has a network '{name}' of its own" in typed(shop, "--yes", code=65).stderr
    shop.write(SHOP)
    assert "of its own" in typed(shop, "--yes", "--map", f"network.front={name}", code=65).stderr
    assert shop.engine.state() == before


def test_an_address_has_one_object(shop: InMemory) -> None:
    """What was adopted, and what an apply made, stays the one of its address, whatever is mapped to that later."""
    typed(shop, "--yes")
    for kind, name in (("network", "other_net"), ("volume", "other_data"), ("container", "other-db")):
        body = {"Image": "app:1", "Cmd": ["run"]} if kind == "container" else {}
        shop.engine.create(kind, name, {**body, "Labels": {}})
    maps = {"network.front": "other_net", "volume.data": "other_data", "service.db": "other-db"}
    for _ in range(2):
        before = shop.engine.state()
        for address, name in maps.items():
            said = typed(shop, "--yes", "--map", f"{address}={name}", code=64).stderr
            assert f"={name}: {address}" in said.replace("[1]", "")
            assert " already" in said
        assert shop.engine.state() == before
        changed = {**SHOP["services"], "db": service(volumes=["data:/data"], environment={"A": "2"})}
        shop.write({**SHOP, "services": changed})
        assert shop.apply().exit_code == 0
    assert "Next: leave out the map; `provision adopt --release service.db[1]` lets go of what was adopted" in said
    # Mapped to what it is already, an address is left as it is.
    assert "Nothing to adopt" in typed(shop, "--yes", "--map", "volume.data=shop_data").stdout


def test_what_an_environment_remembers_by_is_no_container_of_a_service(shop: InMemory) -> None:
    typed(shop, "--yes")
    shop.write({**SHOP, "services": {**SHOP["services"], "new": service()}})
    text = typed(shop, "--yes", "--map", "service.new=shop.ledger", code=1).stdout
    assert "the container shop.ledger is what the environment shop remembers by" in text
