"""What a killed run asked the engine for, and what the engine makes only after the next run has looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker.types
import pytest

from tests.engine.environment import service

if TYPE_CHECKING:
    from tests.engine.environment import Environment
    from tests.recording_proxy import RecordedRequest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]


def _create(environment: Environment, path: str, body: dict[str, Any], query: dict[str, Any]) -> None:
    """What another run of the same environment made: the object itself, with the token of another operation."""
    api = environment.engine.api
    labels = {**body["Labels"], "provisioner.operation": "another"}
    answer = api.post(api._url(path), params=query, json={**body, "Labels": labels})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(("kind", "name"), [("network", "_default"), ("volume", "_data"), ("container", "-web-1")])
def test_an_object_of_its_own_that_came_after_the_plan_is_told_and_then_taken(
    environment: Environment, kind: str, name: str
) -> None:
    environment.write({"services": {"web": service(volumes=["data:/data"])}, "volumes": {"data": {}}})
    called = f"{environment.project}{name}"

    def of_this(request: RecordedRequest) -> bool:
        if request.method != "POST" or request.path != f"/{kind}s/create":
            return False
        return called in (request.query.get("name") or [request.json().get("Name")])

    def make(request: RecordedRequest) -> None:
        _create(environment, request.path, request.json(), request.query)

    assert environment.proxy is not None
    environment.proxy.fail(1, where=of_this, before=make)
    stopped = environment.run("apply", "--yes")
    assert stopped.code == 76, stopped
    assert f"the {kind} {called} was made meanwhile, by a run of this environment that was ended" in stopped.stdout
    environment.apply()
    assert environment.plan()["changes"] == []
    assert environment.apply().summary["changed"] == 0


def test_an_object_of_somebody_else_that_came_after_the_plan_is_left_alone(environment: Environment) -> None:
    environment.services(web=service())
    name = f"{environment.project}_default"

    def make(request: RecordedRequest) -> None:
        environment.engine.networks.create(name)

    assert environment.proxy is not None
    environment.proxy.fail(1, where=lambda request: request.path == "/networks/create", before=make)
    refused = environment.run("apply", "--yes")
    assert (refused.code, f"a network named {name} is there already" in refused.stdout) == (1, True), refused


def test_a_replacement_that_comes_while_the_engine_is_looked_at_is_seen(environment: Environment) -> None:
    environment.services(web=service())
    environment.apply()
    (web,) = environment.engine.containers.list(filters={"name": f"{environment.project}-web-1"})
    environment.services(web=service(environment={"A": "1"}))
    path = "/containers/json"

    def make(request: RecordedRequest) -> None:
        body = {"Image": web.attrs["Config"]["Image"], "Labels": web.labels}
        _create(environment, "/containers/create", body, {"name": f"{environment.project}-web-1.next"})

    assert environment.proxy is not None
    # The second list of a plan: that of all containers, which is asked for who holds what.
    environment.proxy.fail(
        1, where=lambda request: request.path == path and "filters" not in request.query, before=make
    )
    done = environment.run("apply", "--yes")
    assert done.code == 0, done
    names = {
        one.name
        for one in environment.engine.containers.list(all=True, ignore_removed=True)
        if environment.project in one.name
    }
    assert names == {f"{environment.project}-web-1", f"{environment.project}.ledger"}
    assert environment.plan()["changes"] == []


def test_a_network_that_comes_while_the_engine_is_looked_at_is_seen(environment: Environment) -> None:
    subnet = environment.subnets[0]
    environment.write({
        "services": {"web": service(networks=["back"])},
        "networks": {"back": {"ipam": {"config": [{"subnet": subnet}]}}},
    })  # fmt: skip
    environment.apply()
    network = environment.engine.networks.list(names=[f"{environment.project}_back"])[0]
    environment.run("destroy", "--yes")

    def make(request: RecordedRequest) -> None:
        ipam = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=subnet)])
        environment.engine.networks.create(network.name, driver="bridge", ipam=ipam, labels=network.attrs["Labels"])

    assert environment.proxy is not None
    # The second list of a plan: that of all networks, which is asked for who holds what.
    environment.proxy.fail(
        1, where=lambda request: request.path == "/networks" and not _of_a_project(request), before=make
    )
    done = environment.run("apply", "--yes")
    assert done.code == 0, done
    assert environment.plan()["changes"] == []


def _of_a_project(request: RecordedRequest) -> bool:
    return "provisioner.environment" in "".join(request.query.get("filters", ()))
