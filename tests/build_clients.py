"""Docker's own clients, as builds find them: one with BuildKit built in, one with the plugin buildx, none at all.

They are copied out of the images of engines in containers, so that a test does not depend on what the machine has.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker
import docker.errors
import pytest

if TYPE_CHECKING:
    from pathlib import Path


# Where the images of Debian and the official ones have them.
_CLIENT = ("/usr/bin/docker", "/usr/local/bin/docker")
_PLUGIN = (
    "/usr/libexec/docker/cli-plugins/docker-buildx",
    "/usr/local/libexec/docker/cli-plugins/docker-buildx",
)


@dataclass(frozen=True)
class Clients:
    """Variables for the command: with `built_in` it finds client 20.10, with `buildx` a newer one with the plugin,
    with `none` no client."""

    built_in: dict[str, str]
    buildx: dict[str, str]
    none: dict[str, str]


@pytest.fixture(scope="session")
def clients(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """The clients, each in a folder that is the whole PATH."""
    folder = tmp_path_factory.mktemp("clients")
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as engine:
        _copy(engine, "docker:20.10-dind", _CLIENT, folder / "built-in" / "docker")
        _copy(engine, "docker:28.5-dind", _CLIENT, folder / "buildx" / "docker")
        _copy(engine, "docker:28.5-dind", _PLUGIN, folder / "buildx" / "config" / "cli-plugins" / "docker-buildx")
    return Clients(_variables(folder / "built-in"), _variables(folder / "buildx"), _variables(folder / "none"))


def _variables(folder: Path) -> dict[str, str]:
    (folder / "config").mkdir(parents=True, exist_ok=True)
    return {"PATH": str(folder), "DOCKER_CONFIG": str(folder / "config"), "DOCKER_BUILDKIT": ""}


def _copy(engine: docker.DockerClient, image: str, places: tuple[str, ...], target: Path) -> None:
    engine.images.pull(image)
    container = engine.containers.create(image)
    try:
        for place in places:
            with contextlib.suppress(docker.errors.NotFound):
                pieces, _ = container.get_archive(place)
                with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
                    content = archive.extractfile(archive.getmembers()[0])
                    assert content is not None, place
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
                target.chmod(0o755)
                return
        raise AssertionError(f"{image} has none of {', '.join(places)}: script/engine images dind20 dind28")
    finally:
        container.remove(v=True)
