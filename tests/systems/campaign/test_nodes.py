"""campaign/prod on a Swarm of three nodes: images through a registry, services on all of them, a node that dies."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import docker
import pytest

from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines, form_swarm
from tests.systems.campaign.environment import OWN, Environment
from tests.systems.campaign.production import DATABASE_URL, VALUES
from tests.systems.environment import eventually
from tests.systems.lifetime import transfer_images
from tests.systems.swarm import service, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine_in_container import EngineInContainer

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.slow, pytest.mark.nodes]

# A frontend on every node, so that each node's address is one of the system's.
PLAYBOOK = """\
extends: prod.yml
environment: {name}
services: {{frontend: {{deploy: {{mode: global}}}}}}
"""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """An environment that is not up yet, on the Swarm of `nodes`; the first is the manager, and has its images."""

    environment: Environment
    nodes: list[EngineInContainer]
    registry: str

    def provision(self, command: str, *arguments: str, **variables: str) -> tuple[int, str]:
        """The exit code and everything that was said."""
        environment = dataclasses.replace(self.environment, variables={**self.environment.variables, **variables})
        outcome = environment.provision(command, *arguments)
        return outcome.code, outcome.everything

    def hosts(self, name: str) -> set[str]:
        """The nodes that run tasks of a service, by the names that Swarm gives them."""
        engine = self.environment.engine
        names = {one.id: one.attrs["Description"]["Hostname"] for one in engine.nodes.list()}
        tasks = engine.services.get(service(self.environment, name)["ID"]).tasks({"desired-state": "running"})
        return {names[task["NodeID"]] for task in tasks if task["Status"]["State"] == "running"}


@pytest.fixture
def cluster(engine_url: str, prod: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes, with the secrets; the manager has the images that were built for `prod`."""
    project, name = f"pt-{secrets.token_hex(4)}", f"pt{secrets.token_hex(3)}"
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=300)) as outer:
        try:
            with contextlib.closing(Engines(outer, project)) as engines:
                registry = engines.start_registry()
                nodes = [engines.start("28.5") for _ in range(3)]
                form_swarm(nodes)
                manager = nodes[0]
                with contextlib.closing(docker.DockerClient(base_url=manager.url, timeout=300)) as engine:
                    for key, value in {**VALUES, "database_url": DATABASE_URL}.items():
                        engine.secrets.create(name=key, data=value.encode())
                    _bring_images(prod, engine, f"{registry}/campaign-{name}")
                    folder = tmp_path_factory.mktemp("campaign-nodes")
                    shell = {"DOCKER_HOST": manager.url}
                    made = Environment.make(folder, name, "prod", engine, host=manager.address, shell=shell)
                    (made.playbooks / f"{name}.yml").write_text(PLAYBOOK.format(name=name), encoding="utf-8")
                    variables = {**made.variables, "CAMPAIGN_REGISTRY": f"{registry}/"}
                    yield Cluster(dataclasses.replace(made, variables=variables), nodes, registry)
        finally:
            remove_project(outer, project)


def _bring_images(prod: Environment, engine: docker.DockerClient, prefix: str) -> None:
    """What was built for `prod`, under the names that it has here."""
    names = [f"{prod.project}-{each}:1.0.0" for each in OWN]
    transfer_images(prod.engine, engine, names)
    for each, name in zip(OWN, names, strict=True):
        engine.images.get(name).tag(f"{prefix}-{each}", "1.0.0")


def test_three_nodes(cluster: Cluster) -> None:
    # Built on the manager, and nowhere else: told before anything is touched.
    code, said = cluster.provision("apply", "--yes")
    assert code == 1, said
    assert "no registry tells of it" in said
    assert "--push" in said
    assert cluster.environment.engine.services.list() == []

    code, said = cluster.provision("push")
    assert code == 0, said
    code, said = cluster.provision("apply", "--yes")
    assert code == 0, said
    assert "checks passed" in said
    manager, *workers = [node.container.id[:12] for node in cluster.nodes]
    assert cluster.hosts("frontend") == {manager, *workers}
    assert cluster.hosts("postgres") == {manager}
    assert cluster.hosts("api") | cluster.hosts("rules-engine") >= set(workers)
    for node in cluster.nodes:
        code, said = cluster.provision("verify", "--check", "the frontend serves the page", CAMPAIGN_HOST=node.address)
        assert code == 0, said

    before = versions(cluster.environment)
    code, said = cluster.provision("apply", "--yes")
    assert code == 0, said
    assert " changed=0 " in said
    assert versions(cluster.environment) == before

    _a_node_dies(cluster)


def _a_node_dies(cluster: Cluster) -> None:
    """During an apply that moves every service of its own: how that ends is told, and the next one finishes."""
    lost = cluster.nodes[2]
    arguments = ["apply", "--yes", "--wait-timeout", "200"]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(cluster.provision, *arguments, LOG_LEVEL="debug")
        assert eventually(lambda: _updating(cluster, "api"), within=120)
        lost.kill()
        code, said = running.result()
    # Each may have ended before it, be moved to the other nodes in time, or have been taken back.
    assert code in (0, 1, 3), said
    if code:
        assert f"node: {lost.container.id[:12]} is down" in said
        assert "Next:" in said
        code, said = cluster.provision(*arguments, LOG_LEVEL="debug")
        assert code == 0, said
    alive = {node.container.id[:12] for node in cluster.nodes[:2]}
    assert cluster.hosts("frontend") >= alive
    before = versions(cluster.environment)
    code, said = cluster.provision("apply", "--yes", LOG_LEVEL="debug")
    assert code == 0, said
    assert " changed=0 " in said
    assert versions(cluster.environment) == before


def _updating(cluster: Cluster, name: str) -> bool:
    return (service(cluster.environment, name).get("UpdateStatus") or {}).get("State") == "updating"
