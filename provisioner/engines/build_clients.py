"""Which of Docker's own clients on this machine can drive BuildKit. Starts them to ask; knows no build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.model.builder import CLASSIC, Builder, BuilderKind, Builders

if TYPE_CHECKING:
    from collections.abc import Iterator

# The oldest buildx that knows named contexts, and the clients that have BuildKit built in.
_OLDEST_BUILDX = (0, 8)
_BUILT_IN = ((18, 9), (23, 0))
_VERSION = re.compile(r"\b[vV]?(\d+)\.(\d+)(?:\.\d+)?")
_SECONDS = 20


def find_builders(*, url: str, platform: str, builder_version: str) -> Builders:
    """What can build on the engine at `url`, best first.

    `builder_version` is what the engine's /_ping says of itself: '1' where it is set to its classic builder.
    """
    if os.environ.get("DOCKER_BUILDKIT", "").lower() in ("0", "false"):
        return Builders(lacking="DOCKER_BUILDKIT=0 asks for the classic builder", remedy="unset DOCKER_BUILDKIT")
    if platform == "windows" or builder_version == "1":
        remedy = "let it use BuildKit (`features: {buildkit: true}` in its daemon.json)"
        return Builders(lacking="the engine says that it builds with its classic builder", remedy=remedy)
    if not url.startswith(("unix://", "tcp://", "ssh://")):
        remedy = "name the engine by unix://, tcp:// or ssh://"
        return Builders(lacking=f"Docker's client does not take the address {url}", remedy=remedy)
    clients = list(_clients())
    if not clients:
        return Builders(lacking="Docker's client, the command docker, is not installed on this machine")
    builders = [builder for client in clients if (builder := _builder_of(client)) is not None]
    plugins = [builder for builder in builders if builder.kind is BuilderKind.BUILDX]
    # The first client on the path is the one that people mean.
    best = [*plugins[:1], *(builder for builder in builders if builder.kind is BuilderKind.CLIENT)][:2]
    lacking = "" if plugins else f"{clients[0]} has no plugin buildx"
    return Builders((*best, CLASSIC), lacking)


def _clients() -> Iterator[str]:
    """Every command docker on the path, in its order."""
    known = set()
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = shutil.which("docker", path=folder or ".")
        if path is not None and (real := Path(path).resolve()) not in known:
            known.add(real)
            yield path


def _builder_of(client: str) -> Builder | None:
    said = _say(client, "buildx", "version")
    version = _VERSION.search(said.partition("buildx")[2])
    if version is not None and _pair(version) >= _OLDEST_BUILDX:
        return Builder(BuilderKind.BUILDX, client, version[0].lstrip("vV"))
    said = _say(client, "--version")
    version = _VERSION.search(said)
    # Others, such as Podman's, take the command's name only.
    if said.startswith("Docker version") and version is not None and _BUILT_IN[0] <= _pair(version) < _BUILT_IN[1]:
        return Builder(BuilderKind.CLIENT, client, version[0])
    return None


def _pair(version: re.Match[str]) -> tuple[int, int]:
    return int(version[1]), int(version[2])


def _say(*command: str) -> str:
    """What a command prints; empty where it fails or can not be started."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_SECONDS,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""
