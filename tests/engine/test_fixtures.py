"""What a test leaves behind is removed; what is not its own stays."""

from __future__ import annotations

import io
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.engine_fixtures import ENVIRONMENT_LABEL, remove_project

if TYPE_CHECKING:
    import docker

pytestmark = [pytest.mark.engine, pytest.mark.timeout(60)]

IMAGE = "busybox:1.36"


def test_everything_of_a_project_is_removed_and_nothing_else(engine: docker.DockerClient, project: str) -> None:
    name = f"pt-{secrets.token_hex(4)}"
    engine.images.pull(IMAGE)
    labels = {ENVIRONMENT_LABEL: f"{name}/local"}
    # By its label alone, by its name alone, and a stranger's that is used by ours.
    engine.volumes.create(f"{project}-labelled", labels=labels)
    engine.volumes.create(f"{name}-named")
    engine.volumes.create(f"{project}-kept")
    network = engine.networks.create(f"{name}-net")
    engine.containers.run(IMAGE, ["sleep", "60"], name=f"{name}-one", network=network.name, detach=True)
    stranger = engine.containers.run(IMAGE, ["sleep", "60"], name=f"{project}-two", network=network.name, detach=True)
    engine.containers.create(IMAGE, ["true"], name=f"{project}-three", labels=labels)
    engine.images.build(fileobj=io.BytesIO(f"FROM {IMAGE}\nLABEL of={name}\n".encode()), tag=f"{name}-image", rm=True)

    remove_project(engine, name)

    assert _names(engine, name) == []
    assert _names(engine, project) == [f"{project}-kept", f"{project}-two"]
    stranger.reload()
    assert stranger.status == "running"


def _names(engine: docker.DockerClient, prefix: str) -> list[str]:
    tags = [tag for image in engine.images.list() for tag in image.tags]
    objects = [*engine.containers.list(all=True, ignore_removed=True), *engine.networks.list(), *engine.volumes.list()]
    return sorted(name for name in [*tags, *(each.name for each in objects)] if name.startswith(prefix))
