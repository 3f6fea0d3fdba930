"""`adopt`: take over what already runs, without touching it; and `adopt --release`, which forgets it again."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

from provisioner.app.adopt_candidates import refusals_of
from provisioner.app.adopt_plan import plan_adoption
from provisioner.app.adopt_proof import lists, require_standing, require_unchanged, standing
from provisioner.app.apply import require_approved
from provisioner.app.git_commit import git_commit
from provisioner.app.load import load_playbook
from provisioner.app.plan_digest import digest_adoption
from provisioner.app.platform import choose_platform
from provisioner.app.secret_inputs import persist_new_values
from provisioner.app.take_over import own_name, take_over
from provisioner.app.wiring import held_lease, open_engine
from provisioner.errors import PlanStale, Unsafe, UsageError
from provisioner.kinds.ownership import NEXT, PREFIX, PREVIOUS, owner
from provisioner.ledger.adoptions import learn, learn_of_others, read_adoptions, record_adoptions
from provisioner.ledger.lease import require_free
from provisioner.ledger.records import read_ledger, record_released
from provisioner.ledger.revisions import record_revision
from provisioner.model.address import Address
from provisioner.model.adoption import Release
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem
from provisioner.reconcile.adoption import RELABELLED, labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.adopt_plan import AdoptionChoice, PreparedAdoption
    from provisioner.app.adopt_proof import Lists
    from provisioner.app.request import Request
    from provisioner.model.adoption import Adopted, AdoptionPlan
    from provisioner.model.playbook import Playbook
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineReader, EngineWriter, Interrupt, Listener


@dataclass(frozen=True, slots=True)
class AdoptionResult:
    """`done`: whether it was written. `revision` is the number under which it can be gone back to; 0 where none is
    kept: of a part of the playbook, of what could not be written down, where nothing but what does not run differs."""

    plan: AdoptionPlan
    done: bool = False
    revision: int = 0

    @property
    def exit_code(self) -> int:
        """1 where something must not be adopted; then nothing was."""
        return 1 if self.plan.refusals else 0


def look(request: Request, choice: AdoptionChoice) -> AdoptionPlan:
    """What `adopt` would do. Changes nothing."""
    playbook = load_playbook(request, targets=choice.targets, feasible=True)
    return plan_adoption(request, playbook, open_engine(request, playbook.engine), choice).plan


def adopt(
    request: Request,
    choice: AdoptionChoice,
    *,
    approve: Callable[[AdoptionPlan], bool],
    listener: Listener,
    interrupt: Interrupt,
) -> AdoptionResult:
    """Look, ask, see under the lease that all is as it was, and write down what is adopted. Nothing is restarted or
    copied.

    PlanStale where something changed between the question and the lease.
    """
    playbook = load_playbook(request, targets=choice.targets, feasible=True)
    engine = open_engine(request, playbook.engine)
    looked = plan_adoption(request, playbook, engine, choice)
    if not approve(looked.plan) or looked.plan.refusals or looked.plan.changes_nothing:
        return AdoptionResult(looked.plan)
    if looked.prepared.materials.needs_persisting:
        looked = _persisted(request, playbook, engine, choice, looked)
    platform = looked.prepared.platform
    with held_lease(engine, playbook.project, platform, listener, choice.lock_timeout) as held:
        known, listed = _look_again(engine, choice, looked)
        with interrupt.deferred():
            writer = held.fence(engine)
            if looked.plan.adopts:
                number = (looked.prepared.last.number if looked.prepared.last else 0) + 1 if looked.state else 0
                adopted = take_over(
                    writer, playbook.project, looked.prepared.platform.mode, known, looked.plan.adopts, listed, number
                )
                learn(engine, playbook.project, adopted)
            return AdoptionResult(looked.plan, done=True, revision=_keep_revision(writer, looked))


def _persisted(
    request: Request, playbook: Playbook, engine: EngineReader, choice: AdoptionChoice, looked: PreparedAdoption
) -> PreparedAdoption:
    """Keep the values that were made now (a first fingerprint key), and look again: records hold fingerprints."""
    salt = token_hex(16)
    approved = digest_adoption(looked.prepared, looked.plan.adopts, salt)
    persist_new_values(request, playbook, looked.prepared.materials)
    again = plan_adoption(request, playbook, engine, choice)
    if again.plan.refusals:
        raise Unsafe("\n".join(str(problem) for problem in again.plan.refusals))
    require_approved(approved, digest_adoption(again.prepared, again.plan.adopts, salt))
    return again


def _look_again(
    engine: EngineReader, choice: AdoptionChoice, looked: PreparedAdoption
) -> tuple[Sequence[Adopted], Lists]:
    """What the ledger and the engine list now. PlanStale or Unsafe unless what was approved still stands."""
    project, manager = looked.prepared.playbook.project, looked.prepared.plan.observed.facts.swarm_manager
    listed = lists(engine)
    owners = learn_of_others(engine, project, listed.objects.values(), manager=manager)
    require_standing(looked.listed, listed, looked.plan.adopts)
    if choice.asks:
        require_unchanged(engine, looked.candidates)
    refusals = refusals_of(engine, looked.candidates, listed.containers, project, choice.forced)
    refusals += [
        Problem(f"the {adopted.kind} {adopted.name} belongs to the environment {owner} now", path=adopted.address)
        for adopted in looked.plan.adopts
        if (owner := owners.get((adopted.kind, adopted.id)))
    ]
    if refusals:
        raise Unsafe("\n".join(str(problem) for problem in refusals))
    _, known = read_adoptions(engine, project, manager=manager)
    if known != looked.prepared.ledger.adopted:
        raise PlanStale(
            "other objects were adopted or released meanwhile",
            hint="nothing was adopted; look at the new plan and adopt again",
        )
    return known, listed


def _keep_revision(engine: EngineWriter, looked: PreparedAdoption) -> int:
    """Keep what was adopted as a revision, to which a later apply can be rolled back."""
    prepared, state = looked.prepared, looked.state
    if state is None:
        return 0
    return record_revision(
        engine, state.playbook, state.inputs, prepared.platform.mode, state.observed,
        commit=git_commit(prepared.playbook.directory), last=prepared.ledger.last, still=state.still,
    )  # fmt: skip


# Release ------------------------------------------------------------------------------------------------------------


def release(
    request: Request,
    addresses: Sequence[Address],
    *,
    approve: Callable[[Release], bool],
    listener: Listener,
    interrupt: Interrupt,
    lock_timeout: float = 0.0,
    check: bool = False,
) -> tuple[Release, bool]:
    """Forget adopted objects, or those at these addresses: they stay as they are. Also whether it was done, which with
    `check` it never is.

    UsageError for an address at which nothing is adopted, Unsafe for what is half replaced, LeaseHeld while another
    works.
    """
    playbook = load_playbook(request, allow_unset=True)
    engine = open_engine(request, playbook.engine)
    platform = choose_platform(playbook, engine)
    if not check and not lock_timeout:
        require_free(engine, playbook.project)
    planned = _plan_release(playbook, engine, addresses)
    if not planned.released or not approve(planned) or check:
        return planned, False
    with held_lease(engine, playbook.project, platform, listener, lock_timeout) as held:
        planned = _plan_release(playbook, engine, addresses)
        with interrupt.deferred():
            _forget(held.fence(engine), planned, platform.mode)
    learn(engine, playbook.project, planned.kept)
    return planned, True


def _plan_release(playbook: Playbook, engine: EngineReader, addresses: Sequence[Address]) -> Release:
    _, adopted = read_adoptions(engine, playbook.project)
    listed = lists(engine)
    present = standing(engine, adopted, listed)
    for address in addresses:
        if not any(_is_at(record, address) for record in present):
            known = sorted({record.address for record in present})
            raise UsageError(
                f"nothing is adopted as {address}",
                hint=f"adopted are: {', '.join(known)}" if known else "what an apply made is this environment's own",
            )
    chosen = [record for record in present if not addresses or any(_is_at(record, address) for address in addresses)]
    _require_finished(chosen, listed, playbook.project)
    kept = tuple(record for record in present if record not in chosen)
    return Release(playbook.title, playbook.project, tuple(chosen), kept)


def _require_finished(released: Sequence[Adopted], listed: Lists, project: str) -> None:
    """Unsafe where a container is half replaced: what is to replace it is our own, and would stay beside it."""
    halves: dict[str, list[str]] = {}
    for adopted in (adopted for adopted in released if adopted.kind == "container"):
        for raw in listed.containers:
            name = own_name(raw)
            own = raw["Id"] == adopted.id or owner(raw.get("Labels"), name) == (project, Address.parse(adopted.address))
            if own and name != adopted.name and name.endswith((NEXT, PREVIOUS)):
                halves.setdefault(adopted.address, []).append(name)
    if halves:
        half_adopted = "; ".join(f"{address} ({', '.join(sorted(names))})" for address, names in sorted(halves.items()))
        raise Unsafe(
            f"an apply that was interrupted has begun to replace what would be released: {half_adopted}",
            hint="nothing was released; finish that with `provision apply` first",
        )


def _is_at(adopted: Adopted, address: Address) -> bool:
    own = Address.parse(adopted.address)
    return own is not None and address in (own, own.whole)


def _forget(engine: EngineWriter, planned: Release, mode: Mode) -> None:
    """Take the labels off what can be labelled, then write the record."""
    for adopted in planned.released:
        raw = engine.inspect(adopted.kind, adopted.id) if adopted.kind in RELABELLED else None
        if raw is not None:
            labels = {key: value for key, value in labels_of(raw).items() if not key.startswith(PREFIX)}
            engine.update_spec(
                adopted.kind, adopted.id, int(raw["Version"]["Index"]), {**raw["Spec"], "Labels": labels}
            )
    ledger = read_ledger(engine, planned.project)
    record_released(engine, planned.project, mode, ledger, [adopted.address for adopted in planned.released])
    record_adoptions(engine, planned.project, mode, planned.kept)
