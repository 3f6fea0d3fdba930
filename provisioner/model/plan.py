"""The ordered calls that carry out the changes."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.address import Address
    from provisioner.model.adoption import Adopted
    from provisioner.model.change import Change
    from provisioner.model.operation import Operation
    from provisioner.model.span import Problem
    from provisioner.model.state import DesiredState, ObservedState


class Verb(StrEnum):
    """What a step is called in plans, reports and their JSON."""

    CREATE = "create"
    REMOVE = "remove"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    KILL = "kill"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    RENAME = "rename"
    UPDATE = "update"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    PULL = "pull"
    BUILD = "build"
    TAG = "tag"
    PUSH = "push"
    FILL = "fill"
    EXECUTE = "execute"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Step:
    """One call on one object.

    `object_id` is the id of an object that was there when the plan was made; without it the step acts on
    what the step `made_by` makes. `needs` are the ids of the steps that must have ended well before, `after` of those
    that must have ended in whatever way. Of the steps of one service as many replicas may fail as `max_failures` says
    before the run is stopped.
    """

    id: int
    operation: Operation
    address: Address
    cause: str
    needs: tuple[int, ...] = ()
    object_id: str = ""
    made_by: int | None = None
    after: tuple[int, ...] = ()
    max_failures: int = 0

    @property
    def verb(self) -> Verb:
        """What the step is called."""
        return self.operation.verb

    @property
    def kind(self) -> str:
        """The kind of the object that the step acts on."""
        return self.operation.kind


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user permits. `targets` narrow it; `alone` means them by themselves, without what they need.

    `keep_going`: after a failure everything is done that does not need what failed. `lock_timeout` is how long another
    apply is waited for (seconds). `volumes` permits to delete the volumes that the file declares, `volume_names` those
    very volumes, `allow_empty` to prune for a playbook without services, `history` to delete the revisions.
    `scaled` are the services whose number of replicas the command line says, whatever was kept of it before,
    `made_anew` those that are replaced even where nothing of them differs,
    `rerun` the jobs that are run again.
    `accept_new_key` gives secrets that can not be compared new versions.
    `restoring`: it is the restore itself that applies, so that one that is under way forbids nothing.
    What other environments do before is known too: `expected` are the kinds and names of objects that they make,
    `departing` the ids of containers that they remove, `freed` those of all objects that they stop or remove.
    """

    prune: bool = False
    allow_empty: bool = False
    volumes: bool = False
    volume_names: tuple[str, ...] = ()
    history: bool = False
    targets: tuple[Address, ...] = ()
    alone: bool = False
    wait_timeout: float = 0.0
    parallel: int = 8
    keep_going: bool = False
    accept_new_key: bool = False
    lock_timeout: float = 0.0
    insecure_transport: bool = False
    expected: frozenset[tuple[str, str]] = frozenset()
    departing: frozenset[str] = frozenset()
    freed: frozenset[str] = frozenset()
    scaled: frozenset[str] = frozenset()
    made_anew: tuple[Address, ...] = ()
    rerun: tuple[Address, ...] = ()
    restoring: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order of their addresses, steps in an order that respects their needs.

    `details` are the changes object by object, replicas apart and UNCHANGED ones among them; `incomparable` the
    secrets of which nobody can tell whether they are as declared. `adopts` are objects of another tool
    that an apply takes over as they are: volumes that Compose left. `moves` are its own objects that get another
    address. `pins` gives, for image references that are taken from a registry, the digest that was there when the plan
    was made, as far as it told, `bases` the ids of the images that builds stand on, as far as they are here. `digest`
    is what `apply --digest` takes, in a plan that is only looked at.
    """

    title: str
    desired: DesiredState
    observed: ObservedState
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    notes: tuple[Problem, ...] = ()
    refusals: tuple[Problem, ...] = ()
    unchanged: int = 0
    details: tuple[Change, ...] = ()
    incomparable: tuple[Address, ...] = ()
    adopts: tuple[Adopted, ...] = ()
    moves: tuple[Adopted, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""

    def text(self) -> str:
        """The steps, one a line, for tests and for people who look for a fault."""
        from provisioner.model.operation import describe

        lines = []
        for step in self.steps:
            words = [f"{step.id}:", describe(step.operation), str(step.address)]
            words += [f"of {step.made_by}"] if step.made_by else [f"on {step.object_id}"] if step.object_id else []
            words += [f"needs {','.join(map(str, step.needs))}"] if step.needs else []
            words += [f"after {','.join(map(str, step.after))}"] if step.after else []
            lines.append(f"{' '.join(words)} ({step.cause})")
        return "\n".join(lines)
