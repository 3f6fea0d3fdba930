"""What a restore does on the engine, each step by itself: take services away, put old data back, apply."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from provisioner.app.apply import apply_playbook
from provisioner.app.backup_sources import mounted_volumes, start_order
from provisioner.app.external_inputs import collect_inputs
from provisioner.app.restore_plan import is_ours, mounts_volume
from provisioner.app.wiring import SystemClock
from provisioner.backup.previous_data import SUFFIX, make_anew, put_back
from provisioner.errors import ProvisionError, StepFailed
from provisioner.kinds import volume as volume_kind
from provisioner.kinds.ownership import PROJECT, PROTECTED, owned_address, ownership_labels
from provisioner.kinds.tool_labels import TASK_OF
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.event import Notice
from provisioner.model.plan import Policy
from provisioner.platforms.lowering import InputVersions
from provisioner.playbook import select
from provisioner.reconcile.poll import Pending, poll

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.apply import ApplyResult
    from provisioner.app.backup import Saving
    from provisioner.app.external_inputs import Collect
    from provisioner.app.request import Request
    from provisioner.ledger.lease import Lease
    from provisioner.model.playbook import Playbook
    from provisioner.ports import Interrupt, Listener

# Seconds in which the containers of a Swarm service that was removed are gone.
_GONE = 120.0


@dataclass(frozen=True, slots=True)
class Course:
    """What a restore applies: a playbook, with inputs from where `gathering` has them. `restores` is the number of the
    revision that it is from, 0 for the files of today."""

    playbook: Playbook
    gathering: Collect = collect_inputs
    restores: int = 0


class NeverInterrupted:
    """An interrupt that does not come: what puts data back, or removes a copy, is not stopped half way."""

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float) -> bool:
        SystemClock().sleep(seconds)
        return False

    def deferred(self) -> AbstractContextManager[None]:
        return nullcontext()


class Work:
    """What a restore does on the engine, each step by itself."""

    def __init__(self, request: Request, saving: Saving, held: Lease, listener: Listener, interrupt: Interrupt) -> None:
        self.request = request
        self.course = Course(saving.playbook)
        self.saving = saving
        self.engine = saving.engine
        self.project = saving.project
        self.held = held
        self.listener = listener
        self.interrupt = interrupt
        self.ended: dict[tuple[str, str], str] = {}

    def say(self, text: str) -> None:
        self.listener(Notice(text))

    def take_away(
        self, services: Sequence[str], volumes: Collection[str], *, removed: bool = False, whole: bool = False
    ) -> None:
        """Stop the services in this order, and remove whatever has the volumes; on a Swarm remove the services.

        Jobs that have ended stay, and are noted: what they did is done as long as no other data are there. With
        `removed` all other containers are removed, so that nothing but an apply starts them again, and with `whole`
        their anonymous volumes too.
        """
        if not whole:
            self.ended |= {kind_and_id: name for name in services for kind_and_id in self._ended_job(name)}
        for name in services:
            self.held.require_held()
            present = [kind_and_id for kind_and_id in self._objects(name) if kind_and_id not in self.ended]
            if present:
                self.say(f"service.{name}: stands still until the data are there")
            for kind, identity in present:
                if kind == "container":
                    self.engine.stop(identity)
                if kind == "service" or removed:
                    self.engine.remove(kind, identity, volumes=whole)
        if removed:
            self._remove_rest()
        if self.saving.platform.keeps_running:
            # Containers of tasks go by themselves once their service is gone.
            self._await_release(volumes, self._remove_ended)
        holding = self._await_release(volumes, self._remove_holders)
        if holding:
            raise StepFailed(
                f"{', '.join(holding)} go on holding {', '.join(volumes)}",
                hint="something else starts them: end that, then restore again",
            )

    def _await_release(self, volumes: Collection[str], help_along: Callable[[Collection[str]], None]) -> Sequence[str]:
        """Wait until no container has one of the volumes, and do something for it at each look; those that have."""

        def look() -> list[str]:
            if left := self._holders(volumes):
                help_along(volumes)
            return left

        held = Pending(look, gap=0.5)
        poll(held, _GONE, clock=SystemClock(), progress=lambda text: None, stopped=lambda: False)
        return held.left

    def _remove_rest(self) -> None:
        """Remove what else is there: services that are not declared any more, containers of `run`."""
        if self.saving.platform.keeps_running:
            for raw in self.engine.list("service", {PROJECT: self.project}):
                if ("service", str(raw["ID"])) not in self.ended:
                    self.engine.remove("service", str(raw["ID"]))
        for raw in self.engine.list("container", {PROJECT: self.project}):
            address = owned_address(raw["Config"].get("Labels"), str(raw["Name"]).lstrip("/"), self.project)
            if address is not None and address.kind == "service" and ("container", str(raw["Id"])) not in self.ended:
                self.engine.stop(str(raw["Id"]))
                self.engine.remove("container", str(raw["Id"]))

    def _holders(self, volumes: Collection[str]) -> list[str]:
        return [
            str(container["Id"])
            for container in self.engine.containers()
            if is_ours(container, self.project) and any(mounts_volume(container, volume) for volume in volumes)
        ]

    def _remove_holders(self, volumes: Collection[str]) -> None:
        for identity in self._holders(volumes):
            self.engine.stop(identity)
            self.engine.remove("container", identity)

    def _remove_ended(self, volumes: Collection[str]) -> None:
        """Remove the containers of jobs that ended on a Swarm, which keeps them: they have volumes, and are done."""
        services = {identity for kind, identity in self.ended if kind == "service"}
        for container in self.engine.containers():
            task_of = (container.get("Labels") or {}).get(TASK_OF)
            if task_of in services and any(mounts_volume(container, volume) for volume in volumes):
                self.engine.remove("container", str(container["Id"]))

    def _objects(self, name: str) -> list[tuple[str, str]]:
        """What of a service is there: its containers, or the service of a Swarm; by kind and id."""
        return self.saving.platform.acts.service_objects(self.engine, self.project, [name])

    def _ended_job(self, name: str) -> list[tuple[str, str]]:
        """What of a service is a job that has come to its end."""
        if not self.saving.playbook.services[name].job:
            return []
        return self.saving.platform.acts.ended_jobs(self.engine, self.project, [name])

    def let_run_again(self) -> None:
        """Remove the jobs that have ended before other data came, so that an apply runs them, but for `run: once`."""
        for (kind, identity), name in self.ended.items():
            if self.saving.playbook.services[name].job != "once":
                self.engine.remove(kind, identity)
        self.ended = {}

    def put_back(self, names: Sequence[str], emptied: Sequence[str] = ()) -> None:
        """The old data into their volumes again, and nothing into those that held nothing; whoever has one of them is
        taken away first."""
        playbook, touched = self.saving.playbook, {*names, *emptied}
        keys = {key for key, declared in playbook.volumes.items() if declared.name in touched}
        users = [name for name in reversed(start_order(playbook)) if mounted_volumes(playbook, name) & keys]
        self.take_away(users, touched)
        for name in emptied:
            make_anew(self.engine, name)
        for name in names:
            self.say(f"{name}: the data of before are put back")
            # A run that was killed while it made the volume anew left none.
            if self.engine.inspect("volume", name) is None:
                self.make_declared(name)
            put_back(self.engine, self.project, name)

    def make_declared(self, name: str) -> None:
        """Make a volume that is not there, as the playbook declares it.

        `name` is the engine's. ProvisionError where the playbook declares none of that name, or an external one.
        """
        playbook = self.course.playbook
        key = next((key for key, declared in playbook.volumes.items() if declared.name == name), None)
        address = Address("volume", key or name)
        resource = self.saving.platform.lower(playbook, InputVersions()).resources.get(address) if key else None
        if resource is None:
            raise ProvisionError(f"volume {name} is not there, and the playbook declares none of that name to be made")
        labels = ownership_labels(self.project, address, name) | ({PROTECTED: "true"} if resource.protect else {})
        self.engine.create("volume", name, volume_kind.encode(resource.spec, labels))

    def forget(self, names: Sequence[str]) -> None:
        """Remove the kept data."""
        for name in names:
            self.engine.remove("volume", name + SUFFIX)

    def apply(self, targets: Sequence[Address], *, verify: bool = False, course: Course | None = None) -> ApplyResult:
        """Bring the environment, or some services with what they need, to what is declared."""
        course = course or self.course
        playbook = select.target(course.playbook, [str(target) for target in targets])
        return apply_playbook(
            self.request, playbook, self.engine, Policy(targets=tuple(targets), restoring=True),
            approve=lambda plan: True, listener=self.listener, verify=verify, interrupt=self.interrupt,
            gathering=course.gathering, restores=course.restores, held=self.held,
        )  # fmt: skip
