"""Desired and observed objects, in the same terms."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, cast

from provisioner.model.dataclass import dataclass
from provisioner.model.positions import Positions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.address import Address
    from provisioner.model.edges import BuildRecipe
    from provisioner.model.node import JSON
    from provisioner.model.playbook import Condition, UpdatePolicy
    from provisioner.model.span import Span
    from provisioner.model.specs import ContainerSpec, FileSpec, NetworkSpec, ServiceSpec, VolumeSpec, WorkloadSpec

# One object of the engine in Compose's vocabulary: field key → JSON value. Total: every field of the kind is there.
# For code that goes over all fields; `model/specs.py` has the shapes for code that asks for one by its name.
Spec = dict[str, Any]


NOWHERE = Positions()
MayFinish = Literal["declared", "implied", ""]

# The states of a container that has a process, and has to be stopped before it can be removed.
UP = ("running", "restarting", "paused")

# A config or secret on a plain engine: no object of its own, carried by the containers that use it.
CARRIED_KIND = "carried"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image gives to every container made from it (Engine API: ImageInspect.Config)."""

    id: str
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    stop_signal: str = ""
    healthcheck: JSON = None
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of the engine as a whole, read once per run (GET /info, /version, /images).

    `ipvs`: whether its kernel can balance a Swarm's virtual addresses; None where that can not be told from here.
    `containerd_store`: whether images lie in containerd's store, which can hold one for several platforms.
    `exposed_at` is its address where requests go there unencrypted over a network, else empty.
    `local`: whether it is surely on this machine. `node_id` is the engine's own node in its Swarm. `logging_drivers`,
    `runtimes`, `architecture` (as uname has it), `cpus` and `address_pools` (those that the engine was given) are empty
    or 0 where they are not known. `read_at` is the engine's own time when it was asked (RFC 3339).
    """

    engine_id: str = ""
    engine_name: str = ""
    engine_version: str = ""
    api_version: tuple[int, int] = (1, 41)
    platform: str = "linux"
    swarm_manager: bool = False
    node_id: str = ""
    ipvs: bool | None = None
    logging_driver: str = "json-file"
    local: bool = False
    logging_drivers: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    architecture: str = ""
    cpus: int = 0
    address_pools: tuple[str, ...] = ()
    containerd_store: bool = False
    exposed_at: str = ""
    read_at: str = ""
    images: Mapping[str, ImageFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Need:
    """An edge to another declared object; services carry the condition that must hold."""

    address: Address
    condition: Condition | None = None
    restart: bool = False


@dataclass(frozen=True, slots=True)
class ImageWork:
    """How an image comes to be on the engine, beside what is compared of it.

    `recipe` is what the builder is told, None for one that is pulled; `earlier` the id of a build of the same context
    that the engine has still; `pull_policy` the service's.
    """

    recipe: BuildRecipe | None = None
    earlier: str = ""
    pull_policy: str = "missing"


class HasSpec:
    """An object whose spec can be asked for by name, in the shape of its kind.

    `workload_spec` is what containers and services have in common, `file_spec` that of configs and secrets.
    """

    __slots__ = ()
    spec: Spec

    @property
    def workload_spec(self) -> WorkloadSpec:
        return cast("WorkloadSpec", self.spec)

    @property
    def container_spec(self) -> ContainerSpec:
        return cast("ContainerSpec", self.spec)

    @property
    def service_spec(self) -> ServiceSpec:
        return cast("ServiceSpec", self.spec)

    @property
    def network_spec(self) -> NetworkSpec:
        return cast("NetworkSpec", self.spec)

    @property
    def volume_spec(self) -> VolumeSpec:
        return cast("VolumeSpec", self.spec)

    @property
    def file_spec(self) -> FileSpec:
        return cast("FileSpec", self.spec)


@dataclass(frozen=True, slots=True)
class Resource(HasSpec):
    """One desired object. `name` is its name on the engine, `spans` the positions of what is declared of it.

        `may_finish`: what says that with exit code 0 it has done what it is for, and is not to run again: its declared
    restart policy, or no more than that none is declared; empty where it is to go on running. `unprotect`: the file
    says `protect: false`, which takes away the protection that the volume has on the engine.
    `tier` is where the value of a secret comes from. `still`, in what is kept: it did not run when it was adopted.
    """

    address: Address
    kind: str
    name: str
    spec: Spec
    needs: tuple[Need, ...] = ()
    external: bool = False
    protect: bool = False
    unprotect: bool = False
    job: Literal["on_change", "once", "always"] | None = None
    may_finish: MayFinish = ""
    update: UpdatePolicy | None = None
    image: ImageWork = ImageWork()
    tier: str = ""
    still: bool = False
    span: Span | None = None
    spans: Positions = NOWHERE


@dataclass(frozen=True, slots=True)
class Grouping:
    """By what other tools group the objects of an environment: the folder of its files (absolute), and the files."""

    directory: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything that one environment wants on one engine. Without `grouping`, what is made for it carries no labels
    of other tools."""

    project: str
    resources: Mapping[Address, Resource]
    grouping: Grouping | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a container is doing. `health` is empty without a health check; times are RFC 3339."""

    status: str
    exit_code: int = 0
    health: str = ""
    started_at: str = ""
    finished_at: str = ""
    restarts: int = 0
    oom_killed: bool = False


@dataclass(frozen=True, slots=True)
class Observed(HasSpec):
    """One object of the engine that this environment owns, or refers to by name.

    `created` and `name` with the id are its identity; `image` is what a container was made from. `users` are the ids
    of the containers on a network or volume, `user_names` their names as far as the engine tells them, `anonymous` a
    container's unnamed volumes by target. `version` and `base` are a Swarm object's version index and its spec as the
    engine gave it; `not_converged_reason` says why a service does not do
    yet what its spec says, empty where it does, and `paused` that its last update failed and stands still.
    `protected`: a volume is not to be deleted, as its label or the ledger says. `declared` are the paths of what was
    declared, when it was made, of the fields that an engine chooses otherwise; `made_as` is the name that a container
    was made for, which a hand may have changed since. `operation` is the one that made a volume of files.
    """

    address: Address
    kind: str
    id: str
    name: str
    spec: Spec
    created: str = ""
    runtime: Runtime | None = None
    image: ImageFacts | None = None
    users: tuple[str, ...] = ()
    user_names: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    base: Any = None
    not_converged_reason: str = ""
    paused: bool = False
    anonymous: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False
    declared: frozenset[str] = frozenset()
    made_as: str = ""
    operation: str = ""

    @property
    def is_up(self) -> bool:
        """Whether it is a container that runs, restarts or is paused."""
        return self.runtime is not None and self.runtime.status in UP


@dataclass(frozen=True, slots=True)
class ForeignObject:
    """An object that stands where a declared one should, and is not taken for it.

    `owner` says whose it is, `hint` what helps without loss. `own`: it is this environment's all the same.
    `adoptable`: `adopt` may take it over. `id` is the engine's.
    """

    address: Address
    kind: str
    name: str
    owner: str
    hint: str = ""
    own: bool = False
    adoptable: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class ObservedState:
    """One snapshot. `leftovers` are ours and nobody needs them: an interrupted apply made them, or the last one
    put something in their place. `superseded` are earlier versions of configs and secrets; their `users` are the ids
    of the services whose spec, or spec before that, refers to them. `files` are the volumes that carry configs and
    secrets on a plain engine, those of now and earlier ones. `outside` are the containers, by the name
    that the playbook says, in whose namespaces ours are to live (`network_mode: container:NAME`)."""

    facts: Facts
    resources: Mapping[Address, Observed]
    leftovers: tuple[Observed, ...] = ()
    foreign: tuple[ForeignObject, ...] = ()
    superseded: tuple[Observed, ...] = ()
    files: tuple[Observed, ...] = ()
    outside: Mapping[str, Observed] = field(default_factory=dict)
