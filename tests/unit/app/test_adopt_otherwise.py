"""Adopted with one file, and again with another: what runs as the new one says is taken anew, without a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import adopt as adopt_module
from provisioner.app.adopt import look
from provisioner.app.adopt_plan import AdoptionChoice
from provisioner.errors import PlanStale
from provisioner.ledger.adoptions import read_adoptions, with_adoptions
from provisioner.ledger.records import read_ledger
from provisioner.model.address import Address
from provisioner.render.adoption_json import adoption_json
from provisioner.render.adoption_text import adoption_text
from provisioner.render.plan_text import plan_text
from tests.unit.app.in_memory import InMemory, service
from tests.unit.app.test_adopt import brought_up, killed_after, let_go, run, standing, take_away
from tests.unit.app.test_adopt_again import CHOSEN, PLAIN

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.model.adoption import AdoptionPlan

WITH_TOKEN: dict[str, Any] = {
    "name": "shop",
    "services": {"web": service(environment={"API_TOKEN": {"secret": "api_token"}}), "other": service()},
    "secrets": {"api_token": {"allow_env": True}},
}


def set_token(shop: InMemory, value: str) -> None:
    path = shop.folder / ".env.local"
    path.write_text(f"API_TOKEN={value}\n")
    path.chmod(0o600)


def with_token(folder: Path, patch: pytest.MonkeyPatch, *, known: str = "wrong") -> InMemory:
    """A project whose token is `right`, adopted while the file's was another one."""
    services = {"web": service(environment={"API_TOKEN": "right"}), "other": service()}
    shop = brought_up({"name": "shop", "services": services}, folder, patch)
    set_token(shop, known)
    shop.write(WITH_TOKEN)
    result = run(shop)
    assert result.done
    told = "service.web has another value of the secret variable API_TOKEN"
    assert any(told in note.message for note in result.plan.notes) is (known != "right")
    return shop


def paths(shop: InMemory) -> set[str]:
    return {one.path for change in shop.plan().changes for one in change.differences}


def test_what_was_adopted_before_its_secret_was_right_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = with_token(tmp_path, monkeypatch)
    before = standing(shop)
    assert not read_ledger(shop.engine, "shop").last
    set_token(shop, "right")
    assert paths(shop) == {"environment.API_TOKEN.version"}
    result = run(shop)
    assert [one.address for one in result.plan.adopts] == ["service.web[1]"]
    text = adoption_text(result.plan)
    assert "= service.web[1]  adopted anew as it is: shop-web-1, of the Compose project shop" in text
    assert "no difference any more: environment.API_TOKEN.version" in text
    assert "right" not in text
    [row] = [row for row in adoption_json(result.plan)["objects"] if row["settled"]]  # type: ignore[union-attr,index,call-overload]
    assert row["settled"] == ["environment.API_TOKEN.version"]  # type: ignore[index,call-overload]
    assert result.revision == 1
    assert not shop.plan().changes, plan_text(shop.plan())
    assert not shop.drift().changes
    assert standing(shop) == before
    again = run(shop)
    assert (again.plan.adopts, again.done, again.plan.notes) == ((), False, ())
    assert let_go(shop) == 3


@pytest.mark.parametrize("where", ["config", "secret"])
def test_what_is_in_a_mounted_file_counts_and_not_what_the_record_says(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.txt"
    page.write_text("one")
    page.chmod(0o600)
    section = {f"{where}s": {"page": {"file": "./page.txt"}}}
    target = "/run/secrets/page" if where == "secret" else "/page"
    says = {"name": "shop", "services": {"web": service(**{f"{where}s": ["page"]})}, **section}
    shop = brought_up({"name": "shop", "services": {"web": service()}}, tmp_path, monkeypatch)
    read = shop.engine.read_files
    monkeypatch.setattr(
        shop.engine, "read_files", lambda one, path: {"page": b"two"} if path == target else read(one, path)
    )
    shop.write(says)
    assert run(shop).done
    assert shop.plan().changes
    before = standing(shop)
    page.write_text("two")
    # Of a config it is told at once what it has: its version is no secret.
    expected = ["service.web[1]"] if where == "secret" else []
    result = run(shop)
    assert [one.address for one in result.plan.adopts] == expected, adoption_text(result.plan)
    if expected:
        assert "no difference any more: secret.page" in adoption_text(result.plan)
    assert not shop.plan().changes
    assert standing(shop) == before
    assert run(shop).plan.changes_nothing
    # A third value is a change of the file, and what runs is not said to have it.
    page.write_text("three")
    assert not run(shop).plan.adopts
    assert shop.plan().changes


@pytest.mark.parametrize("path", CHOSEN)
def test_what_the_file_declares_no_longer_is_taken_as_it_runs(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a first adoption with that file: what nobody declares the engine has chosen."""
    shop = brought_up({**PLAIN, **CHOSEN[path]}, tmp_path, monkeypatch)
    run(shop)
    before = standing(shop)
    shop.write(PLAIN)
    assert any(one.startswith(path) for one in paths(shop))
    result = run(shop)
    assert len(result.plan.adopts) == 1, adoption_text(result.plan)
    assert not shop.plan().changes, plan_text(shop.plan())
    assert not run(shop).plan.adopts
    # Declared once more it is a difference to what is declared, as ever, if it is another one.
    shop.write({**PLAIN, **CHOSEN[path]})
    assert not shop.plan().changes, plan_text(shop.plan())
    assert standing(shop) == before


def test_what_is_another_than_the_file_says_is_left_to_the_next_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = with_token(tmp_path, monkeypatch)
    set_token(shop, "right")
    body = service(environment={"API_TOKEN": {"secret": "api_token"}, "A": "1"})
    shop.write({**WITH_TOKEN, "services": {"web": body, "other": service(environment={"B": "2"})}})
    ledger = read_adoptions(shop.engine, "shop")
    assert look(shop.request(), AdoptionChoice()).adopts
    assert read_adoptions(shop.engine, "shop") == ledger
    result = run(shop)
    assert [one.address for one in result.plan.adopts] == ["service.web[1]"]
    text = adoption_text(result.plan)
    assert "~ service.web[1]  adopted anew, and the next apply would replace it (environment changed): shop-w" in text
    assert "adopted already, and not as the file says: service.other[1]" in text
    assert paths(shop) == {"environment.A", "environment.B"}
    assert not run(shop).plan.adopts
    # What was adopted is what a rollback of the apply goes back to.
    assert result.revision
    assert shop.apply().exit_code == 0
    assert shop.rollback(result.revision).exit_code == 0
    [web] = [raw for raw in shop.engine.state()["containers"].values() if raw["Name"] == "/shop-web-1"]
    assert sorted(one for one in web["Config"]["Env"] if "=" in one) == ["API_TOKEN=right"]


def test_of_one_value_in_two_containers_only_the_one_that_has_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine is known to have the declared value, so that it would not be read; and here it is compared."""
    used = {"API_TOKEN": {"secret": "api_token"}}
    says = {**WITH_TOKEN, "services": {key: service(environment=used) for key in ("web", "other", "third")}}
    values = {"web": "right", "other": "other", "third": "right"}
    ran = {key: service(environment={"API_TOKEN": value}) for key, value in values.items()}
    shop = brought_up({"name": "shop", "services": ran}, tmp_path, monkeypatch)
    set_token(shop, "right")
    shop.write(says)
    assert run(shop, targets=(Address("service", "third"),)).done
    set_token(shop, "wrong")
    assert run(shop).done
    set_token(shop, "right")
    result = run(shop)
    assert [one.address for one in result.plan.adopts] == ["service.web[1]"]
    assert [str(one.address) for one in shop.plan().changes] == ["service.other"]
    assert run(shop).plan.changes_nothing


def test_what_is_new_and_what_is_taken_anew_is_one_adoption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = with_token(tmp_path, monkeypatch)
    assert let_go(shop, "service.other") == 1
    set_token(shop, "right")
    result = run(shop)
    assert sorted(one.address for one in result.plan.adopts) == ["service.other[1]", "service.web[1]"]
    assert not shop.plan().changes
    assert len(read_adoptions(shop.engine, "shop")[1]) == 3


def test_what_was_forced_once_is_taken_anew_without_another_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up({**PLAIN, **CHOSEN["shm_size"]}, tmp_path, monkeypatch)
    for raw in shop.engine._containers.values():
        raw["Config"]["Labels"]["com.docker.compose.project"] = "other"
    assert run(shop).plan.refusals
    assert run(shop, forced=frozenset({"other"})).done
    shop.write(PLAIN)
    result = run(shop)
    assert [one.former for one in result.plan.adopts] == ["the Compose project other"]
    assert result.done
    assert not shop.plan().changes


def test_the_name_before_the_first_adoption_stays_an_alias(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = brought_up({**PLAIN, **CHOSEN["shm_size"]}, tmp_path, monkeypatch)
    [web] = [raw for raw in shop.engine._containers.values() if raw["Name"] == "/shop-web-1"]
    shop.engine.rename(web["Id"], "shop-web-9")
    web["NetworkSettings"]["Networks"]["shop_default"]["Aliases"] = ["web", "shop-web-9"]
    web["Config"]["Labels"] |= {"com.docker.compose.container-number": "9", "com.docker.compose.service": "web"}
    run(shop)
    assert not shop.plan().changes, plan_text(shop.plan())
    shop.write(PLAIN)
    assert run(shop).plan.adopts
    assert not shop.plan().changes, plan_text(shop.plan())
    assert "shop-web-1" in shop.containers


def test_what_an_apply_made_is_not_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = with_token(tmp_path, monkeypatch)
    assert shop.apply().exit_code == 0
    set_token(shop, "right")
    result = run(shop)
    assert not result.plan.adopts
    assert not [note for note in result.plan.notes if "adopted already" in note.message]
    assert paths(shop) == {"environment.API_TOKEN.version"}


def test_what_can_not_be_compared_is_left_to_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows of which sources an image was built: to say it again would keep a change from ever being built."""
    playbook = {"name": "shop", "services": {"web": {**service(), "image": "web:1", "build": "context"}}}
    (tmp_path / "context").mkdir()
    dockerfile = tmp_path / "context" / "Dockerfile"
    dockerfile.write_text("FROM app:1\n")
    shop = brought_up(playbook, tmp_path, monkeypatch)
    live = shop.engine._images[shop.engine._tags["web:1"]]
    live["Config"]["Labels"] = {}
    assert run(shop).done
    dockerfile.write_text("FROM app:1\nLABEL new=1\n")
    again = run(shop)
    assert again.plan.changes_nothing
    [note] = [note for note in again.plan.notes if "adopted already" in note.message]
    assert note.message.endswith("in what can not be compared: image.web")
    assert "`provision adopt --release` and then `provision adopt`" in str(note.hint)
    assert shop.plan().changes
    let_go(shop)
    assert run(shop).done
    assert not shop.plan().changes


@pytest.mark.parametrize("after", range(6))
def test_killed_while_it_takes_anew_a_second_one_goes_on(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = with_token(tmp_path, monkeypatch)
    before = standing(shop)
    set_token(shop, "right")
    if not killed_after(shop, monkeypatch, after, {}):
        run(shop)
    assert not shop.plan().changes, plan_text(shop.plan())
    assert standing(shop) == before
    assert run(shop).plan.changes_nothing
    assert read_ledger(shop.engine, "shop").last.number == 1  # type: ignore[union-attr]


# The revision of an adoption that was killed ------------------------------------------------------------------------

RAN: dict[str, Any] = {"name": "shop", "services": {"web": service(environment={"A": "1"}), "same": service()}}
SAYS: dict[str, Any] = {"name": "shop", "services": {"web": service(environment={"A": "2"}), "same": service()}}


def kept(shop: InMemory) -> list[str]:
    """What each revision says of the variable."""
    return [one.document["services"]["web"]["environment"]["A"] for one in read_ledger(shop.engine, "shop").revisions]


@pytest.mark.parametrize("after", range(8))
@pytest.mark.parametrize("says", [RAN, SAYS], ids=["as it runs", "file says other"])
def test_wherever_it_was_killed_a_second_adoption_keeps_what_ran(
    says: dict[str, Any], after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = brought_up(RAN, tmp_path, monkeypatch)
    before = standing(shop)
    shop.write(says)
    killed_after(shop, monkeypatch, after, {})
    written = bool(read_adoptions(shop.engine, "shop")[1]) and not kept(shop)
    again = run(shop)
    assert again.plan.finishes == written
    if written:
        assert (again.done, again.revision, again.plan.adopts) == (True, 1, ())
        assert "Keeps the revision that an adoption which was interrupted did not keep." in adoption_text(again.plan)
    assert kept(shop) == ["1"]
    assert run(shop).plan.changes_nothing
    assert kept(shop) == ["1"]
    assert standing(shop) == before
    assert shop.apply().exit_code == 0
    if says is SAYS:
        assert shop.rollback().exit_code == 0
        assert kept(shop) == ["1", "2", "1"]
    assert not shop.drift().changes


def killed_before_the_revision(folder: Path, patch: pytest.MonkeyPatch) -> InMemory:
    shop = brought_up(RAN, folder, patch)
    shop.write(SAYS)
    with patch.context() as struck:
        struck.setattr(adopt_module, "record_revision", lambda *a, **b: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(shop)
    assert read_adoptions(shop.engine, "shop")[1]
    assert not kept(shop)
    return shop


def test_a_plan_says_that_the_revision_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = killed_before_the_revision(tmp_path, monkeypatch)
    [note] = [note for note in shop.plan().notes if "an adoption ended" in note.message]
    assert "an adoption ended before it kept what ran: a rollback could not undo this" in note.message
    assert "provision adopt" in str(note.hint)
    shop.write(RAN)
    assert not [note for note in shop.plan().notes if "an adoption ended" in note.message]
    shop.write(SAYS)
    run(shop)
    assert not [note for note in shop.plan().notes if "an adoption ended" in note.message]


@pytest.mark.parametrize("then", ["apply", "release", "gone", "target"])
def test_what_ran_is_not_kept_once_it_is_not_what_runs(
    then: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = killed_before_the_revision(tmp_path, monkeypatch)
    if then == "apply":
        shop.apply()
    elif then == "release":
        let_go(shop)
    elif then == "gone":
        take_away(shop, next(one for one, (name, _) in standing(shop).items() if name == "/shop-web-1"))
    else:
        assert not run(shop, targets=(Address("service", "web"),)).plan.finishes
        return
    assert not run(shop).plan.finishes


def test_a_revision_that_is_missing_is_no_reason_to_take_somebody_elses_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = killed_before_the_revision(tmp_path, monkeypatch)
    view = with_adoptions(shop.engine)
    ledger = read_ledger(view, "shop")
    assert (ledger.awaited, ledger.lacks_revision) == (1, True)
    declined = run(shop, approve=lambda plan: False)
    assert not declined.done
    assert not kept(shop)


# Between the question and the answer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("happens", ["gone", "changed", "released", "nothing"])
def test_what_happens_before_the_answer_keeps_it_from_being_taken_anew(
    happens: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = with_token(tmp_path, monkeypatch)
    set_token(shop, "right")
    [web] = [raw["Id"] for raw in shop.engine._containers.values() if raw["Name"] == "/shop-web-1"]

    def approve(plan: AdoptionPlan) -> bool:
        assert plan.adopts
        if happens == "gone":
            take_away(shop, web)
        elif happens == "changed":
            shop.engine._containers[web]["HostConfig"]["Memory"] = 1
        elif happens == "released":
            let_go(shop, "service.other")
        return True

    if happens == "nothing":
        assert run(shop, approve=approve).done
        return
    before = read_adoptions(shop.engine, "shop")
    with pytest.raises(PlanStale):
        run(shop, approve=approve)
    after = read_adoptions(shop.engine, "shop")
    assert after[0] == before[0] + (happens == "released")
    assert "shop.lease" not in shop.containers
