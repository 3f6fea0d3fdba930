"""How long an environment of a test lives, and in which order its services start."""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import docker

from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines
from tests.systems.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.engine_in_container import EngineInContainer

E = TypeVar("E", bound=Environment)


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
