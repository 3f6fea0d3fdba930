"""Replacing what serves: the new one proves itself before the old one goes, and replicas go one after the other."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import docker
import pytest

from tests.engine.environment import Environment, differences, service
from tests.engine.serving import Client, asking, server
from tests.recording_proxy import RecordingProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine_in_container import Engines

pytestmark = pytest.mark.engine


@pytest.fixture
def client(environment: Environment) -> Iterator[Client]:
    """Asks for the version again and again, by the service's name, on its network."""
    play(environment, "one")
    environment.apply()
    with asking(environment) as client:
        client.wait_for("one")
        yield client


def play(environment: Environment, version: str, **more: Any) -> None:
    web = server("/version", configs=["version"], **more)
    environment.write({"services": {"web": web}, "configs": {"version": {"content": version}}})


def test_start_first_loses_no_request(environment: Environment, client: Client) -> None:
    for version in ("two", "three"):
        play(environment, version)
        environment.apply()
        client.wait_for(version)
    client.require_no_failure()
    environment.require_inert()


def test_one_that_never_becomes_healthy_costs_nothing(environment: Environment, client: Client) -> None:
    before = environment.container("web-1").id
    play(environment, "three", healthcheck={"test": ["CMD", "false"], "interval": "0.2s", "retries": 3})
    failed = environment.apply(code=3)
    assert "its health check fails" in failed.errors
    assert environment.container("web-1").id == before
    client.wait_for("one")
    client.require_no_failure()
    assert list(client.heard()[0]) == ["one"], "the unhealthy one was asked"

    play(environment, "four")
    environment.apply()
    client.wait_for("four")
    client.require_no_failure()
    assert f"container {environment.project}-web-1.next" not in environment.objects()
    environment.require_inert()


def test_start_first_with_a_fixed_address_says_that_it_stops_first(environment: Environment) -> None:
    subnet = environment.subnets[0]
    address = subnet.replace(".0/", ".9/").partition("/")[0]

    def declared(version: str) -> dict[str, Any]:
        networks = {"back": {"ipv4_address": address}}
        web = service(environment={"VERSION": version}, networks=networks, update={"order": "start-first"})
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


@pytest.mark.parametrize("parallelism", [1, 2])
def test_one_that_starts_first_keeps_the_address_that_it_had_when_it_started(
    environment: Environment, parallelism: int
) -> None:
    """Or the connections that it made before it was found under its name are dead, and who uses one waits for ever."""
    check = {"test": ["CMD", "test", "-e", "/tmp/up"], "interval": "1s"}
    # It is long in coming up, so that the one before it has stopped by then, and takes a moment to stop. Of two at a
    # time one is up when the other is not: their addresses follow each other.
    long = "sleep 2" if parallelism == 1 else "sleep $(( $(hostname -i | cut -d. -f4) % 2 * 3 ))"
    script = f"hostname -i >/tmp/at; trap 'sleep 0.5; exit 0' TERM; {long}; touch /tmp/up; while :; do sleep 0.1; done"
    web = service(
        command=["sh", "-c", script], healthcheck=check, deploy={"replicas": 3},
        update={"order": "start-first", "parallelism": parallelism},
    )  # fmt: skip
    environment.services(web=web)
    environment.apply()
    environment.services(web={**web, "environment": {"NEW": "1"}})
    environment.apply()
    addresses = []
    for number in (1, 2, 3):
        container = environment.container(f"web-{number}")
        (network,) = container.attrs["NetworkSettings"]["Networks"].values()
        addresses.append((network["IPAddress"], container.exec_run(["cat", "/tmp/at"])[1].decode().strip()))
    assert [now for now, _ in addresses] == [first for _, first in addresses]
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


@pytest.mark.parametrize("restart", ["always", "on-failure:5"])
def test_a_power_cut_does_not_run_what_was_set_aside(
    restart: str, engines: Engines, project: str, tmp_path: Path
) -> None:
    """The engine starts what may restart: never both that write to one volume. The way back is there all the same."""
    nested = engines.start("28.5")
    with (
        contextlib.closing(docker.DockerClient(base_url=nested.url, timeout=60)) as engine,
        contextlib.closing(RecordingProxy(nested.url)) as proxy,
    ):
        environment = Environment(tmp_path, project, engine, nested.url, proxy)

        def declare(version: str, monitor: str = "1s", **more: Any) -> None:
            web = service(
                restart=restart, volumes=["data:/data"], update={"monitor": monitor}, environment={"V": version}, **more
            )
            environment.write({"services": {"web": web}, "volumes": {"data": {}}})

        declare("one")
        environment.apply()
        first = environment.container("web-1").id
        declare("two", monitor="60s")
        killed = environment.start("apply", "--yes", "--json")
        while _webs(environment).get("1", ("", ""))[1] != "running" or "1.previous" not in _webs(environment):
            assert killed.poll() is None
        killed.kill()
        killed.communicate()
        nested.kill()
        nested.start()
        assert _webs(environment)["1.previous"] == (first, "exited")

        declare("three", healthcheck={"test": ["CMD", "false"], "interval": "0.1s", "retries": 2})
        environment.apply(code=3)
        back = environment.container("web-1")
        name, _, attempts = restart.partition(":")
        assert (back.id, back.status) == (first, "running")
        assert back.attrs["HostConfig"]["RestartPolicy"] == {"Name": name, "MaximumRetryCount": int(attempts or 0)}
        assert set(_webs(environment)) == {"1"}
        declare("one")
        environment.apply()
        assert environment.container("web-1").id == first
        environment.require_inert()
