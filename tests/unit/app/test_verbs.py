"""`stop`, `start`, `restart`, `scale`, `create`, `rm`, `up`, `down`, and what plans say after them: in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import down as down_module
from provisioner.app import scale as scale_module
from provisioner.app import service_work as work_module
from provisioner.app import up as up_module
from provisioner.app.create import create
from provisioner.app.down import down
from provisioner.app.image_wishes import ImageWishes
from provisioner.app.remove import remove
from provisioner.app.restart import restart
from provisioner.app.scale import scale
from provisioner.app.signals import pause, unpause
from provisioner.app.start_stop import start, stop
from provisioner.app.up import UpOptions, up
from provisioner.errors import ProvisionError, Unsafe, UsageError
from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.plan import Policy
from tests.unit.app.in_memory import InMemory, Undisturbed, in_memory, service

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.model.report import StepResult

TOLD: dict[str, Any] = {"listener": lambda event: None, "interrupt": Undisturbed()}
AGREED: dict[str, Any] = {"approve": lambda plan: True, **TOLD}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    found = in_memory(tmp_path, monkeypatch)
    for module in (work_module, scale_module, up_module, down_module):
        monkeypatch.setattr(module, "open_engine", lambda request, choice: found.engine)
    found.write({"name": "shop", "services": {"db": service(), "web": service(depends_on=["db"])}})
    return found


def states(shop: InMemory) -> dict[str, str]:
    return {
        raw["Name"].lstrip("/"): raw["State"]["Status"]
        for raw in shop.engine.state()["containers"].values()
        if not raw["Name"].endswith((".ledger", ".lease"))
    }


def done(results: list[StepResult]) -> list[str]:
    assert [one.error for one in results if one.error] == []
    return [str(one.step.address) for one in results]


def stop_all(shop: InMemory, *services: str) -> list[str]:
    return done(list(stop(shop.request(), services, grace=None, **TOLD)))


def start_all(shop: InMemory, *services: str) -> list[str]:
    return done(list(start(shop.request(), services, wait_until_ready=False, timeout=0.0, **TOLD)))


def test_what_others_need_is_stopped_last_and_started_first(shop: InMemory) -> None:
    shop.apply()
    assert stop_all(shop) == ["service.web[1]", "service.db[1]"]
    assert states(shop) == {"shop-db-1": "exited", "shop-web-1": "exited"}
    assert start_all(shop) == ["service.db[1]", "service.web[1]"]
    assert shop.plan().changes == ()


def test_a_plan_says_that_it_was_on_purpose_and_an_apply_ends_it(shop: InMemory) -> None:
    shop.apply()
    stop_all(shop, "web")
    [change] = shop.plan().changes
    assert "stopped on purpose (since " in change.reason
    assert "stopped on purpose" in shop.drift().changes[0].reason
    assert any("stopped on purpose" in row.detail for row in shop.status().rows)
    assert shop.status().well
    assert shop.apply().exit_code == 0
    assert shop.plan().changes == ()
    shop.engine.stop(next(i for i, raw in shop.engine.state()["containers"].items() if raw["Name"] == "/shop-web-1"))
    assert "on purpose" not in shop.plan().changes[0].reason


def test_what_is_paused_on_purpose_is_well_and_an_apply_lets_it_go_on(shop: InMemory) -> None:
    shop.apply()
    done(list(pause(shop.request(), ("web",), **TOLD)))
    assert [row.purpose.partition(" (")[0] for row in shop.status().rows if row.address.name == "web"] == [
        "paused on purpose"
    ]
    assert shop.status().well
    [change] = shop.plan().changes
    assert change.reason.startswith("paused on purpose")
    assert change.reason.endswith("an apply lets it go on")
    assert shop.apply().exit_code == 0
    assert shop.plan().changes == ()
    # Nobody means the next one.
    shop.engine.pause(next(i for i, raw in shop.engine.state()["containers"].items() if raw["Name"] == "/shop-web-1"))
    assert not shop.status().well
    done(list(unpause(shop.request(), ("web",), **TOLD)))
    assert shop.status().well


def test_what_somebody_started_by_hand_is_not_said_to_be_stopped(shop: InMemory) -> None:
    shop.apply()
    stop_all(shop, "web")
    identity = next(i for i, raw in shop.engine.state()["containers"].items() if raw["Name"] == "/shop-web-1")
    shop.engine.start(identity)
    assert shop.plan().changes == ()
    shop.apply()
    shop.engine.stop(identity)
    assert "on purpose" not in shop.plan().changes[0].reason


def test_a_number_stays_until_the_file_says_another(shop: InMemory) -> None:
    shop.apply()
    assert scale(shop.request(), Policy(), {"web": 3}, dependencies=True, **AGREED).exit_code == 0
    assert len([name for name in states(shop) if "web" in name]) == 3
    plan = shop.plan()
    assert plan.changes == ()
    assert any(note.message.startswith("it has 3 replicas on purpose") for note in plan.notes)
    assert shop.drift().changes == ()
    assert any("3 replicas on purpose" in row.purpose for row in shop.status().rows)
    assert shop.apply().exit_code == 0
    assert shop.plan().changes == ()
    shop.apply(scale={"web": 1})
    assert len([name for name in states(shop) if "web" in name]) == 1
    assert shop.plan().changes == ()
    scale(shop.request(), Policy(), {"web": 3}, dependencies=False, **AGREED)
    assert len([name for name in states(shop) if "web" in name]) == 3
    scale(shop.request(), Policy(), {"web": 2}, dependencies=False, **AGREED)
    assert {name for name in states(shop) if "web" in name} == {"shop-web-1", "shop-web-2"}
    scale(shop.request(), Policy(), {"web": 3}, dependencies=False, **AGREED)
    shop.write({"name": "shop", "services": {"db": service(), "web": service(depends_on=["db"], scale=2)}})
    shop.apply()
    assert len([name for name in states(shop) if "web" in name]) == 2


def test_what_is_created_counts_as_stopped(shop: InMemory) -> None:
    assert create(shop.request(), UpOptions(), {}, **TOLD) == ["db", "web"]
    assert states(shop) == {"shop-db-1": "created", "shop-web-1": "created"}
    assert all("stopped on purpose" in one.reason for one in shop.plan().changes if one.address.kind == "service")
    assert create(shop.request(), UpOptions(), {}, **TOLD) == []
    start_all(shop)
    assert shop.plan().changes == ()


def test_what_is_there_stays_when_the_rest_is_created(shop: InMemory) -> None:
    shop.apply()
    before = set(shop.engine.state()["containers"])
    further = {"db": service(command=["other"], scale=2), "web": service(depends_on=["db"]), "x": service()}
    shop.write({"name": "shop", "services": further})
    assert create(shop.request(), UpOptions(), {}, **TOLD) == ["db", "x"]
    assert before <= set(shop.engine.state()["containers"])
    assert states(shop) == {
        "shop-db-1": "running", "shop-db-2": "created", "shop-web-1": "running", "shop-x-1": "created",
    }  # fmt: skip
    assert shop.apply().exit_code == 0
    assert shop.plan().changes == ()
    assert set(states(shop).values()) == {"running"}


def test_nothing_runs_before_what_is_created(shop: InMemory) -> None:
    first = service(pre_start=[{"command": ["true"], "image": "app:1"}])
    shop.write({"name": "shop", "services": {"web": first}})
    assert create(shop.request(), UpOptions(), {}, **TOLD) == ["web"]
    assert states(shop) == {"shop-web-1": "created"}


def test_so_many_are_created_as_is_said(shop: InMemory) -> None:
    assert create(shop.request(), UpOptions(("web",)), {"web": 2}, **TOLD) == ["db", "web"]
    assert {name: state for name, state in states(shop).items() if "web" in name} == {
        "shop-web-1": "created", "shop-web-2": "created",
    }  # fmt: skip


def test_only_what_does_not_run_is_removed(shop: InMemory) -> None:
    shop.apply()
    assert done(list(remove(shop.request(), (), stop_first=False, volumes=False, **TOLD))) == []
    stop_all(shop, "web")
    assert done(list(remove(shop.request(), (), stop_first=False, volumes=False, **TOLD))) == ["service.web[1]"]
    assert states(shop) == {"shop-db-1": "running"}
    assert [one.action for one in shop.plan().changes] == [Action.CREATE]


def test_a_restart_takes_those_along_that_ask_for_it(shop: InMemory) -> None:
    asks = {"db": {"condition": "service_started", "restart": True}}
    shop.write({"name": "shop", "services": {"db": service(), "web": service(depends_on=asks), "x": service()}})
    shop.apply()
    assert done(list(restart(shop.request(), ("db",), grace=None, dependents=True, **TOLD))) == [
        "service.db[1]", "service.web[1]",
    ]  # fmt: skip
    assert done(list(restart(shop.request(), ("db",), grace=None, dependents=False, **TOLD))) == ["service.db[1]"]


def test_up_and_down(shop: InMemory) -> None:
    assert up(shop.request(), Policy(), {}, UpOptions(("db",)), **AGREED).exit_code == 0
    assert states(shop) == {"shop-db-1": "running"}
    assert up(shop.request(), Policy(), {}, UpOptions(), **AGREED).exit_code == 0
    before = set(shop.engine.state()["containers"])
    assert up(shop.request(), Policy(), {}, UpOptions(), **AGREED).report is None
    assert up(shop.request(), Policy(), {}, UpOptions(("web",), alone=True, recreate=True), **AGREED).exit_code == 0
    assert len(before - set(shop.engine.state()["containers"])) == 1
    assert shop.plan().changes == ()
    stop_all(shop)
    assert down(shop.request(), Policy(), grace=1.0, images="", **AGREED).exit_code == 0
    assert states(shop) == {}
    assert not any("on purpose" in one.reason for one in shop.plan().changes)


def test_what_is_not_to_be_pulled_or_built_is_not(shop: InMemory) -> None:
    (shop.folder / "Dockerfile").write_text("FROM scratch\n")
    there, absent = service(), service(image="absent:1")
    for wrong, wishes, says in (
        (absent, ImageWishes(never_pull=True), "image.x would have to be pulled, and --pull never"),
        (service(image="own:1", build="."), ImageWishes(never_build=True), "would have to be built, and --no-build"),
    ):
        shop.write({"name": "shop", "services": {"web": there, "x": wrong}})
        with pytest.raises(ProvisionError, match=says):
            up(shop.request(), Policy(), {}, UpOptions(images=wishes), **AGREED)
        assert states(shop) == {}
    shop.write({"name": "shop", "services": {"web": there}})
    wishes = ImageWishes(never_build=True, never_pull=True)
    assert up(shop.request(), Policy(), {}, UpOptions(images=wishes), **AGREED).exit_code == 0
    assert states(shop) == {"shop-web-1": "running"}


def test_what_would_lose_data_is_refused(shop: InMemory) -> None:
    playbook = {"name": "shop", "services": {"web": service(volumes=["data:/data"])}, "volumes": {"data": {}}}
    shop.write(playbook)
    shop.apply()
    shop.write({**playbook, "volumes": {"data": {"driver_opts": {"type": "tmpfs"}}}})
    result = None
    try:
        result = up(shop.request(), Policy(), {}, UpOptions(), **AGREED)
    except Unsafe as refused:
        assert "without a question" in refused.message
    assert result is None or result.plan.refusals
    assert shop.volumes == {"shop_data"}


def test_what_is_made_anew_without_a_difference(shop: InMemory) -> None:
    lives_in = service(network_mode="service:db")
    shop.write({"name": "shop", "services": {"db": service(), "in": lives_in, "other": service()}})
    shop.apply()
    plan = shop.plan(made_anew=(Address("service", "db"),))
    assert {str(one.address.whole): one.action for one in plan.changes} == {
        "service.db": Action.REPLACE, "service.in": Action.REPLACE,
    }  # fmt: skip
    before = set(shop.engine.state()["containers"])
    assert shop.apply(made_anew=(Address("service", "db"),)).exit_code == 0
    assert len(before - set(shop.engine.state()["containers"])) == 2
    assert shop.plan().changes == ()
    with pytest.raises(UsageError, match="is no job"):
        shop.plan(rerun=(Address("service", "db"),))
    with pytest.raises(UsageError, match="is no service"):
        shop.plan(made_anew=(Address("volume", "db"),))


@pytest.mark.parametrize("when", ["once", "on_change"])
def test_a_job_that_is_done_runs_again_when_that_is_asked_for(shop: InMemory, when: str) -> None:
    shop.write({"name": "shop", "services": {"job": {"image": "app:1", "command": ["true"], "job": {"run": when}}}})
    shop.apply()
    before = set(shop.engine.state()["containers"])
    assert shop.plan().changes == ()
    job = Address("service", "job")
    assert [one.action for one in shop.plan(rerun=(job,)).changes] == [Action.REPLACE]
    assert shop.apply(rerun=(job,)).exit_code == 0
    assert "shop-job-1" in states(shop)
    assert len(before - set(shop.engine.state()["containers"])) == 1
    assert shop.plan().changes == ()


def test_an_unknown_service_is_said(shop: InMemory) -> None:
    for act in (lambda: stop_all(shop, "wep"), lambda: start_all(shop, "wep")):
        with pytest.raises(UsageError, match="no service is named 'wep'"):
            act()
