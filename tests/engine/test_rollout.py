"""Replacing what serves: the new one proves itself before the old one goes, and replicas go one after the other."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Environment, differences, service

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

CLIENT = """
import json, time, urllib.request
seen, failed, slow = {}, [], 0.0
end = time.monotonic() + 60
while time.monotonic() < end:
    began = time.monotonic()
    try:
        body = urllib.request.urlopen("http://web:8080/version", timeout=8).read().decode().strip()
        seen[body] = seen.get(body, 0) + 1
    except Exception as error:
        failed.append(repr(error))
    slow = max(slow, time.monotonic() - began)
    print(json.dumps({"seen": seen, "failed": failed, "slow": slow}), flush=True)
    time.sleep(0.02)
"""


def server(version: str, **more: Any) -> dict[str, Any]:
    """Says its version over HTTP, a while after it was started."""
    serve = f"mkdir /www && echo {version} > /www/version && sleep 1 && exec httpd -f -p 8080 -h /www"
    check = {"test": ["CMD", "wget", "-q", "-O-", "http://127.0.0.1:8080/version"], "interval": "0.2s", "retries": 100}
    return service(command=["sh", "-c", serve], healthcheck=check, update={"order": "start-first"}, **more)


@pytest.fixture
def client(environment: Environment) -> Iterator[Any]:
    """Asks for the version again and again, by the service's name, on its network."""
    environment.services(web=server("one"))
    environment.apply()
    container = environment.engine.containers.run(
        "python:3.12-slim", ["python", "-c", CLIENT], name=f"{environment.project}client", detach=True, init=True,
        network=f"{environment.project}_default",
    )  # fmt: skip
    yield container
    container.remove(force=True)


def _heard(client: Any) -> dict[str, Any]:
    lines = client.logs().splitlines()
    heard: dict[str, Any] = json.loads(lines[-1]) if lines else {"seen": {}, "failed": [], "slow": 0.0}
    return heard


def _wait_for(client: Any, version: str) -> dict[str, Any]:
    for _ in range(150):
        heard = _heard(client)
        if heard["seen"].get(version, 0) > 3:
            return heard
        time.sleep(0.1)
    raise AssertionError(f"{version} was never heard: {client.logs()[-500:]!r}")


def test_start_first_loses_no_request(environment: Environment, client: Any) -> None:
    _wait_for(client, "one")
    environment.services(web=server("two"))
    environment.apply()
    heard = _wait_for(client, "two")
    assert heard["failed"] == []
    environment.require_inert()


def test_one_that_never_becomes_healthy_costs_nothing(environment: Environment, client: Any) -> None:
    _wait_for(client, "one")
    before = environment.container("web-1").id
    broken = server("three")
    broken["healthcheck"] = {"test": ["CMD", "false"], "interval": "0.2s", "retries": 3}
    environment.services(web=broken)
    failed = environment.apply(code=3)
    assert "its health check fails" in failed.errors
    assert environment.container("web-1").id == before
    time.sleep(1)
    heard = _heard(client)
    assert heard["failed"] == []
    assert list(heard["seen"]) == ["one"], "the unhealthy one was asked"

    environment.services(web=server("four"))
    environment.apply()
    assert _wait_for(client, "four")["failed"] == []
    assert f"container {environment.project}-web-1.next" not in environment.objects()
    environment.require_inert()


def test_start_first_with_a_fixed_address_says_that_it_stops_first(environment: Environment) -> None:
    subnet = environment.subnets[0]
    address = subnet.replace(".0/", ".9/").partition("/")[0]

    def declared(version: str) -> dict[str, Any]:
        web = server(version, networks={"back": {"ipv4_address": address}})
        return {"services": {"web": web}, "networks": {"back": {"ipam": {"config": [{"subnet": subnet}]}}}}

    environment.write(declared("one"))
    environment.apply()
    environment.write(declared("two"))
    notes = environment.plan()["notes"]
    assert [note["path"] for note in notes] == ["service.web"]
    assert f"address {address}" in notes[0]["message"]
    environment.apply()
    environment.require_inert()


def test_replicas_are_replaced_one_after_the_other(environment: Environment) -> None:
    environment.services(web=service(deploy={"replicas": 3}))
    environment.apply()
    environment.services(web=service(deploy={"replicas": 3}, environment={"NEW": "1"}))
    applied = environment.apply()
    ends: dict[str, float] = {}
    starts: dict[str, float] = {}
    for line in applied.lines:
        if line["type"] == "finished" and line["verb"] == "wait":
            ends[line["address"]] = line["elapsed"]
        if line["type"] == "started" and line["verb"] == "stop":
            starts[line["address"]] = line["elapsed"]
    assert starts["service.web[2]"] >= ends["service.web[1]"]
    assert starts["service.web[3]"] >= ends["service.web[2]"]
    environment.require_inert()


def test_a_creation_that_fails_never_costs_the_running_one(environment: Environment) -> None:
    environment.services(web=service())
    environment.apply()
    before = environment.container("web-1")
    environment.services(web=service(volumes=[{"type": "bind", "source": "/nowhere/at/all", "target": "/x"}]))
    failed = environment.apply(code=1)
    assert "/nowhere/at/all" in failed.errors
    now = environment.container("web-1")
    assert (now.id, now.attrs["State"]["StartedAt"]) == (before.id, before.attrs["State"]["StartedAt"])
    environment.services(web=service())
    environment.apply()
    environment.require_inert()


def test_a_replacement_that_never_becomes_ready_is_taken_back(environment: Environment) -> None:
    """The old one serves all the time, nothing of the new one is left, and the exit code says so."""
    check = {"test": ["CMD", "test", "-e", "/ok"], "interval": "0.1s", "retries": 2}
    command = ["sh", "-c", "touch /ok; exec sleep 999"]
    healthy = service(command=command, healthcheck=check, update={"order": "start-first"})
    environment.services(web=healthy)
    environment.apply()
    before = environment.inventory()["container " + environment.container("web-1").name]

    environment.services(web={**healthy, "command": ["sh", "-c", "echo it breaks; exec sleep 999"]})
    outcome = environment.apply(code=3)

    assert "it breaks" in outcome.errors
    names = {name for name in environment.inventory() if name.startswith("container") and "web" in name}
    assert names == {f"container {environment.project}-web-1"}
    assert environment.inventory()[names.pop()] == before


def _webs(environment: Environment) -> dict[str, tuple[str, str]]:
    """The containers of the service: name to id and state."""
    found = {name: value for name, value in environment.inventory().items() if name.startswith("container")}
    return {name.rpartition("-web-")[2]: (value[0], value[3]) for name, value in found.items() if "-web-" in name}


def test_a_rollout_that_fails_goes_back_even_if_it_was_killed(environment: Environment) -> None:
    """One after the other is stopped first; what was stopped comes back, the others run all the time."""

    def declared(command: str, monitor: str = "20s") -> dict[str, Any]:
        return service(command=["sh", "-c", command], deploy={"replicas": 2}, update={"monitor": monitor})

    good = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
    environment.services(web=declared(good))
    environment.apply()
    before = _webs(environment)
    assert set(before) == {"1", "2"}

    environment.services(web=declared("sleep 4; echo it breaks; exit 3"))
    running = environment.start("apply", "--yes", "--json")
    seen: set[str] = set()
    while running.poll() is None:
        now = _webs(environment)
        assert now["2"] == before["2"]
        seen |= set(now)
    stdout, stderr = running.communicate()
    assert running.returncode == 3, stdout + stderr
    failed = json.loads(stdout.splitlines()[-1])["failures"]
    assert "it was ready, and then exited with code 3; it was taken back" in json.dumps(failed)
    assert "it breaks" in json.dumps(failed)
    assert "1.previous" in seen
    assert _webs(environment) == before
    assert ("service.web", "command") in differences(environment.plan())

    killed = environment.start("apply", "--yes", "--json")
    while "1.previous" not in _webs(environment) or "1" not in _webs(environment):
        assert killed.poll() is None
    killed.kill()
    killed.communicate()
    assert _webs(environment)["1.previous"][0] == before["1"][0]

    environment.services(web=declared(good + " # mended", monitor="1s"))
    environment.apply()
    assert set(_webs(environment)) == {"1", "2"}
    assert {state for _, state in _webs(environment).values()} == {"running"}
    environment.require_inert()
