"""`plan`: what an apply would do, and why. Reads only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.app.adopted_names import names_of_adopted, with_names
from provisioner.app.external_inputs import collect_inputs
from provisioner.app.foreign_owners import elsewhere_notes, learn_owners, typed_hints
from provisioner.app.intentions import as_scaled, with_intentions, with_kept_scale
from provisioner.app.left_volumes import left_volume_notes, left_volumes
from provisioner.app.lost_key import incomparable_versions, require_no_new_use, with_versions
from provisioner.app.lost_key import notes as key_notes
from provisioner.app.made_anew import anew_alone, diff_anew, require_services_and_jobs
from provisioner.app.moved import Moves, move_notes, moved_objects, suggested_moves, suggestion
from provisioner.app.moved_files import file_notes, moved_files, suggested_files
from provisioner.app.platform import choose_platform
from provisioner.app.possible import require_possible
from provisioner.app.prepared import Prepared
from provisioner.backup.previous_data import read_record
from provisioner.errors import PlaybookInvalid
from provisioner.kinds.ownership import PROJECT
from provisioner.ledger.adoptions import as_if_adopted, learn, one_look
from provisioner.ledger.records import Ledger, read_ledger
from provisioner.ledger.revisions import Revision, desired_of
from provisioner.model.plan import Verb
from provisioner.model.span import Problem, Span
from provisioner.playbook.file_targets import folders_of_images
from provisioner.playbook.own_names import shared_names
from provisioner.playbook.select import with_kinds
from provisioner.reconcile.claims import ClaimKind, listed_holders, process_holders
from provisioner.reconcile.clashes import takes_claims
from provisioner.reconcile.expected import assume_present
from provisioner.reconcile.observe import observe
from provisioner.reconcile.outdated import LedgerFacts
from provisioner.reconcile.pins import taken_from_registries
from provisioner.reconcile.planning import plan
from provisioner.reconcile.retained import retained_objects, without_guard_changes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from provisioner.app.external_inputs import Collect, ExternalInputs
    from provisioner.app.prepared import Lowered
    from provisioner.app.request import Request
    from provisioner.model.adoption import Adopted
    from provisioner.model.change import Change
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import DesiredState, ObservedState
    from provisioner.ports import EngineReader
    from provisioner.reconcile.claims import Holder

# Of the changes that a narrowed plan leaves alone.
_MOST_NAMED = 5
# After a look at an engine on which something of the environment came meanwhile.
_MORE_LOOKS = 2
# Registries answer slowly.
_ASKED_AT_ONCE = 8


def prepare(
    request: Request,
    playbook: Playbook,
    engine: EngineReader,
    policy: Policy,
    gathering: Collect = collect_inputs,
    *,
    feasible: bool = True,
    lowered: Lowered | None = None,
    known: Ledger | None = None,
) -> Prepared:
    """Look at everything once, compare, and order what is to be done. The engine is asked nothing twice.

    `gathering` gives what is needed from outside the playbook; `lowered` is what came of a playbook and just that;
    `known` is what the ledger says, where nobody can have written to it since it was read.
    Raises PlaybookInvalid for what the mode can not do, such as replicas on one host port; without `feasible`,
    contradictions in the playbook are let pass.
    """
    for _ in range(_MORE_LOOKS):
        with suppress(_CameMeanwhile):
            return _prepare_once(request, playbook, engine, policy, gathering, feasible, lowered, known, strict=True)
    return _prepare_once(request, playbook, engine, policy, gathering, feasible, lowered, known, strict=False)


class _CameMeanwhile(Exception):
    """An object of the environment came while the engine was looked at, such as one that a killed run asked for."""


def _prepare_once(
    request: Request,
    playbook: Playbook,
    engine: EngineReader,
    policy: Policy,
    gathering: Collect,
    feasible: bool,
    lowered: Lowered | None,
    known: Ledger | None,
    *,
    strict: bool,
) -> Prepared:
    """`prepare` from one look at the engine. `strict` raises _CameMeanwhile where that was none."""
    engine = one_look(engine, playbook.project, ledger=known is None)
    policy = replace(
        policy,
        targets=with_kinds(playbook, policy.targets),
        made_anew=with_kinds(playbook, policy.made_anew),
        rerun=with_kinds(playbook, policy.rerun),
    )
    require_services_and_jobs(playbook, policy)
    facts = engine.facts()
    ledger = known or read_ledger(engine, playbook.project, manager=facts.swarm_manager)
    playbook = _with_names(playbook, ledger.adopted)
    platform = choose_platform(playbook, engine)
    possible = require_possible(request, playbook, platform, facts, feasible=feasible and not policy.alone)
    notes = (*possible, *_writable(playbook), *platform.remarks(playbook, facts))
    playbook = with_kept_scale(playbook, ledger, policy.scaled)
    materials = gathering(request, playbook, engine, platform)
    notes = (*notes, *(Problem(message) for message in materials.messages))
    same = lowered is not None and lowered.playbook == playbook
    desired = lowered.desired if lowered and same else platform.lower(playbook, materials.inputs)
    kept, last = ledger.revisions, ledger.last
    observed = observe(engine, desired, last.containers if last else {}, ledger.guards)
    if learn_owners(engine, playbook.project, observed):
        observed = observe(engine, desired, last.containers if last else {}, ledger.guards)
    leftovers = left_volumes(engine, desired, observed)
    moves, notes_on_moves = _moves(playbook, desired, observed, materials, ledger)
    notes = (*notes, *left_volume_notes(leftovers), *notes_on_moves)
    if leftovers or moves:
        engine = as_if_adopted(engine, playbook.project, (*leftovers, *moves))
        learn(engine, playbook.project, ledger.adopted)
        playbook = _with_names(playbook, moves)
        desired = platform.lower(playbook, materials.inputs)
        observed = observe(engine, desired, last.containers if last else {}, ledger.guards)
    observed = assume_present(observed, desired, policy.expected)
    if folders := list(folders_of_images(playbook, observed.facts.images)):
        raise PlaybookInvalid(folders)
    if incomparable := incomparable_versions(observed, materials):
        notes = (*notes, *key_notes(materials, incomparable, accepted=policy.accept_new_key))
        if not policy.accept_new_key:
            materials = with_versions(materials, incomparable)
            desired = platform.lower(playbook, materials.inputs)
            observed = observe(engine, desired, last.containers if last else {}, ledger.guards)
            observed = assume_present(observed, desired, policy.expected)
    last_desired = None
    if last is not None:
        as_then = not policy.targets and last.is_declared_by(playbook, materials.inputs, platform.mode)
        # What `scale` keeps, and the names of what is adopted, are not in a revision.
        as_then = as_then and not (ledger.intentions.scaled or ledger.adopted or moves)
        last_desired = desired if as_then else desired_of(as_scaled(last, ledger), playbook.project)
    applied = ledger.expected(last_desired)
    others: tuple[Change, ...] = ()
    if policy.alone:
        from provisioner.reconcile.targeting import restrict

        changes, others = restrict(policy.targets, desired, observed, applied)
        changes = anew_alone(changes, policy)
        notes = (*notes, *_pending_notes(others))
    else:
        changes = diff_anew(desired, observed, applied, policy)
    if policy.targets:
        changes = without_guard_changes(changes)
    else:
        alike = (*suggested_moves(changes, observed), *suggested_files(changes, observed, materials, desired))
        notes = (*notes, *suggestion(alike))
    previous = last
    if last is not None and last.matches(playbook, materials.inputs, platform.mode, observed):
        # What is declared is the last revision: what was before it is the last one that declares something else.
        previous = next((revision for revision in reversed(kept) if not revision.declares_like(last)), None)
    good = _good_before(ledger, previous)
    filled = (operation for revision in kept for operation in revision.files.values())
    before = last_desired if previous is last else desired_of(previous, playbook.project) if previous else None
    past = LedgerFacts(before, frozenset(filled) - {""}, desired_of(good, playbook.project) if good else None)
    claims = takes_claims(changes)
    listed = _holders(engine, claims, policy.freed, playbook.project if strict else "")
    if last is None and _lists_containers(claims):
        notes = (*notes, *elsewhere_notes(request, playbook, engine.containers()))
    retained = retained_objects(playbook, [revision.document for revision in ledger.revisions])
    # What is no longer declared is removed in the order of what was.
    order = {**(last_desired.resources if last_desired else {}), **desired.resources}
    ordered = plan(
        playbook.title, changes, desired, observed, policy, order, notes, past, listed=listed, retained=retained
    )
    require_no_new_use(ordered, materials)
    ordered = replace(ordered, incomparable=tuple(sorted(materials.incomparable)))
    if any(step.verb is Verb.BUILD for step in ordered.steps):
        from provisioner.app.builds import with_builders

        ordered = with_builders(ordered, playbook, engine)
    ordered = _pinned(platform.check_placement(ordered, engine), engine)
    ordered = with_intentions(_exposed(ordered, policy), playbook, ledger)
    if not policy.restoring and (restore := read_record(engine, playbook.project)) is not None:
        ordered = replace(ordered, refusals=(*ordered.refusals, restore.problem()), steps=())
    if ledger.lacks_revision and ordered.changes:
        ordered = replace(ordered, notes=(*ordered.notes, _unfinished_note(request)))
    ordered = replace(ordered, adopts=leftovers, moves=moves, refusals=typed_hints(request, ordered.refusals))
    return Prepared(
        ordered, playbook, materials, platform, ledger, whole=not others if policy.alone else not policy.targets
    )


def _unfinished_note(request: Request) -> Problem:
    hint = f"`{request.command('adopt')}` keeps it"
    return Problem("an adoption ended before it kept what ran: a rollback could not undo this", hint=hint)


def _with_names(playbook: Playbook, kept: Sequence[Adopted]) -> Playbook:
    """The playbook with the names that objects keep. PlaybookInvalid where another object of it is called so."""
    names = names_of_adopted(kept)
    named = with_names(playbook, names)
    if names and (clashing := list(shared_names(named))):
        raise PlaybookInvalid(clashing)
    return named


def _moves(
    playbook: Playbook, desired: DesiredState, observed: ObservedState, materials: ExternalInputs, ledger: Ledger
) -> tuple[tuple[Adopted, ...], tuple[Problem, ...]]:
    """The records of what has another address now, and what is said of that."""
    moves = Moves(playbook, [revision.document for revision in ledger.revisions])
    objects = moved_objects(playbook, moves, desired, observed, ledger.adopted)
    targets, files = moved_files(desired, moves, observed, materials, (*ledger.adopted, *objects))
    renewed = {(file.kind, file.id) for file in files}
    kept = tuple(adopted for adopted in objects if (adopted.kind, adopted.id) not in renewed)
    return (*kept, *files), (*move_notes(playbook, objects), *file_notes(targets))


def _pinned(ordered: Plan, engine: EngineReader) -> Plan:
    """The plan with what the registries have now under the names that it takes from them."""
    known = taken_from_registries(ordered)
    unknown = sorted(reference for reference, digest in known.items() if not digest)
    with ThreadPoolExecutor(max_workers=_ASKED_AT_ONCE) as pool:
        answers = dict(zip(unknown, pool.map(engine.distribution, unknown), strict=True))
    pins = {reference: pin for reference, digest in known.items() if (pin := digest or answers.get(reference))}
    return replace(ordered, pins=pins) if pins else ordered


def _exposed(ordered: Plan, policy: Policy) -> Plan:
    """The plan with what is to be said of an engine that is reached unencrypted over a network."""
    where = ordered.observed.facts.exposed_at
    if not where:
        return ordered
    from provisioner.reconcile.exposure import sent_secrets

    note = Problem(
        f"the engine at {where} is reached over plain TCP: whoever is on the way can read and change everything, and "
        "whoever reaches that port is root there",
        hint="use ssh://, or TLS (DOCKER_TLS_VERIFY)",
    )
    sent = () if policy.insecure_transport else sent_secrets(ordered)
    refusals = tuple(
        Problem(
            f"its value would go unencrypted over the network to {where}",
            path=str(address),
            hint="use ssh:// or TLS; --insecure-transport sends it all the same",
        )
        for address in sent
    )
    return replace(
        ordered,
        notes=(*ordered.notes, note),
        refusals=(*ordered.refusals, *refusals),
        steps=() if refusals else ordered.steps,
    )


def _good_before(ledger: Ledger, previous: Revision | None) -> Revision | None:
    """What a rollback would go to instead of `previous`, where the checks of that failed."""
    if previous is None or ledger.is_good(previous):
        return None
    earlier = (revision for revision in reversed(ledger.revisions) if revision.number < previous.number)
    return next((revision for revision in earlier if ledger.is_good(revision)), None)


def _holders(
    engine: EngineReader, kinds: Collection[ClaimKind], freed: Collection[str], project: str
) -> tuple[Holder, ...]:
    """Who holds exclusive things on the engine, as far as a plan takes some anew; `freed` let go of them before.

    With a `project` _CameMeanwhile where a list of everything has an object of it that its own list has not.
    """
    containers = engine.containers() if _lists_containers(kinds) else ()
    networks = engine.list("network", {}) if ClaimKind.SUBNET in kinds else ()
    for kind, everything in (("container", containers), ("network", networks)) if project else ():
        own = {raw["Id"] for raw in everything if (raw.get("Labels") or {}).get(PROJECT) == project}
        if own and not own.issubset(raw["Id"] for raw in engine.list(kind, {PROJECT: project})):
            raise _CameMeanwhile
    listed = listed_holders(containers, networks)
    bound = engine.bound_ports() if ClaimKind.PORT in kinds else None
    return (*(holder for holder in listed if holder.id not in freed), *process_holders(bound or (), listed))


def _lists_containers(kinds: Collection[ClaimKind]) -> bool:
    """Whether a plan asks for all containers of the engine, as others may hold what it takes."""
    return bool({ClaimKind.PORT, ClaimKind.ADDRESS, ClaimKind.NAME} & set(kinds))


def _writable(playbook: Playbook) -> Iterator[Problem]:
    """The files of the playbook that everybody on this machine can write."""
    for file in playbook.files:
        path = Path(playbook.directory, file)
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & 0o002:
            text = "everybody on this machine can write it, and what it says is done with your rights"
            yield Problem(text, Span(file), hint=f"chmod o-w {file}")


def _pending_notes(others: Sequence[Change]) -> tuple[Problem, ...]:
    """What is said of changes that are left alone."""
    if not others:
        return ()
    names = [str(change.address) for change in others[:_MOST_NAMED]]
    names += [f"{len(others) - _MOST_NAMED} more"] if len(others) > _MOST_NAMED else []
    count = "1 other change is" if len(others) == 1 else f"{len(others)} other changes are"
    return (Problem(f"{count} pending, and not touched: {', '.join(names)}", hint="provision plan shows them"),)
