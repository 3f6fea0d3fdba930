"""`restore`: an archive's data into an environment, with what was there kept beside until it is proven.

The order: read the archive to its end; take away the services that have the data, dependents first; copy what is there
into volumes beside; make the volumes anew and fill them; start what is fed dumps, and feed it; apply the whole. A
failure before the end puts the old data back.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioner.app.apply import apply_playbook
from provisioner.app.backup import open_saving
from provisioner.app.backup_sources import mounted_volumes, start_order
from provisioner.app.load import load_playbook
from provisioner.app.owned import owned_containers
from provisioner.app.restore_plan import RestorePlan, is_ours, mounts_volume, plan_restore
from provisioner.app.wiring import SystemClock
from provisioner.backup.archive import find_archive
from provisioner.backup.previous_data import (
    SUFFIX,
    Record,
    forget_record,
    keep_aside,
    kept_volumes,
    make_anew,
    put_back,
    read_record,
    write_record,
)
from provisioner.backup.streams import read_identities
from provisioner.backup.volumes import carrier_of, recover, write_volume
from provisioner.errors import ProvisionError, StepFailed, Unsafe
from provisioner.kinds import volume as volume_kind
from provisioner.kinds.ownership import PROTECTED, ownership_labels
from provisioner.ledger.lease import lease
from provisioner.model.address import Address
from provisioner.model.event import Notice
from provisioner.model.plan import Policy
from provisioner.platforms.choice import lower
from provisioner.platforms.lowering import InputVersions
from provisioner.playbook import select

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.apply import ApplyResult
    from provisioner.app.backup import Saving
    from provisioner.app.request import Request
    from provisioner.ledger.lease import Lease
    from provisioner.model.verification import CheckResult
    from provisioner.ports import Interrupt, Listener

# Seconds in which the containers of a Swarm service that was removed are gone.
_GONE = 120.0


@dataclass(frozen=True, slots=True)
class Options:
    """How a restore is to go. `identity` is an age key file, `replace` permits to replace data, `prune` removes the
    kept data once the checks have passed."""

    identity: str | None = None
    replace: bool = False
    prune: bool = False
    verify: bool = True
    lock_timeout: float = 0.0


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What became of a restore. `applied` is None where it was declined or refused; `kept` are the volumes with the
    data of before."""

    plan: RestorePlan
    applied: ApplyResult | None = None
    kept: tuple[str, ...] = ()

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """How the playbook's checks ended."""
        return self.applied.checks if self.applied else ()

    @property
    def exit_code(self) -> int:
        """0 restored and verified; 1 refused, or a check does not hold; else as an apply ends."""
        if self.applied is None:
            return 1
        return self.applied.exit_code


def restore(
    request: Request,
    name: str,
    addresses: Sequence[Address],
    options: Options,
    *,
    approve: Callable[[RestorePlan], bool],
    listener: Listener,
    interrupt: Interrupt,
) -> RestoreResult:
    """Look, ask, restore, verify. ProvisionError before anything is touched where the archive is damaged.

    Where it fails after that, the data of before are put back, and the error says so.
    """
    load_playbook(request, feasible=True)
    saving = open_saving(request)
    archive = find_archive(saving.places, saving.project, name)
    identities = read_identities(options.identity) if options.identity else None
    if archive.manifest.encrypted and identities is None:
        raise ProvisionError(f"{archive.id} is encrypted", hint="name the key file that opens it: --identity FILE")
    archive.check(identities, lambda part: listener(Notice(f"read {part.file}: whole")))
    # The lease is held while the question is open: what was looked at is what is replaced.
    with lease(
        saving.engine, saving.project, saving.mode, clock=SystemClock(), timeout=options.lock_timeout,
        waiting=lambda text: listener(Notice(text)),
    ) as held:  # fmt: skip
        recover(saving.engine, saving.project)
        plan = plan_restore(saving, archive, addresses, replace=options.replace)
        if not approve(plan) or plan.refusals:
            return RestoreResult(plan)
        with interrupt.deferred():
            return Restoration(request, saving, plan, identities, held, listener, interrupt).run(options)


def undo(request: Request, *, listener: Listener, interrupt: Interrupt, lock_timeout: float = 0.0) -> ApplyResult:
    """Put the data of before the last restore back, where they are kept, and apply.

    ProvisionError where nothing is kept.
    """
    saving = open_saving(request, places_needed=False)
    with lease(
        saving.engine, saving.project, saving.mode, clock=SystemClock(), timeout=lock_timeout,
        waiting=lambda text: listener(Notice(text)),
    ) as held, interrupt.deferred():  # fmt: skip
        recover(saving.engine, saving.project)
        record = read_record(saving.engine, saving.project)
        there = tuple(kept_volumes(saving.engine, saving.project).values())
        if record is None and not there:
            raise ProvisionError(f"no data of before a restore of {saving.playbook.title} are kept")
        # Of a restore that was killed, a copy that is not on record is not whole: its volume was not touched yet.
        names = record.kept if record is not None else there
        work = _Work(request, saving, held, listener, interrupt)
        work.put_back(names)
        applied = work.apply((), verify=True)
        if applied.is_well:
            work.forget(there)
            forget_record(saving.engine, saving.project)
        return applied


class NeverInterrupted:
    """An interrupt that does not come: what puts data back, or removes a copy, is not stopped half way."""

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float) -> bool:
        SystemClock().sleep(seconds)
        return False

    def deferred(self) -> AbstractContextManager[None]:
        return nullcontext()


class _Work:
    """What a restore does on the engine, each step by itself."""

    def __init__(self, request: Request, saving: Saving, held: Lease, listener: Listener, interrupt: Interrupt) -> None:
        self.request = request
        self.saving = saving
        self.engine = saving.engine
        self.project = saving.project
        self.held = held
        self.listener = listener
        self.interrupt = interrupt

    def say(self, text: str) -> None:
        self.listener(Notice(text))

    def take_away(self, services: Sequence[str], volumes: Sequence[str]) -> None:
        """Stop the services in this order, and remove whatever has the volumes; on a Swarm remove the services.

        Jobs are removed too, so that they run again on the data that come.
        """
        for name in services:
            self.held.require_held()
            self.say(f"service.{name}: stands still until the data are there")
            for raw in self._swarm_services(name):
                self.engine.remove("service", raw)
            for one in owned_containers(self.engine, self.project, [name]) if self.saving.mode != "swarm" else ():
                self.engine.stop(one.id)
                if self.saving.playbook.services[name].job:
                    self.engine.remove("container", one.id)
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

    def _holders(self, volumes: Sequence[str]) -> list[str]:
        return [
            str(one["Id"])
            for one in self.engine.containers()
            if is_ours(one, self.project) and any(mounts_volume(one, volume) for volume in volumes)
        ]

    def _swarm_services(self, name: str) -> list[str]:
        if self.saving.mode != "swarm":
            return []
        found = self.engine.list("service", {"provisioner.environment": self.project})
        wanted = f"service.{name}"
        return [str(raw["ID"]) for raw in found if raw["Spec"]["Labels"].get("provisioner.address") == wanted]

    def put_back(self, names: Sequence[str]) -> None:
        """The old data into their volumes again; whoever has those is taken away first."""
        playbook = self.saving.playbook
        keys = {key for key, declared in playbook.volumes.items() if declared.name in names}
        users = [name for name in reversed(start_order(playbook)) if mounted_volumes(playbook, name) & keys]
        self.take_away(users, names)
        for name in names:
            self.say(f"{name}: the data of before are put back")
            put_back(self.engine, self.project, name)

    def forget(self, names: Sequence[str]) -> None:
        """Remove the kept data."""
        for name in names:
            self.engine.remove("volume", name + SUFFIX)

    def apply(self, targets: Sequence[Address], *, verify: bool) -> ApplyResult:
        """Bring the environment, or some services with what they need, to what the playbook declares."""
        playbook = select.target(self.saving.playbook, [str(target) for target in targets])
        return apply_playbook(
            self.request, playbook, self.engine, Policy(targets=tuple(targets)), approve=lambda plan: True,
            listener=self.listener, verify=verify, interrupt=self.interrupt, held=self.held,
        )  # fmt: skip


class Restoration(_Work):
    """One restore, from a plan that was agreed to."""

    def __init__(
        self,
        request: Request,
        saving: Saving,
        plan: RestorePlan,
        identities: Sequence[str] | None,
        held: Lease,
        listener: Listener,
        interrupt: Interrupt,
    ) -> None:
        super().__init__(request, saving, held, listener, interrupt)
        self.plan = plan
        self.identities = identities

    def run(self, options: Options) -> RestoreResult:
        """Everything; the record on the engine goes when it is at its end, well or put back."""
        found = read_record(self.engine, self.project)
        record = replace(found, archive=self.plan.archive.id) if found else Record(self.plan.archive.id)
        write_record(self.engine, self.project, record)
        names = [volume.name for volume in self.plan.volumes]
        try:
            self.take_away(self.plan.stopped, names)
            record = self._keep(record)
        except BaseException:
            # Unless a killed run has replaced some before, the data are where they were.
            if not self.plan.resumed:
                self.interrupt = NeverInterrupted()
                now = read_record(self.engine, self.project)
                self.forget(now.kept if now else ())
                forget_record(self.engine, self.project)
                self._serve_again()
            raise
        try:
            applied = self.replace_data(verify=options.verify)
        except BaseException as error:
            self._go_back(record, error)
            raise
        forget_record(self.engine, self.project)
        kept = record.kept
        if options.prune and applied.exit_code == 0:
            self.forget(kept)
            kept = ()
        return RestoreResult(self.plan, applied, tuple(name + SUFFIX for name in kept))

    def _keep(self, record: Record) -> Record:
        """Copy what is there beside. What a killed run has copied whole is not copied again: it may be replaced."""
        for volume in self.plan.volumes:
            if not volume.holds or volume.name in record.kept:
                continue
            self.held.require_held()
            self.say(f"volume.{volume.key}: what is there is kept in {volume.name}{SUFFIX}")
            keep_aside(self.engine, self.project, volume.name)
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
            self._make(volume.key, volume.name)
            if volume.part is not None:
                self.say(f"volume.{volume.key}: {volume.part.entries} files from {self.plan.archive.id}")
                with carrier_of(self.engine, self.project, volume.name) as carrier:
                    write_volume(self.engine, carrier, self.plan.archive.content(volume.part, self.identities))
        if self.plan.dumps:
            targets = [Address("service", part.address.partition(".")[2]) for part in self.plan.dumps]
            self._require_applied(self.apply(targets, verify=False))
            for part in self.plan.dumps:
                self._feed(part.address.partition(".")[2])
        applied = self.apply((), verify=verify)
        self._require_applied(applied)
        return applied

    def _make(self, key: str, name: str) -> None:
        """An empty volume: made anew as it was, or as the playbook declares it."""
        self.held.require_held()
        if self.engine.inspect("volume", name) is not None:
            make_anew(self.engine, name)
            return
        playbook, address = self.saving.playbook, Address("volume", key)
        resource = lower(playbook, InputVersions(), self.saving.mode).resources.get(address)
        if resource is None:
            raise ProvisionError(f"{address} is external, and is not there", hint=f"docker volume create {name}")
        labels = ownership_labels(self.project, address, name) | ({PROTECTED: "true"} if resource.protect else {})
        self.engine.create("volume", name, volume_kind.encode(resource.spec, labels))

    def _feed(self, service: str) -> None:
        """Feed a service its dump."""
        self._require_wanted()
        declared = self.saving.playbook.services[service].backup
        part = next(part for part in self.plan.dumps if part.address == f"service.{service}")
        running = [one for one in owned_containers(self.engine, self.project, [service]) if one.running]
        if not running or declared is None:
            raise ProvisionError(f"service.{service} does not run on this engine, so that nothing can read its dump")
        self.say(f"service.{service}: fed its dump from {self.plan.archive.id}")
        content = self.plan.archive.content(part, self.identities)
        try:
            for _ in self.engine.run_streamed(running[0].id, declared.restore, content):
                pass
        except ProvisionError as error:
            error.message = f"service.{service}: its dump could not be restored: {error.message}"
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
        self.apply((), verify=False)

    def _go_back(self, record: Record, error: BaseException) -> None:
        """Put the data of before back and let the services run again; what that leaves undone is said in the error."""
        reason = error.message if isinstance(error, ProvisionError) else "interrupted"
        self.say(f"the restore failed ({reason}); the data of before are put back")
        self.interrupt = NeverInterrupted()
        try:
            self.take_away(self.plan.stopped, [volume.name for volume in self.plan.volumes])
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
                hint="mend that, then run the same restore again, or `provision restore --undo`",
            ) from error
        if isinstance(error, ProvisionError):
            error.message = f"{error.message}; the data of before are back"
            error.args = (error.message,)
