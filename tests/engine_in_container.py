"""Docker Engines in containers: other versions than the machine's, which a test may kill, fill or misconfigure.

Where the machine's engine pulls through a mirror, these do too, through a registry container on the same files.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import docker
import docker.errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docker.models.containers import Container

PROJECT_FOLDER = Path(__file__).parents[1]
_MIRROR_FILES = Path("/var/lib/provisioner-mirror/registry")
# Everything but CAP_SYS_RESOURCE, instead of --privileged: engine 20.10 insists on capabilities that a machine
# in a sandbox does not have, and refuses.
_CAPABILITIES = [
    *("AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH"),
    *("FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE"),
    *("MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID"),
    *("SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE"),
    *("SYS_RAWIO", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM"),
]


@dataclass(frozen=True)
class EngineInContainer:
    """`url` is its socket; `address` the IP at which ports that it publishes are reached from this machine."""

    url: str
    address: str
    container: Container

    def kill(self) -> None:
        """As a power cut would: everything in it is gone at once."""
        self.container.kill()

    def start(self) -> None:
        """Start it again after kill(), with what is on its disk."""
        self.container.start()
        _wait_until_it_answers(self.url, self.container)


class Engines:
    """Starts engines for one test. Paths in the project's folder and in /tmp are the same inside."""

    def __init__(self, outer: docker.DockerClient, project: str) -> None:
        self._outer = outer
        self._project = project
        self._folder = Path(tempfile.mkdtemp(prefix="pt-engines-"))
        self._network = outer.networks.create(f"{project}-engines")
        self._options: list[str] = []
        if _MIRROR_FILES.is_dir() and outer.info()["RegistryConfig"]["Mirrors"]:
            self._start_mirror()

    def start(self, version: str, *options: str) -> EngineInContainer:
        """An engine of image docker:VERSION-dind (20.10, 26.1, 28.5), with dockerd's own options."""
        image = f"docker:{version}-dind"
        try:
            self._outer.images.pull(image)
        except docker.errors.APIError as error:
            name = f"dind{version.partition('.')[0]}"
            raise AssertionError(f"{image} can not be pulled; make it: script/engine images {name}") from error
        number = len(list(self._folder.iterdir()))
        sockets = self._folder / str(number)
        sockets.mkdir()
        api = self._outer.api
        host = api.create_host_config(
            network_mode=self._network.name,
            cap_add=_CAPABILITIES,
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            device_cgroup_rules=["a *:* rwm"],
            cgroupns="private",
            binds=[f"{sockets}:/sockets", "/tmp:/tmp", f"{PROJECT_FOLDER}:{PROJECT_FOLDER}"],
        )
        # What the command line calls systempaths=unconfined.
        host |= {"MaskedPaths": [], "ReadonlyPaths": []}
        created = api.create_container(
            image,
            ["-H", "unix:///var/run/docker.sock", "-H", "unix:///sockets/docker.sock", *self._options, *options],
            name=f"{self._project}-engine-{number}",
            volumes=["/var/lib/docker"],
            host_config=host,
        )
        container = self._outer.containers.get(created["Id"])
        container.start()
        url = f"unix://{sockets}/docker.sock"
        _wait_until_it_answers(url, container)
        container.reload()
        address = container.attrs["NetworkSettings"]["Networks"][self._network.name]["IPAddress"]
        return EngineInContainer(url, address, container)

    def start_registry(self) -> str:
        """A registry that engines started from now on push to and pull from; its address."""
        self._outer.images.pull("registry:2")
        address = f"{self._project}-pushed:5000"
        self._outer.containers.run(
            "registry:2", name=f"{self._project}-pushed", detach=True, network=self._network.name
        )
        self._options += ["--insecure-registry", address]
        return address

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start_mirror(self) -> None:
        self._outer.images.pull("registry:2")
        name = f"{self._project}-registry"
        self._outer.containers.run(
            "registry:2",
            name=name,
            detach=True,
            network=self._network.name,
            volumes=[f"{_MIRROR_FILES}:/var/lib/registry:ro"],
        )
        self._options = ["--registry-mirror", f"http://{name}:5000", "--insecure-registry", f"{name}:5000"]


def form_swarm(nodes: Sequence[EngineInContainer]) -> None:
    """One Swarm of all; the first is its manager, and hears from the others every second."""
    manager, *workers = nodes
    with contextlib.closing(docker.DockerClient(base_url=manager.url, timeout=120)) as client:
        client.swarm.init(advertise_addr=manager.address, dispatcher_heartbeat_period=1_000_000_000)
        client.swarm.reload()
        token = client.swarm.attrs["JoinTokens"]["Worker"]
    for node in workers:
        with contextlib.closing(docker.DockerClient(base_url=node.url, timeout=120)) as client:
            client.swarm.join([f"{manager.address}:2377"], token, advertise_addr=node.address)


def why_silent(url: str) -> str | None:
    """None when an engine answers on unix:///PATH or tcp://HOST:PORT, else what happens instead."""
    target = urlsplit(url)
    try:
        with socket.socket(socket.AF_UNIX if target.scheme == "unix" else socket.AF_INET) as connection:
            connection.settimeout(10)
            connection.connect(target.path if target.scheme == "unix" else (target.hostname, target.port or 2375))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            status_line = connection.recv(4096).split(b"\r\n")[0].decode("latin-1")
    except OSError as error:
        return str(error)
    return None if " 200 " in status_line else f"it answered: {status_line}"


def _wait_until_it_answers(url: str, container: Container) -> None:
    deadline = time.monotonic() + 30
    while why_silent(url):
        container.reload()
        assert container.status == "running" and time.monotonic() < deadline, container.logs(tail=20).decode()
        time.sleep(0.05)
