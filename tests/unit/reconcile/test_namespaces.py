"""Living in the namespaces of others: made anew, restarted, gone; of services and of containers outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.engines.memory import MemoryEngine
from provisioner.model.change import Action, Change
from provisioner.model.plan import Verb
from provisioner.reconcile.namespaces import instant
from tests.property.environments import Wanted, converge, planned
from tests.unit.app.in_memory import in_memory, service

if TYPE_CHECKING:
    from pathlib import Path

OUTER = "outer"


def wanted(**services: dict[str, Any]) -> Wanted:
    return Wanted({"name": "laws", "services": {key: {"image": "app:1", **body} for key, body in services.items()}})


def engine(*outer: str) -> MemoryEngine:
    found = MemoryEngine()
    found.add_image("app:1", {"Cmd": ["run"]})
    for name in outer:
        found.start(found.create("container", name, {"Image": "app:1"}))
    return found


def changes(at: MemoryEngine, what: Wanted) -> dict[str, Change]:
    found = planned(at, what.lower()).details
    return {str(one.address): one for one in found if one.action is not Action.UNCHANGED}


def remove(at: MemoryEngine, name: str) -> None:
    raw = at.inspect("container", name)
    assert raw is not None
    at.stop(raw["Id"])
    at.remove("container", raw["Id"])


@pytest.mark.parametrize("key", ["network_mode", "pid", "ipc"])
def test_a_container_outside_is_known_by_its_id(key: str) -> None:
    at, what = engine(OUTER), wanted(one={key: f"container:{OUTER}"})
    assert converge(at, what).failures == ()
    assert changes(at, what) == {}

    remove(at, OUTER)
    at.start(at.create("container", OUTER, {"Image": "app:1"}))
    [anew] = changes(at, what).values()
    assert (anew.action, anew.reason) == (Action.REPLACE, "outer is another container now")
    assert anew.differences[0].after == f"container:{OUTER}"
    converge(at, what)
    assert changes(at, what) == {}


@pytest.mark.parametrize("key", ["network_mode", "pid", "ipc"])
def test_one_that_does_not_exist_is_refused(key: str) -> None:
    [refusal] = planned(engine(), wanted(one={key: f"container:{OUTER}"}).lower()).refusals
    assert "the container outer" in refusal.message
    assert key in refusal.message


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_what_goes_needs_none(*, gone: bool, own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment is destroyed whether the container is there or not, and whoever it is."""
    shop = in_memory(tmp_path, monkeypatch)
    services = {"host": service(container_name=OUTER), "guest": service()} if own else {"guest": service()}
    if not own:
        shop.engine.start(shop.engine.create("container", OUTER, {"Image": "app:1"}))
    shop.write({"name": "shop", "services": services})
    assert shop.apply().exit_code == 0
    services["guest"] = service(pid=f"container:{OUTER}")
    shop.write({"name": "shop", "services": services})
    assert shop.apply().exit_code == 0
    if gone:
        remove(shop.engine, OUTER)
    assert shop.destroy().exit_code == 0
    assert "shop-guest-1" not in shop.containers


def test_another_container_is_a_change_of_the_file() -> None:
    at = engine(OUTER, "other")
    converge(at, wanted(one={"network_mode": f"container:{OUTER}"}))
    moved = wanted(one={"network_mode": "container:other"})
    assert [one.action for one in changes(at, moved).values()] == [Action.REPLACE]
    converge(at, moved)
    assert changes(at, moved) == {}


def test_a_container_of_ours_may_be_said_by_its_name() -> None:
    at = engine()
    both = {"host": {"container_name": "mine"}, "guest": {}}
    converge(at, wanted(**both))
    named = wanted(**both | {"guest": {"network_mode": "container:mine"}})
    converge(at, named)
    assert changes(at, named) == {}


@pytest.mark.parametrize(("key", "what"), [("network_mode", "network"), ("ipc", "shared memory")])
@pytest.mark.parametrize("outside", [False, True])
def test_what_is_lost_with_a_restart_is_seen_and_joined_again(key: str, what: str, *, outside: bool) -> None:
    at = engine(OUTER)
    host = f"container:{OUTER}" if outside else "service:host"
    guest = {key: host} | ({} if outside else {"depends_on": {"host": {"condition": "service_started"}}})
    playbook = wanted(host={}, guest=guest)
    converge(at, playbook)
    assert changes(at, playbook) == {}

    raw = at.inspect("container", OUTER if outside else "laws-host-1")
    assert raw is not None
    at.restart(raw["Id"])
    found = changes(at, playbook)
    assert list(found) == ["service.guest[1]"]
    assert found["service.guest[1]"].reason == f"its {what} is gone with the restart of {host.partition(':')[2]}"
    report = converge(at, playbook)
    assert [one.step.verb for one in report.results] == [Verb.RESTART, Verb.WAIT]
    assert changes(at, playbook) == {}


def test_what_is_mended_while_its_host_is_restarted_is_restarted_too() -> None:
    at = engine()
    guest = {"network_mode": "service:host", "depends_on": {"host": {"condition": "service_started", "restart": True}}}
    converge(at, wanted(host={}, guest={**guest, "mem_limit": "67108864"}))
    raw = at.inspect("container", "laws-host-1")
    assert raw is not None
    at.stop(raw["Id"])
    after = wanted(host={}, guest={**guest, "mem_limit": "134217728"})
    assert converge(at, after).failures == ()
    assert changes(at, after) == {}


def test_times_are_compared_by_what_they_mean() -> None:
    assert instant("2024-01-01T00:00:00.1Z") < instant("2024-01-01T00:00:00.12Z")
    assert instant("2024-01-01T00:00:00Z") < instant("2024-01-01T00:00:00.000000001Z")
    assert instant("2024-01-01T00:00:00.5Z") == instant("2024-01-01T00:00:00.500Z")
