"""`restore`: an archive's data into an environment, with what was there kept beside until it is proven.

The order: read the archive to its end; take away the services that have the data, dependents first; copy what is there
into volumes beside; make the volumes anew and fill them; start what is fed dumps, and feed it; apply the whole. A
failure before the end puts the old data back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.backup import open_saving
from provisioner.app.load import load_playbook
from provisioner.app.restore_plan import RestorePlan, origin_of, plan_restore
from provisioner.app.restore_steps import Work
from provisioner.app.restore_work import Restoration
from provisioner.app.wiring import held_lease
from provisioner.backup.archive import find_archive
from provisioner.backup.streams import read_identities
from provisioner.backup.volumes import recover
from provisioner.errors import ProvisionError
from provisioner.model.dataclass import dataclass
from provisioner.model.event import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.apply import ApplyResult
    from provisioner.app.backup import Saving
    from provisioner.app.request import Request
    from provisioner.backup.archive import Archive
    from provisioner.ledger.lease import Lease
    from provisioner.model.address import Address
    from provisioner.model.verification import CheckResult
    from provisioner.ports import Interrupt, Listener


@dataclass(frozen=True, slots=True)
class Options:
    """How a restore is to go. `identity` is an age key file, `replace` permits to replace data, `prune` removes the
    kept data once the checks have passed, and before it begins what an earlier restore has kept of the same volumes."""

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
    identities = opened(archive, options.identity, listener)
    # The lease is held while the question is open: what was looked at is what is replaced.
    with held_for(saving, options, listener) as held:
        recover(saving.engine, saving.project)
        parts = archive.manifest.parts
        plan = plan_restore(
            saving, origin_of(archive), parts, addresses, replace=options.replace, prune=options.prune
        )  # fmt: skip
        if not approve(plan) or plan.refusals:
            return RestoreResult(plan)
        with interrupt.deferred():
            work = Work(request, saving, held, listener, interrupt)
            return finished(Restoration(work, plan, archive, identities), options)


def finished(work: Restoration, options: Options) -> RestoreResult:
    """Carry a restore out."""
    return RestoreResult(work.plan, *work.run(verify=options.verify, prune=options.prune))


def opened(archive: Archive, identity: str | None, listener: Listener) -> tuple[str, ...] | None:
    """The keys of an archive, which is read to its end. ProvisionError where it is damaged or they do not open it."""
    for note in archive.notes:
        listener(Notice(note))
    identities = read_identities(identity) if identity else None
    if archive.manifest.encrypted and identities is None:
        raise ProvisionError(f"{archive.id} is encrypted", hint="name the key file that opens it: --identity FILE")
    archive.check(identities, lambda part: listener(Notice(f"read {part.file}: whole")))
    return identities


def held_for(saving: Saving, options: Options, listener: Listener) -> AbstractContextManager[Lease]:
    """The environment's lease for a block."""
    return held_lease(saving.engine, saving.project, saving.platform, listener, options.lock_timeout)
