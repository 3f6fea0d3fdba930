"""What the ledger keeps of applies: which revisions are good, what failed, and where a rollback goes."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import history as history_module
from provisioner.app import verify as verify_module
from provisioner.app.git_commit import git_commit
from provisioner.app.rollback import find_target
from provisioner.cli.target import two_numbers
from provisioner.errors import ProvisionError, UsageError
from provisioner.ledger.records import read_ledger
from provisioner.ledger.store import store
from provisioner.model.address import Address
from provisioner.model.verification import CheckResult
from provisioner.render.history_json import comparison_json, history_json
from provisioner.render.history_text import comparison_text, entry_text, history_text
from tests.unit.app.in_memory import InMemory, in_memory, service

if TYPE_CHECKING:
    from pathlib import Path

CHECK = {"name": "page", "tcp": {"to": "web:80"}}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    return in_memory(tmp_path, monkeypatch)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The colours whose checks do not hold."""
    colours: set[str] = set()

    def run(playbook: Any, engine: Any, checks: Any) -> tuple[CheckResult, ...]:
        colour = playbook.services["web"].body.get("environment", "COLOUR").value
        return (CheckResult("page", colour not in colours, "", 0.0, 1),)

    monkeypatch.setattr(verify_module, "run_checks", run)
    return colours


def release(shop: InMemory, colour: str, *, code: int = 0, image: str = "app:1", touch: bool = False) -> None:
    """Apply a release; `touch` removes its container first, so that the apply has something to do."""
    if touch:
        for raw in [*shop.engine.state()["containers"].values()]:
            if raw["Name"] == "/shop-web-1":
                shop.engine.stop(raw["Id"])
                shop.engine.remove("container", raw["Id"])
    web = service(environment={"COLOUR": colour}, image=image)
    shop.write({"name": "shop", "services": {"web": web}, "verify": [CHECK]})
    assert shop.apply(verify=True).exit_code == code


def target(shop: InMemory) -> int:
    return find_target(shop.request(), None).revision.number


def lines(shop: InMemory) -> list[str]:
    found = shop.history()
    return history_text(found.title, found.entries, found.failures, found.destroys, found.parts).splitlines()[2:]


@pytest.mark.usefixtures("failing")
def test_without_a_number_to_the_last_that_declares_something_else(shop: InMemory) -> None:
    release(shop, "red")
    release(shop, "blue")
    assert target(shop) == 1
    release(shop, "blue", touch=True)
    assert [one.revision.number for one in shop.history().entries] == [3, 2, 1]
    assert target(shop) == 1, "revision 2 is what there is"
    assert shop.rollback().exit_code == 0
    with pytest.raises(ProvisionError, match="no earlier revision"):
        target(shop)


def test_a_release_whose_checks_failed_is_marked_and_not_gone_to(shop: InMemory, failing: set[str]) -> None:
    failing.add("bad")
    release(shop, "red")
    release(shop, "bad", code=1)
    assert target(shop) == 1
    release(shop, "bad", code=1)
    release(shop, "bad", code=1, touch=True)
    assert target(shop) == 1, "applied again, it is as bad as before"
    release(shop, "green")
    assert target(shop) == 1
    assert sum("checks failed (page)" in line for line in lines(shop)) == 2
    assert shop.plan().changes == ()


def test_checks_that_hold_now_make_it_good(shop: InMemory, failing: set[str]) -> None:
    failing.add("blue")
    release(shop, "red")
    release(shop, "blue", code=1)
    failing.clear()
    release(shop, "blue")
    release(shop, "green")
    assert target(shop) == 2
    assert not any("checks failed" in line for line in lines(shop))


@pytest.mark.usefixtures("failing")
def test_after_an_apply_that_failed_to_the_last_good_one(shop: InMemory) -> None:
    release(shop, "red")
    release(shop, "blue")
    release(shop, "green", image="missing:1", code=1)
    assert target(shop) == 2
    [failed] = shop.history().failures
    assert failed.outcome == "failed"
    assert "can not be pulled" in failed.failures[0][1]
    assert any(" failed; image.web: image missing:1 can not be pulled" in line for line in lines(shop))
    assert shop.rollback().exit_code == 0
    assert shop.history().entries[0].revision.number == 3
    assert target(shop) == 1, "the failure is over"
    document = history_json("shop", shop.history().entries, shop.history().failures)
    assert json.loads(json.dumps(document))["failures"][0]["failures"][0]["address"] == "image.web"


@pytest.mark.usefixtures("failing")
def test_after_a_failure_the_same_release_again_ends_it(shop: InMemory) -> None:
    release(shop, "red")
    release(shop, "blue")
    release(shop, "green", image="missing:1", code=1)
    release(shop, "blue")
    assert target(shop) == 1
    shop.engine.calls.clear()
    release(shop, "blue")
    assert shop.engine.calls == []


@pytest.mark.usefixtures("failing")
def test_after_a_destroy_to_the_last_good_one(shop: InMemory) -> None:
    release(shop, "red")
    release(shop, "blue")
    shop.destroy()
    assert target(shop) == 2
    assert any("destroyed" in line for line in lines(shop))


def in_two(shop: InMemory, web: str, db: str) -> None:
    services = {"web": service(environment={"COLOUR": web}), "db": service(environment={"COLOUR": db})}
    shop.write({"name": "shop", "services": services})


WEB, DB = (Address("service", name) for name in ("web", "db"))


def colour_of(shop: InMemory, name: str) -> str:
    [raw] = [raw for raw in shop.engine.state()["containers"].values() if raw["Name"] == f"/{name}"]
    return next(str(line) for line in raw["Config"]["Env"] if line.startswith("COLOUR="))[len("COLOUR=") :]


@pytest.mark.parametrize("releases", [1, 2])
def test_after_an_apply_of_a_part_to_the_last_whole_one(shop: InMemory, releases: int) -> None:
    for colour in ("red", "blue")[-releases:]:
        in_two(shop, colour, colour)
        shop.apply()
    in_two(shop, "green", "green")
    shop.apply(targets=(WEB,))
    assert (colour_of(shop, "shop-web-1"), colour_of(shop, "shop-db-1")) == ("green", "blue")
    assert target(shop) == releases
    assert " a part only: service.web" in lines(shop)[0]
    found = shop.history()
    assert [list(part.addresses) for part in found.parts] == [["service.web"]]
    assert history_json("shop", found.entries, parts=found.parts)["parts"][0]["addresses"] == ["service.web"]  # type: ignore[call-overload, index]
    shop.apply(targets=(DB,))
    assert target(shop) == releases, "part by part it is all of it, and no revision"
    assert shop.rollback().exit_code == 0
    assert {colour_of(shop, f"shop-{name}-1") for name in ("web", "db")} == {"blue"}
    if releases == 2:
        assert target(shop) == 1, "the part is taken back, and the next one goes further"


def test_a_part_that_is_as_the_last_revision_says_is_none(shop: InMemory) -> None:
    for colour in ("red", "blue"):
        in_two(shop, colour, colour)
        shop.apply()
    for identity in [raw["Id"] for raw in shop.engine.state()["containers"].values() if raw["Name"] == "/shop-web-1"]:
        shop.engine.stop(identity)
        shop.engine.remove("container", identity)
    assert shop.apply(targets=(WEB,)).exit_code == 0
    assert "shop-web-1" in shop.containers
    assert shop.history().parts == ()
    assert target(shop) == 1


def test_after_a_part_the_same_release_again_is_a_revision(shop: InMemory) -> None:
    for colour in ("red", "blue"):
        in_two(shop, colour, colour)
        shop.apply()
    in_two(shop, "green", "blue")
    shop.apply(targets=(WEB,))
    shop.apply()
    assert target(shop) == 2
    shop.engine.calls.clear()
    shop.apply()
    assert shop.engine.calls == []


def test_a_scale_is_told(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply()
    assert shop.apply(scale={"web": 3}).exit_code == 0
    newest = shop.history().entries[0]
    assert [(str(c.address), [d.path for d in c.differences]) for c in newest.changes] == [
        ("service.web", ["replicas"])
    ]
    assert "service.web (replicas)" in lines(shop)[0]
    assert shop.drift().changes == ()
    assert [str(note) for note in shop.drift().notes] == []
    shop.rollback()
    assert shop.containers == {"shop-web-1", "shop.ledger"}
    shop.rollback(2)
    assert "shop-web-3" in shop.containers, "a rollback brings the scale back"


@pytest.mark.usefixtures("failing")
def test_two_revisions_field_by_field(shop: InMemory) -> None:
    for colour in ("red", "blue", "green"):
        release(shop, colour)
    found = history_module.compare_revisions(shop.request(), 1, None)
    assert (found.before.number, found.after.number) == (1, 3)
    text = comparison_text(found)
    assert "revision 1 → 3" in text
    assert "environment.COLOUR  red → green" in text
    document = comparison_json(found)
    [change] = document["changes"]  # type: ignore[misc]
    assert change["differences"][0]["after"] == "green"  # type: ignore[index, call-overload]
    back = history_module.compare_revisions(shop.request(), 3, 2)
    assert "environment.COLOUR  green → blue" in comparison_text(back)
    same = history_module.compare_revisions(shop.request(), 2, 2)
    assert "Nothing in what is declared differs." in comparison_text(same)


def test_the_numbers_of_two_revisions() -> None:
    assert two_numbers(("1", "3")) == (None, 1, 3)
    assert two_numbers(("shop/prod", "1")) == ("shop/prod", 1, None)
    assert two_numbers(("shop/prod", "1", "3")) == ("shop/prod", 1, 3)
    for wrong in ((), ("shop",), ("a", "b", "1"), ("1", "2", "3")):
        if wrong == ("1", "2", "3"):
            assert two_numbers(wrong) == ("1", 2, 3)
            continue
        with pytest.raises(UsageError, match="numbers of two revisions"):
            two_numbers(wrong)


@pytest.mark.usefixtures("failing")
def test_the_git_commit_is_kept(shop: InMemory) -> None:
    assert git_commit(str(shop.folder)) == ""

    def git(*words: str) -> str:
        named = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *named, *words], cwd=shop.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    shop.write({"name": "shop", "services": {"web": service(environment={"COLOUR": "red"})}})
    git("init", "-q")
    git("add", "compose.yaml")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD")
    assert git_commit(str(shop.folder)) == commit
    shop.apply()
    release(shop, "blue")
    newest, oldest = shop.history().entries
    assert (newest.revision.commit, oldest.revision.commit) == (f"{commit}-dirty", commit)
    assert f"commit   {commit}-dirty" in entry_text("shop", newest)
    assert "COMMIT" in history_text("shop", shop.history().entries)
    shop.rollback(1)
    assert shop.history().entries[0].revision.commit == commit, "that of the revision that was gone back to"


def test_ledgers_of_earlier_versions_are_read(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"db": service(volumes=["pg:/d"])}, "volumes": {"pg": {"protect": True}}})
    shop.apply()
    ledger = read_ledger(shop.engine, "shop")
    last = ledger.last
    assert last is not None
    old = {
        "number": 1, "applied_at": last.applied_at, "applied_by": "me", "name": "shop", "environment": None,
        "directory": last.directory, "document": last.document, "inputs": last.inputs, "mode": "containers",
        "containers": last.containers, "files": {}, "a key of a later version": 7,
    }  # fmt: skip
    store(shop.engine, "shop", "containers").keep(1, json.dumps(old).encode(), 20)
    store(shop.engine, "shop", "containers").keep(2, b"{torn", 20)
    again = read_ledger(shop.engine, "shop")
    assert again.last is not None
    assert (len(again.revisions), again.last.volumes, again.last.converged, again.last.commit) == (1, None, True, "")
    assert again.guards == {"shop_pg": True}
    assert shop.plan().changes == ()
    shop.engine.calls.clear()
    assert shop.apply().exit_code == 0
    assert shop.engine.calls == [], "nothing is kept anew because of the version"
    shop.write({"name": "shop", "services": {"web": service()}})
    assert shop.destroy(volumes=True, volume_names=("shop_pg",)).exit_code == 1
