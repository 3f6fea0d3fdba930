"""One restore from its plan to its end; a failure before that puts the old data back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.owned import owned_containers
from provisioner.app.restore_steps import Course, NeverInterrupted, Work
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
from provisioner.errors import Interrupted, ProvisionError, Unsafe
from provisioner.model.address import Address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from provisioner.app.apply import ApplyResult
    from provisioner.app.restore_plan import RestorePlan
    from provisioner.backup.archive import Archive


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
        earlier = self._gone_on_with()
        record = replace(earlier, command=begun.command, began=earlier.began or begun.began) if earlier else begun
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
        record = read_record(self.engine, self.project)
        if record is None or record.replacing:
            return record
        self.forget([kept.volume for kept in kept_data(self.engine, self.project) if record.made(kept)])
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
                self.say(f"volume.{volume.key}: its files from {self.archive.id}")
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
        self.let_run_again()
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
        running = [
            container for container in owned_containers(self.engine, self.project, [service]) if container.running
        ]
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
        errors = (
            [_of(result.step.address, result.error) for result in applied.report.failures if result.error]
            if applied.report
            else []
        )
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


def _of(address: Address, error: ProvisionError) -> ProvisionError:
    """The error, which says what it is of."""
    if str(address.whole) not in error.message:
        error.message = f"{address.whole}: {error.message}"
        error.args = (error.message,)
    return error


def _telling(error: BaseException, outcome: str) -> BaseException:
    """The error, which says what became of the data too: who asked for silence hears of nothing else."""
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(f"interrupted; {outcome}")
    if isinstance(error, ProvisionError):
        error.message = f"{error.message}; {outcome}"
        error.args = (error.message,)
    return error
