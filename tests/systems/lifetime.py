"""How long an environment of a test lives, and in which order its services start."""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import docker

from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines
from tests.systems.environment import Environment, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.engine_in_container import EngineInContainer

E = TypeVar("E", bound=Environment)

# In production health checks are asked less often than tests want to wait for the first one.
SWIFT = {"HEALTH_INTERVAL": "3s"}


@contextlib.contextmanager
def made_environment(kind: type[E], engine_url: str, folder: Path, extends: str, **options: Any) -> Iterator[E]:
    """An environment that is not up yet; at the end whatever it has on the engine is removed."""
    name = f"pt{secrets.token_hex(3)}"
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as engine:
        environment = kind.make(folder, name, extends, engine, **options)
        try:
            yield environment
        finally:
            remove_project(engine, environment.project)


@contextlib.contextmanager
def swarm_of_one_node(engine_url: str) -> Iterator[tuple[EngineInContainer, docker.DockerClient]]:
    """An engine of its own in a container, manager of a Swarm of its own; and a client of it."""
    project = f"pt-{secrets.token_hex(4)}"
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as outer:
        try:
            with contextlib.closing(Engines(outer, project)) as engines:
                machine = engines.start("28.5")
                with contextlib.closing(docker.DockerClient(base_url=machine.url, timeout=120)) as engine:
                    engine.swarm.init(advertise_addr=machine.address)
                    yield machine, engine
        finally:
            remove_project(outer, project)


def bring_images(environment: Environment, engine_url: str) -> None:
    """Build what an environment on another engine is made of on this one, which has the layers, and load it there."""
    target, variables = f"{environment.SYSTEM}/{environment.name}", environment.variables
    bring_images_of(environment.folder, target, environment.name, engine_url, environment.engine, variables)


def bring_images_of(
    folder: Path,
    target: str,
    environment: str,
    engine_url: str,
    engine: docker.DockerClient,
    variables: Mapping[str, str] | None = None,
) -> None:
    """The same for any playbook of a project folder; `environment` is the name that it gives to what it makes."""
    system, _, playbook = target.partition("/")
    text = f"extends: {playbook}.yml\nenvironment: {environment}\nengine: {{mode: containers}}\n"
    (folder / "playbooks" / system / f"{playbook}-images.yml").write_text(text, encoding="utf-8")
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=300)) as here:
        before = _tags(here)
        built = run(folder, f"{target}-images", "build", variables=variables, shell={"DOCKER_HOST": engine_url})
        assert built.code == 0, built.everything
        tags = [tag for tag in _tags(here) if tag.startswith(f"{system}-{environment}")]
        assert tags
        try:
            transfer_images(here, engine, tags)
        finally:
            for tag in set(tags) - before:
                here.images.remove(tag)


def _tags(engine: docker.DockerClient) -> set[str]:
    # The list alone: images of other tests go while it is read.
    return {tag for image in engine.api.images() for tag in image["RepoTags"] or ()}


def transfer_images(source: docker.DockerClient, target: docker.DockerClient, tags: list[str]) -> None:
    """Load into an engine what another one has."""
    saved = source.api._get(source.api._url("/images/get"), params={"names": tags}, stream=True)
    saved.raise_for_status()
    assert [line for line in target.api.load_image(saved.iter_content(1 << 20)) if "error" in line] == []


@contextlib.contextmanager
def watched(engine_url: str, project: str, services: Iterable[str]) -> Iterator[dict[tuple[str, str], int]]:
    """When each thing first happened to each service. The engine itself remembers only its last few hundred events."""
    first: dict[tuple[str, str], int] = {}
    names = tuple(services)
    # A client of its own: closing a stream that another thread reads closes its connection.
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=600)) as client:
        events = client.events(decode=True, filters={"type": "container"})

        def watch() -> None:
            for event in events:
                container = event["Actor"]["Attributes"].get("name", "")
                for service in names:
                    if container.startswith(f"{project}-{service}-"):
                        first.setdefault((service, event["Action"]), event["timeNano"])

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield first
        finally:
            events.close()
            watcher.join(timeout=10)


def started_in_order(first: Mapping[tuple[str, str], int], needs: Iterable[tuple[str, str, str]]) -> None:
    """Each (service, needed, state): the service was started after the needed one had come to that state."""
    for service, needed, state in needs:
        assert first[(needed, state)] < first[(service, "start")], (service, needed)
