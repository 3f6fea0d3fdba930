"""What one step of a plan does: one call to the engine each, with everything that it needs besides the desired state.

A `Verb` is what a person reads of it. A wait only reads, but the one for a Swarm service whose update gets nowhere in
its time takes that back, as Swarm itself knows no such time; a hook that fails stops the container it ran in.
"""

from __future__ import annotations

from dataclasses import field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.edges import EngineJson
    from provisioner.model.specs import Attachment, Hook
    from provisioner.model.state import MayFinish, Spec

    # `ports` of a service's spec: entries (`8080:ingress`) by target (`80/tcp`).
    Ports = Mapping[str, Sequence[str]]


class Goal(StrEnum):
    """What is waited for; `provisioner/reconcile/wait.py` and `swarm_tasks.py` say when it is reached.

    STAYS_READY is a replacement that is watched for its monitor period, GONE the end of a service's tasks.
    """

    READY = "ready"
    HEALTHY = "healthy"
    COMPLETED = "completed"
    STAYS_READY = "ready all along"
    GONE = "gone"


# Any kind ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Create:
    """Make a network, volume, config or secret as it is declared."""

    kind: str
    verb: ClassVar[Verb] = Verb.CREATE


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove an object; `volumes` takes the unnamed volumes of a container along."""

    kind: str
    volumes: bool = False
    verb: ClassVar[Verb] = Verb.REMOVE


@dataclass(frozen=True, slots=True)
class Confirm:
    """Nothing but a look whether a volume is there: its labels can not change, and the ledger keeps its protection."""

    verb: ClassVar[Verb] = Verb.UPDATE
    kind: ClassVar[str] = "volume"


@dataclass(frozen=True, slots=True)
class Relabel:
    """Give a config or secret of a Swarm the labels that are declared."""

    kind: str
    verb: ClassVar[Verb] = Verb.UPDATE


# Images --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pull:
    """Pull an image by its name."""

    verb: ClassVar[Verb] = Verb.PULL
    kind: ClassVar[str] = "image"


@dataclass(frozen=True, slots=True)
class Build:
    """Build an image from its recipe."""

    verb: ClassVar[Verb] = Verb.BUILD
    kind: ClassVar[str] = "image"


@dataclass(frozen=True, slots=True)
class Push:
    """Push an image to its registry."""

    verb: ClassVar[Verb] = Verb.PUSH
    kind: ClassVar[str] = "image"


@dataclass(frozen=True, slots=True)
class Tag:
    """Give an image that is there the name that is declared."""

    verb: ClassVar[Verb] = Verb.TAG
    kind: ClassVar[str] = "image"


# Containers ----------------------------------------------------------------------------------------------------------


class FillPart(StrEnum):
    """What is done, in this order, to get files into a volume. The carrier is a container that is never started."""

    CREATE_VOLUME = "create volume"
    CREATE_CARRIER = "create carrier"
    PUT_FILES = "put files"
    REMOVE_CARRIER = "remove carrier"


@dataclass(frozen=True, slots=True)
class Fill:
    """One part of filling the volume with the files of a service that are `section`: configs or secrets."""

    section: str
    part: FillPart = FillPart.PUT_FILES
    verb: ClassVar[Verb] = Verb.FILL
    kind: ClassVar[str] = "files"


@dataclass(frozen=True, slots=True)
class CreateContainer:
    """Make a container called `name`. `inherits` are the unnamed volumes of the one before it, by their places; without
    `aliases` nobody finds it on its networks under the name of its service."""

    name: str
    inherits: Mapping[str, str] = field(default_factory=dict)
    aliases: bool = True
    verb: ClassVar[Verb] = Verb.CREATE
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class CreatePreStart:
    """Make the container of a replica's `pre_start` of this number (from 1).

    It gets the mounts of the container that the step `mounts_of` makes, or that has the id `mounts_of_id`.
    """

    number: int
    mounts_of: int | None = None
    mounts_of_id: str = ""
    verb: ClassVar[Verb] = Verb.CREATE
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class Start:
    """Start a container."""

    verb: ClassVar[Verb] = Verb.START
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a container with its own grace, or with `grace_s` (seconds)."""

    grace_s: float | None = None
    verb: ClassVar[Verb] = Verb.STOP
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class Restart:
    """Stop and start a container."""

    verb: ClassVar[Verb] = Verb.RESTART
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class Unpause:
    """Let a container go on."""

    verb: ClassVar[Verb] = Verb.UNPAUSE
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class Rename:
    """Call a container `name`."""

    name: str
    verb: ClassVar[Verb] = Verb.RENAME
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class UpdateContainer:
    """Set the fields at these paths on a live container, as is declared, or to what `values` say."""

    paths: tuple[str, ...]
    values: Spec = field(default_factory=dict)
    verb: ClassVar[Verb] = Verb.UPDATE
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class Connect:
    """Put a container on a network, by its key, as is declared, or as `endpoint` says; without `aliases` as with
    `CreateContainer`, and with `pre_start` as the container of that number."""

    network: str
    aliases: bool = True
    endpoint: Attachment | None = None
    pre_start: int = 0
    verb: ClassVar[Verb] = Verb.CONNECT
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Take a container off a network, by its key; `network_id` where the network of that name will be another one."""

    network: str
    network_id: str = ""
    verb: ClassVar[Verb] = Verb.DISCONNECT
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class RunHook:
    """Run one `hook` of `post_start` or `pre_stop`, which `section` says."""

    section: str
    hook: Hook
    verb: ClassVar[Verb] = Verb.EXECUTE
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a container has reached its goal, `timeout_s` seconds at most. `pre_start` is the name of the
    container when it is one that runs before another, and is kept when it fails. `goes_on`: it ran before, so that a
    bad verdict of its health check may be of a time that is over, and be followed by a good one."""

    goal: Goal
    timeout_s: float
    may_finish: MayFinish = ""
    pre_start: str = ""
    goes_on: bool = False
    verb: ClassVar[Verb] = Verb.WAIT
    kind: ClassVar[str] = "container"


@dataclass(frozen=True, slots=True)
class Pause:
    """Let `seconds` pass before the next batch of replicas."""

    seconds: float
    verb: ClassVar[Verb] = Verb.WAIT
    kind: ClassVar[str] = "container"


# Services of a Swarm -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """One update (or the creation) of a service with the ports that it publishes from then on, while ports pass.

    It `yields` ports that it had, or `takes` ports that another had.
    """

    ports: Ports
    yields: bool = False
    takes: bool = False


@dataclass(frozen=True, slots=True)
class CreateService:
    """Make a service as it is declared, but for the ports of a stage."""

    stage: Stage | None = None
    verb: ClassVar[Verb] = Verb.CREATE
    kind: ClassVar[str] = "service"


@dataclass(frozen=True, slots=True)
class UpdateService:
    """Replace the spec of a service that still has the version or the spec `base` that the plan was made from.

    `force` makes its tasks anew though nothing in their spec changes. Only the `changed` parts of the spec are, the
    others stay as they are (`provisioner/kinds/service.py`). One that `follows` another step of the plan on the
    same service is made from what that left.
    """

    version: int = 0
    base: EngineJson | None = field(default=None, repr=False)
    force: bool = False
    changed: frozenset[str] = field(default=frozenset(), repr=False)
    stage: Stage | None = None
    follows: bool = False
    verb: ClassVar[Verb] = Verb.UPDATE
    kind: ClassVar[str] = "service"


@dataclass(frozen=True, slots=True)
class WaitForService:
    """Wait until a service has reached its goal, `timeout_s` seconds at most. `updated`: by this plan, or an update was
    under way; `failed_before`: its tasks had ended with an error."""

    goal: Goal
    timeout_s: float
    updated: bool = True
    may_finish: MayFinish = ""
    failed_before: bool = False
    verb: ClassVar[Verb] = Verb.WAIT
    kind: ClassVar[str] = "service"


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person asks of one object, beside any plan: it is told like a step, and no plan has it."""

    verb: Verb
    kind: str


Operation = (
    Create | Remove | Confirm | Relabel | Pull | Build | Push | Tag | Fill | CreateContainer | CreatePreStart | Start
    | Stop | Restart | Unpause | Rename | UpdateContainer | Connect | Disconnect | RunHook | Wait | Pause
    | CreateService | UpdateService | WaitForService
)  # fmt: skip


def stage_of(operation: Operation) -> Stage | None:
    """The stage in which ports pass that a call on a service is; None for every other call."""
    return operation.stage if isinstance(operation, CreateService | UpdateService) else None


def describe(operation: Operation) -> str:
    """For tests, and for people who look for a fault: verb, kind, and the arguments that are not the default."""
    shown = [
        f"{part.name}={value}"
        for part in fields(operation)
        if part.repr and part.name != "kind" and (value := getattr(operation, part.name)) not in (part.default, {})
    ]
    return " ".join([operation.verb, operation.kind, *shown])
