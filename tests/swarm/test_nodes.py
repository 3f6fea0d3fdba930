"""A Swarm of three nodes, each an engine in a container: placement, and a node that dies during an apply."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from typing import TYPE_CHECKING

import docker
import pytest

from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines, form_swarm
from tests.recording_proxy import RecordingProxy
from tests.swarm.conftest import IMAGES
from tests.swarm.environment import SwarmEnvironment, service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine_in_container import EngineInContainer

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.nodes]

NODES = 3


@pytest.fixture
def cluster(engine_url: str) -> Iterator[tuple[list[EngineInContainer], str]]:
    """Three engines in one Swarm, the first its manager; and the address of a registry that they push to."""
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as outer:
        project = f"pt-{secrets.token_hex(4)}"
        try:
            with contextlib.closing(Engines(outer, project)) as engines:
                registry = engines.start_registry()
                started = [engines.start("28.5") for _ in range(NODES)]
                form_swarm(started)
                for node in started:
                    with contextlib.closing(docker.DockerClient(base_url=node.url, timeout=120)) as client:
                        for image in IMAGES:
                            client.images.pull(image)
                yield started, registry
        finally:
            remove_project(outer, project)


@pytest.fixture
def nodes(cluster: tuple[list[EngineInContainer], str]) -> list[EngineInContainer]:
    return cluster[0]


@pytest.fixture
def environment(tmp_path: Path, nodes: list[EngineInContainer]) -> Iterator[SwarmEnvironment]:
    url = nodes[0].url
    with (
        contextlib.closing(docker.DockerClient(base_url=url, timeout=120)) as client,
        contextlib.closing(RecordingProxy(url)) as proxy,
    ):
        made = SwarmEnvironment(tmp_path, f"pt-{secrets.token_hex(4)}", client, url, proxy)
        made.wait_until(lambda: [one.attrs["Status"]["State"] for one in client.nodes.list()] == ["ready"] * NODES)
        yield made


def hosts(environment: SwarmEnvironment, name: str) -> list[str]:
    """The nodes on which the tasks of a service are to run, by their host names."""
    known = {one.id: one.attrs for one in environment.engine.nodes.list()}
    return sorted(known[task["NodeID"]]["Description"]["Hostname"] for task in environment.tasks(name)
                  if task["DesiredState"] == "running")  # fmt: skip


def test_three_nodes(environment: SwarmEnvironment, cluster: tuple[list[EngineInContainer], str]) -> None:
    nodes, registry = cluster
    [labelled] = [one for one in environment.engine.nodes.list()
                  if one.attrs["Description"]["Hostname"] == nodes[2].container.id[:12]]  # fmt: skip
    labelled.update({"Role": "worker", "Availability": "active", "Labels": {"disk": "fast"}})
    environment.write("s3cret\n", "content.txt")
    environment.write({
        "services": {
            "spread": service(deploy={"replicas": 3, "placement": {"max_replicas_per_node": 1}}),
            "pinned": service(deploy={"placement": {"constraints": ["node.labels.disk == fast"]}},
                              secrets=["content"], volumes=["data:/data"]),
            "everywhere": service(deploy={"mode": "global"}),
        },
        "secrets": {"content": {"file": "./content.txt"}},
        "volumes": {"data": {}},
    })  # fmt: skip
    environment.apply()
    environment.require_inert()
    names = sorted(node.container.id[:12] for node in nodes)
    assert hosts(environment, "spread") == names
    assert hosts(environment, "everywhere") == names
    assert hosts(environment, "pinned") == [nodes[2].container.id[:12]]

    # An image that is built does not get to the others by itself: told, and nothing is touched.
    before = environment.inventory()
    environment.write("FROM busybox:1.36\nENV RELEASE=1\n", "Dockerfile")
    reference = f"{registry}/{environment.project}-built:1"
    built = service(image=reference, build=".", deploy={"replicas": 3, "placement": {"max_replicas_per_node": 1}})
    environment.services(built=built)
    refused = environment.run("apply", "--yes", "--json")
    assert refused.code == 1, refused
    assert f"{reference} is to be built on {nodes[0].container.id[:12]}" in refused.text
    assert environment.inventory() == before
    pushed = environment.run("build", "--push", "--json")
    assert pushed.code == 0, pushed
    digest = json.loads(pushed.stdout)[-1]["digest"]
    environment.apply("--prune")
    environment.require_inert()
    assert hosts(environment, "built") == names
    container = environment.service("built")["Spec"]["TaskTemplate"]["ContainerSpec"]
    assert container["Image"] == f"{reference}@{digest}"

    # A fourth replica has no room: told, and nothing is touched.
    environment.write({"services": {
        "spread": service(deploy={"replicas": 4, "placement": {"max_replicas_per_node": 1}}),
    }})  # fmt: skip
    refused = environment.run("apply", "--yes", "--json")
    assert refused.code == 1, refused
    assert "4 replicas have no room: 3 nodes can run it, each at most 1" in refused.text


def test_a_node_dies_during_an_apply(environment: SwarmEnvironment, nodes: list[EngineInContainer]) -> None:
    deploy = {"replicas": 6, "update_config": {"parallelism": 1, "delay": "1s", "monitor": "100ms"}}
    environment.services(web=service(deploy=deploy))
    environment.apply()
    environment.services(web=service(deploy=deploy, environment={"A": "1"}))
    process = environment.start("apply", "--yes", "--json", "--wait-timeout", "240")
    environment.wait_until(lambda: environment.unsettled("web"))
    nodes[2].kill()
    out, err = process.communicate(timeout=400)
    lost = nodes[2].container.id[:12]
    # Swarm waits a minute for each task of the dead node: the update may end, or have its time run out. Either is said.
    assert process.returncode in (0, 3), out + err
    if process.returncode:
        assert f"node: {lost} is down" in out
        assert "the version before serves" in out
        environment.wait_until(lambda: not environment.unsettled("web"), within=300)
        environment.apply("--wait-timeout", "400")
    # The tasks of the dead node are made anew on the others, and only those count.
    running = hosts(environment, "web")
    alive = [host for host in running if host != lost]
    assert len(alive) == 6, running
    assert all("A=1" in task["Spec"]["ContainerSpec"]["Env"] for task in environment.tasks("web")
               if task["DesiredState"] == "running")  # fmt: skip
    environment.require_inert()


def test_a_dead_node_that_is_needed(environment: SwarmEnvironment, nodes: list[EngineInContainer]) -> None:
    host = nodes[2].container.id[:12]
    placement = {"placement": {"constraints": [f"node.hostname == {host}"]}}
    environment.services(web=service(deploy=placement))
    environment.apply()
    nodes[2].kill()
    environment.wait_until(lambda: _state(environment, host) == "down")
    # The Swarm still counts its task as running; an apply does not take its word.
    began = time.monotonic()
    failed = environment.apply("--wait-timeout", "5", code=1)
    assert time.monotonic() - began < 60
    assert "0/1 running" in failed.errors
    assert "no suitable node" in failed.errors or "on nodes that are down" in failed.errors
    environment.services(web=service(deploy=placement, environment={"A": "1"}))
    refused = environment.run("apply", "--yes", "--json")
    assert refused.code == 1, refused
    assert f"{host}: it is down" in refused.text

    nodes[2].start()
    environment.wait_until(lambda: _state(environment, host) == "ready", within=60)
    environment.apply()
    environment.require_inert()


def _state(environment: SwarmEnvironment, host: str) -> str:
    found = {one.attrs["Description"]["Hostname"]: one.attrs["Status"]["State"]
             for one in environment.engine.nodes.list()}  # fmt: skip
    return str(found[host])
