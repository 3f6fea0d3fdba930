"""What a field needs beside the value itself: the playbook's names, and the engine's."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.address import Address
    from provisioner.model.edges import EngineJson

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What a service's body is read with.

    `service` is its name, `image` the reference it runs; `build` is the digest of what that is built from, `digest`
    the registry's for it, both None where there is none. `volumes` maps a declared key to the engine's name,
    `versions` a config or secret to the digest of its content, `containers` a service to the names of its containers.
    """

    service: str = ""
    image: str = ""
    replicas: int = 1
    build: str | None = None
    digest: str | None = None
    volumes: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[Address, str] = field(default_factory=dict)
    containers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EncodeContext:
    """What only the engine knows when an object is created. Every name is the engine's.

    `labels` are the ownership labels, `networks` gives the name of a network for its key. Of a container: `ids` gives a
    service's container id, `file_volumes` the volume and mountpoint of configs and secrets, `anonymous` the volumes
    that a replaced container leaves to this one, `revealed` the values of the secrets that stand in its environment, by
    their key. Of a Swarm service: `name` is its name, `image` the reference to run, pinned to a digest where there is
    one, `files` the id and name of the object that holds a config or secret, `volumes` the VolumeOptions
    with which a node makes a declared volume, by the volume's name.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    file_volumes: Mapping[str, Pair] = field(default_factory=dict)
    anonymous: Mapping[str, str] = field(default_factory=dict)
    api_version: tuple[int, int] = (1, 44)
    revealed: Mapping[str, str] = field(default_factory=dict, repr=False)
    name: str = ""
    image: str = ""
    files: Mapping[Address, Pair] = field(default_factory=dict)
    volumes: Mapping[str, EngineJson] = field(default_factory=dict)
    force_update: int = 0


@dataclass(frozen=True, slots=True)
class DecodeContext:
    """How the engine's names map back.

    `networks` gives the playbook's key of a network by its name (of a Swarm's, by its id), `services` the service of a
    container's id, `files` the key and version of a config or secret by its id.
    """

    networks: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Pair] = field(default_factory=dict)
