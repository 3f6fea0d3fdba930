"""An engine that manages a Swarm: one that is there, or one in a container, for as long as it is measured."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

import docker

from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines, form_swarm

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION = "28.5"


@contextlib.contextmanager
def swarm(given: str | None, image: str, url: str) -> Iterator[str]:
    """The address of a manager that has the image: `given`, or that of an engine in a container of the one at `url`."""
    if given:
        yield given
        return
    project = f"bench-{secrets.token_hex(3)}"
    with contextlib.closing(docker.DockerClient(base_url=url, timeout=300)) as outer:
        try:
            with contextlib.closing(Engines(outer, project)) as engines:
                manager = engines.start(_VERSION)
                form_swarm([manager])
                with contextlib.closing(docker.DockerClient(base_url=manager.url, timeout=300)) as inner:
                    inner.images.load(b"".join(outer.images.get(image).save(named=image)))
                yield manager.url
        finally:
            remove_project(outer, project)
