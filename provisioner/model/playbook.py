"""A bound playbook: what is declared, typed as far as every mode needs it.

The bodies of objects stay canonical nodes; the kinds read them.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from provisioner.model.backup import BackupPolicy
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.address import Address
    from provisioner.model.backup import ServiceBackup, VolumeBackup
    from provisioner.model.node import JSON, Node
    from provisioner.model.span import Span
    from provisioner.model.unused import Undeployed, Unused

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


@dataclass(frozen=True, slots=True)
class Dependency:
    """One entry of `depends_on` (Compose Specification, depends_on long syntax)."""

    service: str
    condition: Condition = "service_started"
    restart: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """How replicas are replaced: `deploy.update_config`, or `update`. Durations in seconds.

    `max_failure_ratio` is the part of the replaced replicas that may fail before `on_failure` is done.
    """

    order: Literal["start-first", "stop-first"] = "stop-first"
    parallelism: int = 1
    delay: float = 0.0
    monitor: float = 0.0
    on_failure: Literal["pause", "continue", "rollback"] = "rollback"
    max_failure_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Service:
    """One active service. `job` is set for one-shots: when it runs again. `span` is where its name stands.

    `own_name` is its name on a Swarm, where no service can be renamed; empty for the one that follows from its key.
    """

    name: str
    body: Node
    depends_on: tuple[Dependency, ...] = ()
    replicas: int = 1
    job: Literal["on_change", "once", "always"] | None = None
    update: UpdatePolicy = field(default_factory=UpdatePolicy)
    backup: ServiceBackup | None = None
    image: str = ""
    builds: bool = False
    own_name: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A network, volume, config or secret. `name` is its name on the engine.

    `unprotect`: the file says `protect: false`, which takes away the protection that the volume has on the engine.
    `backup` is what it says of a volume's backup, None where it says nothing.
    """

    key: str
    name: str
    body: Node
    external: bool = False
    protect: bool = False
    unprotect: bool = False
    backup: VolumeBackup | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One acceptance criterion of `verify`. `kind` is http, exec or tcp; `arguments` its body."""

    name: str
    kind: str
    arguments: Mapping[str, JSON]
    within: float
    span: Span


@dataclass(frozen=True, slots=True)
class Waiver:
    """A lint finding that is accepted, with the reason."""

    rule: str
    reason: str
    service: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine the playbook asks for; None leaves it to the command line and the environment.

    `compose_labels`: whether objects carry, beside their own labels, those by which Compose and other tools group.
    """

    mode: Literal["auto", "containers", "swarm"] = "auto"
    context: str | None = None
    host: str | None = None
    compose_labels: bool = True


@dataclass(frozen=True, slots=True)
class Move:
    """An entry of `moved`: what was at `source` is at `target` now; whole addresses."""

    source: Address
    target: Address
    span: Span


@dataclass(frozen=True, slots=True)
class Playbook:
    """Everything one environment declares. `project` prefixes the names of its objects on the engine.

    `inactive` are the services that no active profile starts, `undeployed` they and whatever else is declared and not
    made. `unset` is where variables without a value stand. `documents` are those of the files that are playbooks.
    `in_reach` are the values of the variables that env files and `vars` give; no part of what is shown.
    """

    name: str
    environment: str | None
    project: str
    directory: str
    files: tuple[str, ...]
    root: Node
    engine: EngineChoice
    services: Mapping[str, Service]
    networks: Mapping[str, Declared]
    volumes: Mapping[str, Declared]
    configs: Mapping[str, Declared]
    secrets: Mapping[str, Declared]
    checks: tuple[Check, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    unused: tuple[Unused, ...] = ()
    inactive: frozenset[str] = frozenset()
    undeployed: tuple[Undeployed, ...] = ()
    documents: tuple[str, ...] = ()
    unset: frozenset[Span] = frozenset()
    moved: tuple[Move, ...] = ()
    backup: BackupPolicy = field(default_factory=BackupPolicy)
    in_reach: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        """The environment as results name it: `campaign/prod`, or the project alone."""
        named = self.environment and self.project == f"{self.name}-{self.environment}"
        return f"{self.name}/{self.environment}" if named else self.project
