"""The lease and the revisions lie on the Swarm: one writer for all managers, history that all of them see."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

import docker
import pytest

from provisioner.engines.connect import Endpoint
from provisioner.engines.docker_api import connect
from provisioner.errors import EngineConflict, LeaseHeld
from provisioner.ledger import lease as leases
from provisioner.ledger.config_store import ConfigStore
from provisioner.ledger.lease import lease, left_behind
from tests.clock import Clock
from tests.swarm.environment import service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.engines.docker_api import DockerEngine
    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine


@pytest.fixture
def engine(environment: SwarmEnvironment) -> DockerEngine:
    return connect(Endpoint(environment.url, "test"))


def test_one_holder(environment: SwarmEnvironment, engine: DockerEngine) -> None:
    project = environment.project
    other = connect(Endpoint(environment.url, "another manager"))
    with lease(engine, project, "swarm", clock=Clock()):
        assert [one for one in environment.engine.api.containers(all=True) if project in str(one["Names"])] == []
        refused = pytest.raises(LeaseHeld, match="has been applying to this environment since")
        with refused, lease(other, project, "swarm", clock=Clock()):
            pass
    with lease(other, project, "swarm", clock=Clock()):
        pass
    assert environment.engine.api.configs() == []


def test_the_lock_is_told_of_and_taken_away(environment: SwarmEnvironment, engine: DockerEngine) -> None:
    """From a holder that lives only with --force; when that has returned, the holder changes nothing any more."""
    environment.services(web=service())
    free = environment.run("lock", "status", "--json")
    assert json.loads(free.stdout)["held"] is False
    assert environment.run("lock", "release", "--yes").code == 0
    with lease(engine, environment.project, "swarm", clock=Clock()) as held:
        told = json.loads(environment.run("lock", "status", "--json").stdout)
        assert (told["held"], told["alive"]) == (True, True)
        assert environment.run("apply", "--yes").code == 75
        assert environment.run("lock", "release", "--yes").code == 75
        taken = environment.run("lock", "release", "--yes", "--force", "--json")
        assert json.loads(taken.stdout)["released"] is True
        with pytest.raises(LeaseHeld):
            held.fence(engine).create("volume", f"{environment.project}_late", {})
    environment.apply()
    assert json.loads(environment.run("lock", "status", "--json").stdout)["held"] is False


def test_one_of_many_takes_it(environment: SwarmEnvironment) -> None:
    taken: list[str] = []
    refused: list[BaseException] = []

    def take(number: int) -> None:
        kept = ConfigStore(connect(Endpoint(environment.url, "test")), environment.project)
        try:
            taken.append(kept.take(json.dumps({"token": number})))
        except EngineConflict as error:
            refused.append(error)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refused)) == (1, 7)


def test_a_dead_holder_is_followed(environment: SwarmEnvironment, engine: DockerEngine) -> None:
    kept = ConfigStore(engine, environment.project)
    kept.take(json.dumps({"user": "a", "host": "b", "pid": 1, "machine": "another"}))
    clock = Clock()
    with lease(engine, environment.project, "swarm", clock=clock):
        assert clock.time >= leases.DEAD_AFTER_SECONDS


def test_a_living_holder_elsewhere_is_not(environment: SwarmEnvironment, engine: DockerEngine) -> None:
    kept = ConfigStore(engine, environment.project)
    identity = kept.take(json.dumps({"user": "a", "host": "b", "pid": 1, "machine": "another"}))

    class Beating(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            kept.beat(identity, str(int(self.time)))

    with pytest.raises(LeaseHeld, match="a@b"), lease(engine, environment.project, "swarm", clock=Beating()):
        pass


def test_the_holder_beats(environment: SwarmEnvironment, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.1)
    kept = ConfigStore(engine, environment.project)
    with lease(engine, environment.project, "swarm", clock=Clock()):
        standing = kept.holder()
        assert standing is not None
        environment.wait_until(lambda: int(kept.pulse(standing[0]).partition(" ")[0] or 0) >= 2)


def test_a_lease_of_a_killed_apply_is_cleared_away(environment: SwarmEnvironment, engine: DockerEngine) -> None:
    environment.services(web=service())
    environment.apply()
    environment.services(web=service(environment={"A": "1"}))
    assert environment.proxy is not None
    process: list[Any] = []
    environment.proxy.fail(2, before=lambda request: process[0].kill())
    process.append(environment.start("apply", "--yes"))
    process[0].communicate()
    environment.proxy.clear()
    assert left_behind(engine, environment.project)
    environment.apply()
    assert not left_behind(engine, environment.project)
    environment.require_inert()


def test_an_apply_elsewhere_is_named(environment: SwarmEnvironment, engine: DockerEngine) -> None:
    environment.services(web=service())
    with lease(engine, environment.project, "swarm", clock=Clock()):
        refused = environment.run("apply", "--yes", "--json")
    assert refused.code == 75, refused
    assert "has been applying to this environment since" in refused.text
    assert environment.engine.api.services(filters={"name": environment.project}) == []


def revisions(environment: SwarmEnvironment) -> Iterator[dict[str, Any]]:
    for raw in environment.engine.api.configs(filters={"label": f"provisioner.ledger={environment.project}"}):
        yield json.loads(base64.b64decode(raw["Spec"]["Data"]))


def test_revisions_are_configs_and_two_managers_agree(environment: SwarmEnvironment) -> None:
    for colour in ("blue", "green"):
        environment.services(web=service(environment={"COLOUR": colour}))
        environment.apply()
    assert sorted(one["number"] for one in revisions(environment)) == [1, 2]
    assert {one["mode"] for one in revisions(environment)} == {"swarm"}
    history = environment.run("history", "--json")
    assert history.code == 0, history
    # Drift is told from change by what was applied, wherever it was applied from.
    environment.update_by_hand("web", lambda spec: spec["Labels"].update(other="1"))
    [change] = environment.plan()["changes"]
    assert change["drift"] is True
    environment.destroy()
    assert sorted(one["number"] for one in revisions(environment) if "document" in one) == [1, 2]
    environment.services(web=service(environment={"COLOUR": "green"}))
    [change] = [one for one in environment.plan()["changes"] if one["address"] == "service.web"]
    assert (change["action"], change["drift"]) == ("create", False)
    environment.destroy("--volumes", "--history")
    assert list(revisions(environment)) == []


def test_a_large_revision(environment: SwarmEnvironment, engine: DockerEngine) -> None:
    kept = ConfigStore(engine, environment.project)
    large = json.dumps({"a": "x" * 3_000_000}).encode()
    for number in range(1, 5):
        kept.keep(number, large if number == 3 else b"{}", 3)
    assert sorted(len(content) for _, content in kept.entries()) == [2, 2, len(large)]
    kept.keep(4, b"{}", 3)
    kept.forget()
    assert list(kept.entries()) == []


def test_a_long_project_name(environment: SwarmEnvironment, engine: DockerEngine) -> None:
    project = environment.project + "-" + "x" * 70
    with lease(engine, project, "swarm", clock=Clock()):
        [config] = environment.engine.api.configs()
        assert len(config["Spec"]["Name"]) <= 64
    with contextlib.suppress(docker.errors.NotFound):
        environment.engine.api.remove_config(config["ID"])
