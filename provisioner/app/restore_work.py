"""What a restore does on the engine, step by step; a failure before the end puts the old data back."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioner.app.apply import apply_playbook
from provisioner.app.backup_sources import mounted_volumes, start_order
from provisioner.app.external_inputs import collect_inputs
from provisioner.app.owned import owned_containers
from provisioner.app.restore_plan import is_ours, mounts_volume
from provisioner.app.wiring import SystemClock
from provisioner.backup.previous_data import (
    SUFFIX,
    Kept,
    Record,
    forget_record,
    keep_aside,
    kept_data,
    make_anew,
    new_record,
    put_back,
    read_record,
    write_record,
)
from provisioner.backup.volumes import carrier_of, write_volume
from provisioner.errors import Interrupted, ProvisionError, StepFailed, Unsafe
from provisioner.kinds import volume as volume_kind
from provisioner.kinds.ownership import PROJECT, PROTECTED, owner, ownership_labels
from provisioner.model.address import Address
from provisioner.model.event import Notice
from provisioner.model.plan import Policy
from provisioner.platforms.choice import lower
from provisioner.platforms.lowering import InputVersions
from provisioner.playbook import select

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.apply import ApplyResult
    from provisioner.app.backup import Saving
    from provisioner.app.external_inputs import Collect
    from provisioner.app.request import Request
    from provisioner.app.restore_plan import RestorePlan
    from provisioner.backup.archive import Archive
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

    def say(self, text: str) -> None:
        self.listener(Notice(text))

    def take_away(
        self, services: Sequence[str], volumes: Collection[str], *, removed: bool = False, whole: bool = False
    ) -> None:
        """Stop the services in this order, and remove whatever has the volumes; on a Swarm remove the services.

        Jobs are removed too, so that they run again on the data that come; with `removed` all containers are, so that
        nothing but an apply starts them again, and with `whole` their anonymous volumes too.
        """
        for name in services:
            self.held.require_held()
            self.say(f"service.{name}: stands still until the data are there")
            for raw in self._swarm_services(name):
                self.engine.remove("service", raw)
            for one in owned_containers(self.engine, self.project, [name]) if self.saving.mode != "swarm" else ():
                self.engine.stop(one.id)
                if removed or self.saving.playbook.services[name].job:
                    self.engine.remove("container", one.id, volumes=whole)
        if removed:
            self._remove_rest()
        clock = SystemClock()
        until = clock.now() + _GONE
        while left := self._holders(volumes):
            if self.saving.mode == "swarm" and clock.now() < until:
                clock.sleep(0.5)
                continue
            if clock.now() > until + _GONE:
                raise StepFailed(
                    f"{', '.join(left)} go on holding {', '.join(volumes)}",
                    hint="something else starts them: end that, then restore again",
                )
            for identity in left:
                self.engine.stop(identity)
                self.engine.remove("container", identity)

    def _remove_rest(self) -> None:
        """Remove what else is there: services that are not declared any more, containers of `run`."""
        for kind in ("service",) if self.saving.mode == "swarm" else ():
            for raw in self.engine.list(kind, {PROJECT: self.project}):
                self.engine.remove(kind, str(raw["ID"]))
        for raw in self.engine.list("container", {PROJECT: self.project}):
            belongs = owner(raw["Config"].get("Labels") or {}, str(raw["Name"]).lstrip("/"))
            if belongs is not None and belongs[1].kind == "service":
                self.engine.stop(str(raw["Id"]))
                self.engine.remove("container", str(raw["Id"]))

    def _holders(self, volumes: Collection[str]) -> list[str]:
        return [
            str(one["Id"])
            for one in self.engine.containers()
            if is_ours(one, self.project) and any(mounts_volume(one, volume) for volume in volumes)
        ]

    def _swarm_services(self, name: str) -> list[str]:
        if self.saving.mode != "swarm":
            return []
        found = self.engine.list("service", {PROJECT: self.project})
        wanted = f"service.{name}"
        return [str(raw["ID"]) for raw in found if raw["Spec"]["Labels"].get("provisioner.address") == wanted]

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
        resource = lower(playbook, InputVersions(), self.saving.mode).resources.get(address) if key else None
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


class Restoration(Work):
    """One restore, from a plan that was agreed to. `before` is what serves again where the old data are put back.

    Masks run in services that nobody can reach, as `closed` declares them, before the rest starts.
    """

    def __init__(
        self,
        work: Work,
        plan: RestorePlan,
        archive: Archive,
        identities: Sequence[str] | None,
        *,
        before: Course | None = None,
        closed: Course | None = None,
    ) -> None:
        super().__init__(work.request, work.saving, work.held, work.listener, work.interrupt)
        self.course = work.course
        self.plan = plan
        self.archive = archive
        self.identities = identities
        self.before = before or work.course
        self.closed = closed

    def run(self, *, verify: bool, prune: bool) -> tuple[ApplyResult, tuple[str, ...]]:
        """Everything; how the apply at its end went, and the volumes with the data of before that stay.

        The record on the engine goes when it is at its end, well or put back.
        """
        begun = new_record(self.plan.command)
        found = self._gone_on_with()
        record = replace(found, command=begun.command, began=found.began or begun.began) if found else begun
        write_record(self.engine, self.project, record)
        names = [volume.name for volume in self.plan.volumes]
        try:
            self._take_away(names)
            record = self._keep(record)
            record = replace(record, volumes=tuple(dict.fromkeys((*record.volumes, *names))), replacing=True)
            write_record(self.engine, self.project, record)
        except BaseException as error:
            now = read_record(self.engine, self.project)
            # Unless a run has replaced some before, the data are where they were.
            if now is not None and not now.replacing:
                self.interrupt = NeverInterrupted()
                self.forget(now.kept)
                forget_record(self.engine, self.project)
                self._serve_again()
                raise _telling(error, "no data were replaced") from error.__cause__
            raise
        try:
            applied = self.replace_data(verify=verify)
        except BaseException as error:
            self._go_back(record, error)
            raise _telling(error, "the data of before are back") from error.__cause__
        forget_record(self.engine, self.project)
        kept = record.kept
        if prune and applied.exit_code == 0:
            self.forget(kept)
            kept = ()
        return applied, tuple(name + SUFFIX for name in kept)

    def _gone_on_with(self) -> Record | None:
        """The restore that was killed while it replaced data. Of one that had replaced none, the copies go: its volumes
        hold what they held, and may be others than those of this restore."""
        found = read_record(self.engine, self.project)
        if found is None or found.replacing:
            return found
        self.forget([one.volume for one in kept_data(self.engine, self.project) if found.made(one)])
        return None

    def _take_away(self, volumes: Collection[str], *, again: bool = False) -> None:
        masked = bool(self.plan.masks)
        self.take_away(self.plan.stopped, volumes, removed=masked, whole=masked and again)

    def _keep(self, record: Record) -> Record:
        """Copy what is there beside. What a killed run has copied whole is not copied again: it may be replaced."""
        together = tuple(volume.name for volume in self.plan.volumes if volume.holds)
        for volume in self.plan.volumes:
            if not volume.holds or volume.name in record.kept:
                continue
            self.held.require_held()
            self.say(f"volume.{volume.key}: what is there is kept in {volume.name}{SUFFIX}")
            keep_aside(self.engine, self.project, Kept(volume.name, record.began, together))
            record = replace(record, kept=(*record.kept, volume.name))
            write_record(self.engine, self.project, record)
        return record

    def replace_data(self, *, verify: bool) -> ApplyResult:
        """Fill the volumes, feed the dumps, apply the whole. Nothing is kept and, after a failure, nothing put back.

        ProvisionError where a part can not be restored or the services do not come up; KeyboardInterrupt where the
        user wants an end.
        """
        for volume in self.plan.volumes:
            self._require_wanted()
            self._make(volume.name)
            if volume.part is not None:
                self.say(f"volume.{volume.key}: {volume.part.entries} files from {self.archive.id}")
                with carrier_of(self.engine, self.project, volume.name) as carrier:
                    write_volume(self.engine, carrier, self.archive.content(volume.part, self.identities))
        fed = [part.address.partition(".")[2] for part in self.plan.dumps]
        if fed or self.plan.masks:
            targets = [Address("service", name) for name in dict.fromkeys((*fed, *self.plan.masks))]
            self._require_applied(self.apply(targets, course=self.closed))
            for name in fed:
                self._feed(name)
            for name in self.plan.masks:
                self._mask(name)
        applied = self.apply((), verify=verify)
        self._require_applied(applied)
        return applied

    def _make(self, name: str) -> None:
        """An empty volume: made anew as it was, or as the playbook declares it."""
        self.held.require_held()
        if self.engine.inspect("volume", name) is not None:
            make_anew(self.engine, name)
            return
        self.make_declared(name)

    def _feed(self, service: str) -> None:
        """Feed a service its dump."""
        declared = self.course.playbook.services[service].backup
        part = next(part for part in self.plan.dumps if part.address == f"service.{service}")
        self.say(f"service.{service}: fed its dump from {self.archive.id}")
        content = self.archive.content(part, self.identities)
        self._run(service, declared.restore if declared else (), "its dump could not be restored", content)

    def _mask(self, service: str) -> None:
        """Run a service's `backup.mask`."""
        declared = self.course.playbook.services[service].backup
        self.say(f"service.{service}: its data are masked")
        self._run(service, declared.mask if declared else (), "its data could not be masked")

    def _run(self, service: str, command: Sequence[str], failed: str, content: Iterator[bytes] | None = None) -> None:
        """Run a command in a service to its end. ProvisionError, with what it said, for one that fails."""
        self._require_wanted()
        running = [one for one in owned_containers(self.engine, self.project, [service]) if one.running]
        if not running:
            raise ProvisionError(f"service.{service} does not run on this engine, so that nothing can be done in it")
        try:
            for _ in self.engine.run_streamed(running[0].id, command, content):
                if self.interrupt.is_set():
                    raise KeyboardInterrupt
        except ProvisionError as error:
            error.message = f"service.{service}: {failed}: {error.message}"
            error.args = (error.message,)
            raise

    def _require_wanted(self) -> None:
        self.held.require_held()
        if self.interrupt.is_set():
            raise KeyboardInterrupt

    def _require_applied(self, applied: ApplyResult) -> None:
        """An apply that did not do what it should is an error here; checks that do not hold are not."""
        if applied.is_well or (applied.report is not None and not applied.report.failures and applied.checks):
            return
        errors = [one.error for one in applied.report.failures if one.error] if applied.report else []
        if applied.plan.refusals:
            raise Unsafe("\n".join(str(problem) for problem in applied.plan.refusals))
        if applied.report is not None and applied.report.interrupted:
            raise KeyboardInterrupt
        raise next(iter(errors), None) or ProvisionError("the services did not come up on the restored data")

    def _serve_again(self) -> None:
        self.apply((), course=self.before)

    def _go_back(self, record: Record, error: BaseException) -> None:
        """Put the data of before back and let the services run again; what that leaves undone is said in the error."""
        reason = error.message if isinstance(error, ProvisionError) else "interrupted"
        self.say(f"the restore failed ({reason}); the data of before are put back")
        self.interrupt = NeverInterrupted()
        try:
            self._take_away([volume.name for volume in self.plan.volumes], again=True)
            for volume in self.plan.volumes:
                if volume.name not in record.kept and self.engine.inspect("volume", volume.name) is not None:
                    make_anew(self.engine, volume.name)
            for name in record.kept:
                put_back(self.engine, self.project, name)
            self._serve_again()
            self.forget(record.kept)
            forget_record(self.engine, self.project)
        except ProvisionError as trouble:
            kept = ", ".join(name + SUFFIX for name in record.kept) or "no volume: there were none"
            raise ProvisionError(
                f"{reason}; and the data of before could not be put back: {trouble.message}. They are in {kept}",
                hint=f"mend that, then `{self.plan.command}`, or `provision restore --undo`",
            ) from error


def _telling(error: BaseException, outcome: str) -> BaseException:
    """The error, which says what became of the data too: who asked for silence hears of nothing else."""
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(f"interrupted; {outcome}")
    if isinstance(error, ProvisionError):
        error.message = f"{error.message}; {outcome}"
        error.args = (error.message,)
    return error
