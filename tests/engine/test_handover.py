"""Exclusive things pass from one service to another on a real engine: ports, names, addresses, subnets."""

from __future__ import annotations

import contextlib
import json
import socket
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Environment, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.environment import Outcome

pytestmark = pytest.mark.engine

# What does not heed SIGTERM serves until its grace is over.
GRACE = 2
DEAF = {
    "command": ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"],
    "stop_signal": "SIGTERM",
    "stop_grace_period": f"{GRACE}s",
}
BROKEN = {"healthcheck": {"test": ["CMD", "false"], "interval": "0.1s", "retries": 1}}


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def published(port: str, **more: Any) -> dict[str, Any]:
    return service(ports=[f"{port}:80"], **more)


def refused(environment: Environment, *arguments: str) -> list[dict[str, Any]]:
    outcome: Outcome = environment.run("plan", "--json", *arguments)
    refusals: list[dict[str, Any]] = json.loads(outcome.stdout)["refusals"]
    assert refusals, outcome
    return refusals


def moment(text: str) -> float:
    return datetime.fromisoformat(f"{text[:19]}+00:00").timestamp() + float(f"0.{text[20:26].rstrip('Z') or 0}")


@contextlib.contextmanager
def stranger(environment: Environment, name: str, **more: Any) -> Iterator[Any]:
    found = environment.engine.containers.run("busybox:1.36", "sleep infinity", name=name, detach=True, **more)
    try:
        yield found
    finally:
        found.remove(force=True)


def test_a_port_moves_away_from_one_that_is_slow_to_stop_and_back(environment: Environment) -> None:
    port = free_port()
    environment.services(api=published(port, **DEAF))
    environment.apply()
    environment.services(api=service(**DEAF), edge=published(port, depends_on=["api"]))
    environment.apply()
    environment.require_inert()
    environment.services(api=published(port, **DEAF))
    environment.apply("--prune")
    environment.require_inert("--prune")


def test_two_exchange_their_ports_and_are_down_no_longer_than_one_stop_takes(environment: Environment) -> None:
    one, two = free_port(), free_port()
    environment.services(api=published(one, **DEAF), web=published(two, **DEAF))
    environment.apply()
    # What is replaced is kept aside, stopped, until both are proven; a way back that is never needed is looked at here.
    environment.services(api=published(two, **DEAF), web=published(one, **DEAF, **BROKEN))
    before = {name: environment.container(f"{name}-1").id for name in ("api", "web")}
    environment.apply(code=3)
    old = {name: environment.container(f"{name}-1") for name in ("api", "web")}
    assert {name: one.id for name, one in old.items()} == before
    ended = [moment(one.attrs["State"]["FinishedAt"]) for one in old.values()]
    assert abs(ended[0] - ended[1]) < GRACE, "they stop together, not one after the other"

    environment.services(api=published(two, **DEAF), web=published(one, **DEAF))
    environment.apply()
    environment.require_inert()


@pytest.mark.parametrize(("before", "after"), [("api", "web"), ("web", "api")])
def test_a_renamed_service_takes_over_port_and_name_or_gives_them_back(
    environment: Environment, before: str, after: str
) -> None:
    name, port = f"{environment.project}-fixed", free_port()
    environment.write({"services": {before: published(port, container_name=name)}})
    environment.apply()
    served = environment.engine.containers.get(name).id

    environment.write({"services": {after: published(port, container_name=name)}})
    messages = [one["message"] for one in refused(environment)]
    assert messages == [
        f"{what} is held by service.{before}[1], which is no longer declared and kept"
        for what in (f"container name {name}", f"host port {port}")
    ]
    environment.write({"services": {after: published(port, container_name=name, **BROKEN)}})
    environment.apply("--prune", code=3)
    back = environment.engine.containers.get(name)
    assert (back.id, back.status) == (served, "running")

    environment.write({"services": {after: published(port, container_name=name)}})
    environment.apply("--prune")
    environment.require_inert("--prune")
    assert environment.engine.containers.get(name).id != served


def test_who_has_lost_its_name_to_one_that_stays_goes_on_instead_of_back(environment: Environment) -> None:
    """The one that has the name now fails, and stays: its old holder, and who lives in that, serve as declared."""
    name = f"{environment.project}-named"
    guest = service(network_mode="service:db")
    environment.services(db=service(container_name=name), web=guest)
    environment.apply()
    paused = service(container_name=name, update={"on_failure": "pause"}, **BROKEN)
    environment.services(db=service(environment={"A": "1"}), api=paused, web=guest)
    failed = environment.run("apply", "--yes", "--json")
    assert failed.code in (1, 3), failed
    assert "already in use" not in failed.stdout, failed
    db, web = environment.container("db-1"), environment.container("web-1")
    assert (db.status, web.status) == ("running", "running")
    assert "A=1" in db.attrs["Config"]["Env"]
    assert web.attrs["HostConfig"]["NetworkMode"] == f"container:{db.id}"
    environment.services(db=service(environment={"A": "1"}), api=service(container_name=name), web=guest)
    environment.apply()
    environment.require_inert()


def test_an_address_and_a_subnet_pass_to_another(environment: Environment) -> None:
    subnet, other = environment.subnets
    address = subnet.replace(".0/", ".2/").partition("/")[0]

    def declared(name: str, network: str = "lan", **services: Any) -> dict[str, Any]:
        fixed = service(networks={network: {"ipv4_address": address}})
        networks = {
            network: {"ipam": {"config": [{"subnet": subnet}]}},
            "more": {"ipam": {"config": [{"subnet": other}]}},
        }
        return {"services": {name: fixed, **services}, "networks": networks}

    environment.write(declared("web"))
    environment.apply()
    # The one that gives it up is given the next free address, which must not be that one.
    environment.write(declared("api", web=service(networks=["lan"])))
    environment.apply()
    environment.require_inert()
    environment.write(declared("edge", "wan"))
    assert any(f"subnet {subnet} is held by network.lan" in one["message"] for one in refused(environment))
    environment.apply("--prune")
    environment.require_inert("--prune")


def test_who_has_a_fixed_address_is_named(environment: Environment) -> None:
    subnet = environment.subnets[0]
    address = subnet.replace(".0/", ".2/").partition("/")[0]
    fixed = service(networks={"lan": {"ipv4_address": address}}, depends_on=["free"])
    environment.write({
        "services": {"free": service(networks=["lan"]), "fixed": fixed},
        "networks": {"lan": {"ipam": {"config": [{"subnet": subnet}]}}},
    })  # fmt: skip
    failed = environment.apply(code=1)
    assert f"address {address} on network {environment.project}_lan is held by service.free[1]" in failed.errors
    assert "ip_range" in failed.errors
    (found,) = refused(environment)
    assert found["message"] == f"address {address} on network {environment.project}_lan is held by service.free[1]"


def test_a_stranger_that_has_the_port_is_named_before_anything_is_done(environment: Environment) -> None:
    port = free_port()
    host, _, number = port.rpartition(":")
    name = f"{environment.project}x-other"
    environment.services(web=published(port))
    with stranger(environment, name, ports={"80/tcp": (host, int(number))}):
        (found,) = refused(environment)
        assert found["message"] == f"host port {port} is held by container {name}"
    environment.apply()
