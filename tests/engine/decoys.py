"""Other people's objects that look like an environment's own: look-alike names, prefix names, copied labels."""

from __future__ import annotations

import contextlib
from typing import Any

import docker
import docker.errors

from tests.engine.environment import QUICK


class Decoys:
    """Made for one project. None of them is its own, and none may change because of it."""

    def __init__(self, engine: docker.DockerClient, project: str) -> None:
        self._api = engine.api
        self._containers: list[str] = []
        self._networks: list[str] = []
        self._volumes: list[str] = []
        copied = {
            "provisioner.environment": project, "provisioner.address": "service.web[1]",
            "provisioner.name": f"{project}-web-1",
        }  # fmt: skip
        neighbour = f"{project}x"
        own = {
            "provisioner.environment": neighbour, "provisioner.address": "service.web[1]",
            "provisioner.name": f"{neighbour}-web-1",
        }  # fmt: skip
        composed = {"com.docker.compose.project": project, "com.docker.compose.service": "web"}
        self._network(f"{project}_default_", copied | {"provisioner.address": "network.default"})
        self._network(f"{neighbour}_default", own | {"provisioner.address": "network.default"})
        self._volume(f"{project}_data_", copied | {"provisioner.address": "volume.data"})
        self._volume(f"{project}_dat", {})
        self._container(f"{project}-web-1.copy", copied, start=False)
        self._container(f"{project}-web-10", composed, start=False)
        self._container(f"{neighbour}-web-1", own, start=True)

    def _network(self, name: str, labels: dict[str, str]) -> None:
        self._networks.append(self._api.create_network(name, labels=labels)["Id"])

    def _volume(self, name: str, labels: dict[str, str]) -> None:
        self._volumes.append(self._api.create_volume(name, labels=labels)["Name"])

    def _container(self, name: str, labels: dict[str, str], *, start: bool) -> None:
        made = self._api.create_container(QUICK["image"], QUICK["command"], name=name, labels=labels, volumes=["/data"])
        self._containers.append(made["Id"])
        if start:
            self._api.start(made["Id"])

    def snapshot(self) -> dict[str, Any]:
        """Full inspections of all of them."""
        found = {identity: self._api.inspect_container(identity) for identity in self._containers}
        found |= {identity: self._api.inspect_network(identity) for identity in self._networks}
        return found | {name: self._api.inspect_volume(name) for name in self._volumes}

    def remove(self) -> None:
        for identity in self._containers:
            self._gone(self._api.remove_container, identity, force=True, v=True)
        for identity in self._networks:
            self._gone(self._api.remove_network, identity)
        for name in self._volumes:
            self._gone(self._api.remove_volume, name)

    @staticmethod
    def _gone(remove: Any, identity: str, **options: Any) -> None:
        with contextlib.suppress(docker.errors.NotFound):
            remove(identity, **options)
