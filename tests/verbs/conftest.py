"""One environment, on a plain engine and on a Swarm of one node: each test of this folder runs on both."""

from __future__ import annotations

import contextlib
import secrets
import sys
from typing import TYPE_CHECKING, Any

import docker
import pytest

from tests.engine.environment import Environment
from tests.engine_fixtures import remove_project
from tests.recording_proxy import RecordingProxy
from tests.swarm.conftest import VERSIONS, Swarm
from tests.swarm.conftest import nursery as nursery
from tests.swarm.conftest import swarms as swarms
from tests.swarm.environment import SwarmEnvironment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine_in_container import Engines

IMAGE = "busybox:1.36"


class _FileFirst:
    """Names the file before the command, since everything after a service may belong to a command in it."""

    def arguments(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "provisioner", "-f", "compose.yaml", *arguments]


class OnEngine(_FileFirst, Environment):
    """On a plain engine."""


class OnSwarm(_FileFirst, SwarmEnvironment):
    """On a Swarm of one node."""


class Verbs:
    """The environment and what differs in how a mode is looked at; the tests themselves are the same."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.swarm = isinstance(environment, SwarmEnvironment)

    def containers(self, service: str, *, running: bool = True) -> list[Any]:
        """The containers of a service on the engine, whatever made them."""
        project = self.environment.project
        label = f"com.docker.swarm.service.name={project}_{service}"
        if not self.swarm:
            label = f"provisioner.address=service.{service}"
        found = self.environment.engine.containers.list(all=not running, ignore_removed=True)
        if self.swarm:
            name, value = label.split("=")
            return [one for one in found if one.labels.get(name) == value]
        return [
            one
            for one in found
            if one.labels.get("provisioner.environment") == project
            and one.labels.get("provisioner.address", "").partition("[")[0] == f"service.{service}"
            and "provisioner.oneoff" not in one.labels
        ]

    def one_offs(self) -> list[str]:
        """What `run` left, by name."""
        project = self.environment.project
        found = [one.name for one in self.environment.engine.containers.list(all=True, ignore_removed=True)]
        if self.swarm:
            found += [one["Spec"]["Name"] for one in self.environment.engine.api.services()]
        return sorted({name.split(".")[0] for name in found if name.startswith(project) and "-run-" in name})


def service(**more: Any) -> dict[str, Any]:
    """A service that starts and stops at once in either mode."""
    deploy = {"endpoint_mode": "dnsrr", "update_config": {"monitor": "100ms"}}
    return {
        "image": IMAGE, "command": ["sleep", "infinity"], "stop_signal": "SIGKILL", "deploy": deploy, **more,
    }  # fmt: skip


# In each mode: what is asked for by tests that leave it as it was. `said` has said a line on each stream.
STANDING = ("other", "said", "ticks", "traps", "web")
PORT = 39419
TICKS = ["sh", "-c", "while :; do echo tick; sleep 0.3; done"]


@pytest.fixture(params=("containers", "swarm"), scope="package")
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verbs]:
    """An environment that is brought up once for many tests: who changes it leaves it well."""
    with made(request, tmp_path_factory.mktemp("standing")) as found:
        web = service(deploy={"update_config": {"monitor": "100ms"}}) if found.swarm else service()
        web |= {"ports": [f"{'' if found.swarm else '127.0.0.1:'}{PORT}:80"], "volumes": ["data:/data"]}
        # Longer than what is replaced is away, after which nothing more is expected of a plain engine.
        later = {**service()["deploy"], "restart_policy": {"condition": "any", "delay": "4s"}}
        found.environment.write({
            "services": {
                "web": web,
                "other": service(),
                "said": service(command=["sh", "-c", "echo one; echo two >&2; exec sleep infinity"]),
                "ticks": service(command=TICKS, deploy=later),
                "traps": service(command=["sh", "-c", "trap 'echo got it' HUP; while :; do sleep 0.1; done"]),
            },
            "volumes": {"data": {}},
        })  # fmt: skip
        found.environment.apply()
        yield found


@pytest.fixture(params=("containers", "swarm"), scope="module")
def module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verbs]:
    """An empty environment in each mode, for the tests of one file one after the other."""
    with made(request, tmp_path_factory.mktemp("module")) as found:
        yield found


@pytest.fixture(params=("containers", "swarm"))
def verbs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Verbs]:
    """An empty environment in each mode."""
    with made(request, tmp_path) as found:
        yield found


@contextlib.contextmanager
def made(request: pytest.FixtureRequest, folder: Path) -> Iterator[Verbs]:
    """An empty environment in the mode that is the request's parameter, removed in the end."""
    project = f"pt-{secrets.token_hex(4)}"
    if request.param == "containers":
        url = str(request.getfixturevalue("engine_url"))
        kind: type[Environment] = OnEngine
    else:
        url = _swarm(request.getfixturevalue("nursery"), request.getfixturevalue("swarms")).url
        kind = OnSwarm
    with (
        contextlib.closing(docker.DockerClient(base_url=url, timeout=120)) as client,
        contextlib.closing(RecordingProxy(url)) as proxy,
    ):
        yield Verbs(kind(folder, project, client, url, proxy))
        remove_project(client, project)


def _swarm(nursery: Engines, swarms: dict[str, Swarm]) -> Swarm:
    version = VERSIONS[-1]
    if version not in swarms:
        machine = nursery.start(version)
        with contextlib.closing(docker.DockerClient(base_url=machine.url, timeout=120)) as client:
            client.swarm.init(advertise_addr=machine.address)
            client.images.pull(IMAGE)
        swarms[version] = Swarm(machine, version)
    return swarms[version]
