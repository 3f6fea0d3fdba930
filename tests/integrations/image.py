"""The image of provision itself, built for some tests, and how a container of it is run."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.engine.ssh_server import SshServer

ROOT = Path(__file__).parents[2]
# The user of the image.
USER = 1000


@dataclass(frozen=True)
class Ran:
    """How a container ended, and both of its streams."""

    code: int
    output: str


@dataclass(frozen=True)
class ImageOfProvision:
    """An image on the engine at `engine`, whose socket is a path of this machine."""

    name: str
    engine: str

    def run(self, *arguments: str, program: str = "", folder: Path | None = None, options: Sequence[str] = ()) -> Ran:
        """`provision ARGUMENTS` in a container, with a folder at its own path; `program` instead of the entry point."""
        words = ["docker", "--host", self.engine, "run", "--rm", *(["--entrypoint", program] if program else [])]
        words += ["--volume", f"{folder}:{folder}", "--workdir", str(folder)] if folder else []
        done = subprocess.run(
            [*words, *options, self.name, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=900, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout, done.stdout
        return Ran(done.returncode, done.stdout)

    @property
    def socket_without_group(self) -> list[str]:
        path = self.engine.removeprefix("unix://")
        return ["--volume", f"{path}:/var/run/docker.sock"]

    @property
    def socket(self) -> list[str]:
        """What lets a container use the engine's socket."""
        group = Path(self.engine.removeprefix("unix://")).stat().st_gid
        return [*self.socket_without_group, "--group-add", str(group)]

    def ssh(self, server: SshServer, folder: Path) -> list[str]:
        """What lets a container reach a server as `box`: the keys of its own user, and this machine's network."""
        keys = folder / "keys"
        keys.mkdir()
        for name in ("user", "known_hosts"):
            shutil.copy(server.folder / name, keys / name)
        config = (server.folder / "config").read_text().replace(str(server.folder), "~/.ssh")
        (keys / "config").write_text(config)
        keys.chmod(0o700)
        self.lent(keys)
        return ["--network", "host", "--volume", f"{keys}:/home/provision/.ssh:ro"]

    @staticmethod
    def lent(folder: Path) -> Path:
        """A folder that belongs to the image's user, as a checkout belongs to whoever works in it."""
        for path in (folder, *folder.rglob("*")) if os.getuid() == 0 else ():
            os.chown(path, USER, USER, follow_symlinks=False)
        return folder


@contextmanager
def built_image(engine: str) -> Iterator[ImageOfProvision]:
    """The image, made from the Dockerfile as its head says; it is gone at the end."""
    name = f"pt-{secrets.token_hex(4)}-provision"
    command = ["docker", "--host", engine]
    done = subprocess.run(
        [*command, "build", "--tag", name, str(ROOT)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    try:
        yield ImageOfProvision(name, engine)
    finally:
        subprocess.run([*command, "image", "rm", "--force", name], check=False, capture_output=True)
