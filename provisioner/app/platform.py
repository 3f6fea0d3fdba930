"""What differs between plain containers and a Swarm. The mode is chosen once, here; nobody else asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from provisioner.platforms.choice import check, choose_mode, lower

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.applied_secrets import HeldVersions
    from provisioner.app.import_running import Taken
    from provisioner.app.one_off import MadeOnce, RunOptions
    from provisioner.app.published import PublishedPort
    from provisioner.app.service_work import EndedRun, Removable, ServiceAct, ServiceWork
    from provisioner.model.address import Address
    from provisioner.model.plan import Plan
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import SecretRef
    from provisioner.model.span import Problem
    from provisioner.model.state import DesiredState, Facts
    from provisioner.platforms.choice import Mode
    from provisioner.platforms.lowering import InputVersions
    from provisioner.playbook.one_off import OneOff
    from provisioner.ports import EngineOperator, EngineReader, EngineWriter, Interrupt, Listener

    AnyEngine = TypeVar("AnyEngine", bound=EngineWriter)


class Platform(Protocol):
    """One mode: `Containers` in container_platform.py, `Swarm` in swarm_platform.py.

    `title` is what keeps files in it, `keeps_files` whether it has configs and secrets as objects, those of others too;
    `config_sizes` are the sizes of a config that it takes (bytes), None for all. `names_services`: a
    service is one object with a name, however many replicas it has. `keeps_running`: it starts something else in the
    place of what stops, and removes what a removed service ran. `starts_what_is_made`: a service runs as soon as it is
    made. `pulls_by_itself`: images that are not there are pulled unasked. `joins_default`: a service that names no
    network is in one all the same.
    """

    mode: ClassVar[Mode]
    title: ClassVar[str]
    keeps_files: ClassVar[bool]
    config_sizes: ClassVar[range | None]
    names_services: ClassVar[bool]
    keeps_running: ClassVar[bool]
    starts_what_is_made: ClassVar[bool]
    pulls_by_itself: ClassVar[bool]
    joins_default: ClassVar[bool]

    @property
    def acts(self) -> ServiceActs:
        """What `stop`, `start`, `restart` and `rm` do."""

    @property
    def one_offs(self) -> OneOffs:
        """What `run` does."""

    def lower(self, playbook: Playbook, inputs: InputVersions) -> DesiredState:
        """Every object that the playbook declares."""
        return lower(playbook, inputs, self.mode)

    def check(self, playbook: Playbook, facts: Facts) -> tuple[Problem, ...]:
        """What has no effect. PlaybookInvalid for what the mode or this engine can not do at all."""
        return check(playbook, self.mode, facts)

    def remarks(self, playbook: Playbook, facts: Facts) -> tuple[Problem, ...]:
        """What of this machine's files a person should know."""
        return ()

    def held_versions(
        self, engine: EngineReader, playbook: Playbook, refs: Sequence[SecretRef], but: Collection[str]
    ) -> HeldVersions:
        """What the engine has of secrets from AWS, without those in `but`."""

    def secrets_to_send(self, playbook: Playbook, versions: Mapping[Address, str], in_use: Collection[str]) -> set[str]:
        """The keys of the secrets whose values are needed although the engine has them; `in_use` are its volumes."""
        return set()

    def applied_versions(self, engine: EngineReader, project: str) -> dict[Address, str]:
        """The versions of secrets that the engine has; of several the newest."""

    def missing_files(self, desired: DesiredState, engine: EngineReader, filled: Mapping[str, str]) -> set[Address]:
        """The configs and secrets whose desired version the engine has no more.

        `filled` are the operations that filled the volumes of a revision, by the volumes' names.
        """

    def check_placement(self, plan: Plan, engine: EngineReader) -> Plan:
        """The plan with what the nodes and the kernel have to say about it."""
        return plan

    def published_ports(self, engine: EngineReader, project: str) -> tuple[PublishedPort, ...]:
        """Where the services can be reached from outside, by address."""

    def count_nodes(self, engine: EngineReader) -> int:
        """The number of machines on which services may run."""
        return 1

    @property
    def services_reader(self) -> type[Taken]:
        """What reads the services that run, as a playbook says them."""


class OneOffs(Protocol):
    """What `run` does in one mode: the module one_off_container, or one_off_task.

    `SEPARATOR` stands between project and service in the name that is made up; `IS_SHOWN`: a listener is told of it.
    """

    SEPARATOR: str
    IS_SHOWN: bool

    def possible(self, run: OneOff, options: RunOptions, listener: Listener) -> OneOff:
        """The run as it can be had here; the listener is told what can not be."""

    def carry_out(self, made: MadeOnce, listener: Listener, interrupt: Interrupt) -> int:
        """Run what is made for it, and return its exit code; 0 at once where it is detached, after its id was told."""


class ServiceActs(Protocol):
    """What is done by name with the services of one mode: the module container_acts, or swarm_acts.

    `JOBS_END_BY_REMOVAL`: a job that runs is ended by nothing else.
    """

    JOBS_END_BY_REMOVAL: bool

    def service_objects(self, engine: EngineReader, project: str, names: Sequence[str]) -> list[tuple[str, str]]:
        """What of the services is on the engine, by kind and id."""

    def ended_jobs(self, engine: EngineReader, project: str, names: Sequence[str]) -> list[tuple[str, str]]:
        """What of the services, which are jobs, has come to its end; by kind and id."""

    def ended_runs(self, engine: EngineReader, project: str, names: Sequence[str]) -> dict[str, EndedRun]:
        """The runs of the services that have ended, each under a key of its own."""

    def run_again(self, engine: EngineOperator, project: str, names: Sequence[str], ended: Collection[str]) -> None:
        """Start what of the services is at rest since one of these runs has ended."""

    def stops(self, work: ServiceWork, level: Sequence[str], engine: EngineWriter) -> list[ServiceAct]:
        """How each of these that runs is stopped with this engine."""

    def starts(
        self, work: ServiceWork, level: Sequence[str], *, scaled: Mapping[str, int], timeout: float, wait_for_all: bool
    ) -> list[ServiceAct]:
        """How each of these that rests goes on, with as many replicas as `scaled` says; what others need healthy, and
        all with `wait_for_all`, is waited for, `timeout` seconds at most (0: as long as is usual)."""

    def restarts(self, work: ServiceWork, level: Sequence[str], grace: float | None) -> list[ServiceAct]:
        """How each of these is started anew, after `grace` seconds at most."""

    def removals(self, work: ServiceWork, *, running: bool) -> list[Removable]:
        """What does not run of the chosen services, and with `running` the rest too."""

    def stopping_within(
        self, engine: AnyEngine, project: str, grace: float | None
    ) -> AbstractContextManager[AnyEngine]:
        """The engine with which what a block stops is killed after `grace` seconds; None leaves each its own time."""


def platform_of(mode: Mode) -> Platform:
    """What a mode does."""
    # The other one's needs are not loaded.
    if mode == "swarm":
        from provisioner.app.swarm_platform import Swarm

        return Swarm()
    from provisioner.app.container_platform import Containers

    return Containers()


def choose_platform(playbook: Playbook, engine: EngineReader) -> Platform:
    """The platform of the playbook on this engine. Unreachable when it asks for a Swarm that is not there."""
    return platform_of(choose_mode(playbook, swarm_manager=engine.facts().swarm_manager))
