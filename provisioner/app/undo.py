"""`restore --undo`: the data of before a restore again, each volume named before it is put back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.backup import open_saving
from provisioner.app.restore import Options, held_for
from provisioner.app.restore_steps import Work
from provisioner.backup.previous_data import Kept, Record, forget_record, kept_data, read_record, write_record
from provisioner.backup.volumes import recover
from provisioner.errors import ProvisionError
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.apply import ApplyResult
    from provisioner.app.backup import Saving
    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.ports import Interrupt, Listener

_FINISHES = "provision restore --undo"


@dataclass(frozen=True, slots=True)
class Former:
    """A volume and the data of before a restore that are kept of it. `since` (RFC 3339) is when that began, empty for
    unknown; without `kept` it held nothing."""

    address: str
    since: str
    kept: str


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What is put back, and what earlier restores have kept and stays. Where there are `refusals` nothing is done.

    `record` is the restore that did not come to its end, `chosen` what is kept of the volumes that are put back.
    """

    title: str
    chosen: tuple[Kept, ...]
    volumes: tuple[Former, ...]
    stay: tuple[Former, ...]
    refusals: tuple[Problem, ...] = ()
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What became of it. `applied` is None where it was declined or refused."""

    plan: UndoPlan
    applied: ApplyResult | None = None

    @property
    def exit_code(self) -> int:
        """1 refused; else as an apply ends."""
        return self.applied.exit_code if self.applied else 1


def undo(
    request: Request,
    addresses: Sequence[Address],
    *,
    approve: Callable[[UndoPlan], bool],
    listener: Listener,
    interrupt: Interrupt,
    lock_timeout: float = 0.0,
) -> UndoResult:
    """Put back what the last restore has kept, or what is kept of some volumes, and apply.

    ProvisionError where nothing is kept.
    """
    saving = open_saving(request, places_needed=False)
    with held_for(saving, Options(lock_timeout=lock_timeout), listener) as held, interrupt.deferred():
        recover(saving.engine, saving.project)
        plan = plan_undo(saving, addresses)
        if not approve(plan) or plan.refusals:
            return UndoResult(plan)
        work = Work(request, saving, held, listener, interrupt)
        names, record = tuple(kept.volume for kept in plan.chosen), plan.record
        if record is None:
            # Killed half way, it is a restore that did not come to its end, and what is kept puts that back, too.
            write_record(saving.engine, saving.project, Record(_FINISHES, names, names, replacing=True))
            work.put_back(names)
            forget_record(saving.engine, saving.project)
        elif record.replacing:
            work.put_back(names, record.emptied)
        applied = work.apply((), verify=True)
        # What the checks say of the old data they said before: these are back, and kept a second time they would be in
        # the way of the next restore, and could be put back over what is done from now on.
        if applied.is_done:
            # Of a restore that was killed, a copy that is not on record is not whole: its volume was not touched yet.
            copies = kept_data(saving.engine, saving.project)
            of_it = [kept.volume for kept in copies if record is not None and record.made(kept)]
            work.forget(tuple(dict.fromkeys((*names, *of_it))))
            forget_record(saving.engine, saving.project)
        return UndoResult(plan, applied)


def plan_undo(saving: Saving, addresses: Sequence[Address]) -> UndoPlan:
    """What is kept, by who has the lease; ProvisionError for nothing."""
    record = read_record(saving.engine, saving.project)
    by_volume = {kept.volume: kept for kept in kept_data(saving.engine, saving.project)}
    if record is not None:
        return _of_unfinished(saving, record, by_volume, addresses)
    if not by_volume:
        raise ProvisionError(f"no data of before a restore of {saving.playbook.title} are kept")
    refusals: list[Problem] = []
    if addresses:
        known = {_address(saving, name): kept for name, kept in by_volume.items()}
        chosen = [known[str(address)] for address in dict.fromkeys(addresses) if str(address) in known]
        for address in addresses:
            if str(address) not in known:
                text = f"nothing that {address} held before a restore is kept"
                refusals.append(Problem(text, None, "", f"there are: {', '.join(sorted(known))}"))
    else:
        last = max(kept.since for kept in by_volume.values())
        chosen = [kept for kept in by_volume.values() if kept.since == last]
        if missing := sorted({name for kept in chosen for name in kept.together} - {kept.volume for kept in chosen}):
            named = " ".join(_address(saving, kept.volume) for kept in chosen)
            gone = ", ".join(_address(saving, name) for name in missing)
            text = f"what that restore replaced in {gone} is not kept any more: the volumes would be of two states"
            refusals.append(Problem(text, None, "", f"name what is to be put back all the same: {named}"))
    stay = [kept for kept in by_volume.values() if kept not in chosen]
    plan = UndoPlan(saving.playbook.title, tuple(chosen), _former(saving, chosen), _former(saving, stay))
    return replace(plan, refusals=tuple(refusals))


def _of_unfinished(
    saving: Saving, record: Record, by_volume: dict[str, Kept], addresses: Sequence[Address]
) -> UndoPlan:
    """A restore that did not come to its end is undone whole."""
    refusals = []
    names = record.kept if record.replacing else ()
    if addresses:
        text = "a restore did not come to its end, and is undone whole"
        refusals.append(Problem(text, hint="name no address"))
    if missing := [name for name in names if name not in by_volume]:
        gone = ", ".join(_address(saving, name) for name in missing)
        text = f"what the restore replaced in {gone} is not kept any more: the volumes would be of two states"
        refusals.append(Problem(text, hint=f"`{record.command}` finishes that restore"))
    chosen = tuple(by_volume[name] for name in names if name in by_volume)
    empty = tuple(Former(_address(saving, name), record.began, "") for name in record.emptied)
    stay = [kept for kept in by_volume.values() if not record.made(kept)]
    volumes = (*_former(saving, chosen), *empty)
    return UndoPlan(saving.playbook.title, chosen, volumes, _former(saving, stay), tuple(refusals), record)


def _former(saving: Saving, kept: Sequence[Kept]) -> tuple[Former, ...]:
    return tuple(Former(_address(saving, copy.volume), copy.since, copy.name) for copy in kept)


def _address(saving: Saving, name: str) -> str:
    """A volume's address; one that the playbook does not declare any more has its name only."""
    return next((f"volume.{key}" for key, declared in saving.playbook.volumes.items() if declared.name == name), name)
