"""What `start`, `stop`, `restart`, `kill` and their like share: the chosen services in the order of what they need.

Services that do not need each other are worked on at the same time. A failure is kept, and does not stop the others.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

from provisioner.app.load import load_document, load_playbook
from provisioner.app.owned import owned_containers, require_services
from provisioner.app.platform import choose_platform
from provisioner.app.wiring import held_lease, open_engine
from provisioner.errors import ProvisionError
from provisioner.model.event import Finished, Progress, Started
from provisioner.model.operation import ByHand
from provisioner.model.plan import Step
from provisioner.model.report import Outcome, StepResult
from provisioner.reconcile.order import in_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.ledger.lease import Lease
    from provisioner.model.address import Address
    from provisioner.model.operation import Operation
    from provisioner.model.plan import Verb
    from provisioner.model.playbook import Playbook
    from provisioner.ports import Interrupt, Listener

_WORKERS = 8


class ServiceAct(NamedTuple):
    """One act on one object: `do` tells of its progress, and raises ProvisionError when it failed."""

    address: Address
    verb: Verb
    kind: str
    do: Callable[[Callable[[str], None]], object]


class EndedRun(NamedTuple):
    """A run of a service's replica that has ended."""

    address: Address
    exit_code: int


class Removable(NamedTuple):
    """An object of a service that can be removed; `name` is the engine's."""

    name: str
    address: Address
    kind: str
    id: str


class ServiceWork:
    """The services of an environment and what was done to them. `results` grows with each act."""

    def __init__(
        self, request: Request, services: Sequence[str], listener: Listener, interrupt: Interrupt | None
    ) -> None:
        self.playbook: Playbook = load_with(request, services)
        self.engine: DockerEngine = open_engine(request, self.playbook.engine)
        self.platform: Platform = choose_platform(self.playbook, self.engine)
        self.chosen: tuple[str, ...] = tuple(dict.fromkeys(services)) or tuple(self.playbook.services)
        self.results: list[StepResult] = []
        self._listener = listener
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._count = 0

    @property
    def stopped(self) -> Callable[[], bool]:
        """Whether the user asks for the end."""
        return self._is_stopped

    def _is_stopped(self) -> bool:
        return self._interrupt is not None and self._interrupt.is_set()

    def held_lease(self) -> AbstractContextManager[Lease]:
        """The lease of the environment that is worked on, for a block. LeaseHeld where another has it."""
        return held_lease(self.engine, self.playbook.project, self.platform, self._listener)

    def levels(self, services: Collection[str] | None = None) -> list[list[str]]:
        """The chosen services, or others: those that need none of the others first."""
        known = self.playbook.services
        return in_levels(
            self.chosen if services is None else services,
            lambda name: [dependency.service for dependency in known[name].depends_on],
        )

    def all(self, acts: Sequence[ServiceAct]) -> None:
        """Do all of it, several at a time; each is told as a step of its kind."""
        if not acts:
            return
        with ThreadPoolExecutor(min(_WORKERS, len(acts))) as pool:
            for _ in pool.map(self._do, acts):
                pass

    def _do(self, act: ServiceAct) -> None:
        if self._is_stopped():
            return
        with self._lock:
            self._count += 1
            step = Step(self._count, cast("Operation", ByHand(act.verb, act.kind)), act.address, "")
        began = time.monotonic()
        self._tell(Started(step))
        error: ProvisionError | None = None
        try:
            act.do(lambda text: self._tell(Progress(step, text)))
        except ProvisionError as failure:
            error = failure
        result = StepResult(step, Outcome.FAILED if error else Outcome.DONE, time.monotonic() - began, error)
        with self._lock:
            self.results.append(result)
        self._tell(Finished(result))

    def _tell(self, event: Started | Progress | Finished) -> None:
        with self._lock:
            self._listener(event)

    def require_known(self) -> None:
        """ProvisionError where nothing of the chosen services is on the engine."""
        names = self.chosen
        if owned_containers(self.engine, self.playbook.project, names):
            return
        if self.platform.acts.service_objects(self.engine, self.playbook.project, names):
            return
        which = ", ".join(f"service.{name}" for name in names)
        raise ProvisionError(f"{which} is not there" if len(names) == 1 else "no service is there", hint="provision up")


def load_with(request: Request, services: Sequence[str]) -> Playbook:
    """The playbook with the named services, those of inactive profiles among them. UsageError for an unknown one."""
    if services and load_document(request).inactive & set(services):
        request = replace(request, profiles=("*",))
    playbook = load_playbook(request, allow_unset=True)
    require_services(playbook, services)
    return playbook


def failures(results: Sequence[StepResult]) -> Mapping[str, ProvisionError]:
    """What failed, by address."""
    return {str(result.step.address): result.error for result in results if result.error is not None}
