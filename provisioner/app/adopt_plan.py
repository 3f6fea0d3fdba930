"""What `adopt` would take over: a look at the engine, and the plan of the apply after it. Reads only."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from provisioner.app.adopt_anew import adopted_otherwise, resolved_differences, still_otherwise
from provisioner.app.adopt_candidates import Search, search, unknown_projects
from provisioner.app.adopt_evidence import adopt_images, look_inside
from provisioner.app.adopt_proof import Lists, lists, standing
from provisioner.app.adopted_names import has_own_name, names_of_adopted, with_names
from provisioner.app.external_inputs import collect_inputs
from provisioner.app.foreign_owners import elsewhere_notes
from provisioner.app.plan import prepare
from provisioner.app.platform import choose_platform
from provisioner.app.prepared import Lowered
from provisioner.errors import UsageError
from provisioner.ledger.adoptions import as_if_adopted, learn_of_others
from provisioner.ledger.records import read_ledger
from provisioner.model.address import Address
from provisioner.model.adoption import (
    AS_IT_IS,
    NOT_FOUND,
    OWNED,
    REFUSED,
    RENAMING,
    WITH_CHANGES,
    AdoptionPlan,
    AdoptionRow,
)
from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Policy
from provisioner.model.span import Problem
from provisioner.reconcile.adoption import adoption, with_what_runs
from provisioner.reconcile.one_look import OneLook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioner.app.external_inputs import ExternalInputs
    from provisioner.app.platform import Platform
    from provisioner.app.prepared import Prepared
    from provisioner.app.request import Request
    from provisioner.model.adoption import Adopted
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import ObservedState
    from provisioner.platforms.lowering import InputVersions
    from provisioner.ports import EngineReader
    from provisioner.reconcile.adoption import Candidate


@dataclass(frozen=True, slots=True)
class AdoptionChoice:
    """What the user asked for. `maps` are names on the engine by address, `forced` the projects, stacks and names of
    others whose objects may be taken; `lock_timeout` in seconds. `asks`: whether a person reads the plan first."""

    targets: tuple[Address, ...] = ()
    asks: bool = True
    maps: Mapping[Address, str] = field(default_factory=dict)
    forced: frozenset[str] = frozenset()
    lock_timeout: float = 0.0


@dataclass(frozen=True, slots=True)
class AdoptedState:
    """What is kept as a revision: the playbook of what is there, and what was seen with it. `still` does not run."""

    playbook: Playbook
    inputs: InputVersions
    observed: ObservedState
    still: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class PreparedAdoption:
    """`prepared` is the plan of an apply after the adoption; `candidates` and `listed` are what was seen before it, and
    `state` is what is kept as the revision to go back to, None where there is none."""

    plan: AdoptionPlan
    prepared: Prepared
    candidates: tuple[Candidate, ...]
    listed: Lists
    state: AdoptedState | None = None


def plan_adoption(
    request: Request, playbook: Playbook, engine: EngineReader, choice: AdoptionChoice
) -> PreparedAdoption:
    """Find what runs under the names of the playbook, and compare it with what is declared.

    UsageError for a map to what is not declared, ProvisionError for one to what is not there.
    """
    engine = OneLook(engine)
    facts = engine.facts()
    ledger = read_ledger(engine, playbook.project, manager=facts.swarm_manager)
    # Before anything is inspected: what changes meanwhile has changed since then.
    listed = lists(engine)
    learn_of_others(engine, playbook.project, listed.objects.values(), manager=facts.swarm_manager)
    names = _mapped_names(playbook, choice.maps)
    platform = choose_platform(playbook, engine)
    services = {a: name for a, name in choice.maps.items() if platform.names_services and a.kind == "service"}
    playbook = with_names(playbook, {**names_of_adopted(ledger.adopted), **names, **services})
    planned = _planned(request, playbook, engine, choice, platform, ledger.adopted)
    searched, prepared, adopts = planned.searched, planned.prepared, planned.adopts
    state = _state(planned.view(engine), planned, listed)
    shown = AdoptionPlan(
        title=playbook.title,
        facts=prepared.plan.observed.facts,
        rows=tuple(_rows(planned)),
        adopts=adopts,
        renames={candidate.id: candidate.resource.name for candidate in searched.candidates if _is_renamed(candidate)},
        notes=(*searched.notes, *_of_others(request, searched, playbook, listed, choice),
               *_names_to_write(playbook, names), *_later(prepared),
               *still_otherwise(request, prepared, {(each.kind, each.id) for each in adopts}),
               *([state] if isinstance(state, Problem) else [])),
        refusals=searched.refusals,
        finishes=isinstance(state, AdoptedState) and not adopts,
    )  # fmt: skip
    return PreparedAdoption(shown, prepared, searched.candidates, listed, None if isinstance(state, Problem) else state)


@dataclass(frozen=True, slots=True)
class _Planned:
    """What was found, the plan of the apply after it is adopted, and the records that are kept. `settled` are the paths
    in which what was adopted before differs no longer."""

    searched: Search
    prepared: Prepared
    adopts: tuple[Adopted, ...]
    settled: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)

    def view(self, engine: EngineReader) -> EngineReader:
        """The engine as it would be after the adoption."""
        return _view(engine, self.prepared.playbook, self.adopts, self.searched.candidates)


def _planned(
    request: Request,
    playbook: Playbook,
    engine: EngineReader,
    choice: AdoptionChoice,
    platform: Platform,
    known: Sequence[Adopted],
) -> _Planned:
    """Look for everything, and plan with what was found; once more where something was adopted with another file."""
    materials = collect_inputs(request, playbook, engine, platform)
    desired = platform.lower(playbook, materials.inputs)
    searched = search(engine, playbook, desired, choice.maps, choice.forced, known, narrowed=bool(choice.targets))

    def plan_with(candidates: Sequence[Candidate], materials: ExternalInputs) -> tuple[Prepared, list[Adopted]]:
        evidence = {candidate.id: look_inside(engine, candidate, materials, playbook) for candidate in candidates}
        adopts = [
            adoption(candidate, playbook.project, evidence[candidate.id], engine.facts()) for candidate in candidates
        ]
        adopts += adopt_images(engine, desired, searched.candidates)
        view = _view(engine, playbook, adopts, candidates)
        policy = Policy(targets=choice.targets)
        prepared = prepare(request, playbook, view, policy, lambda *_: materials, lowered=Lowered(playbook, desired))
        return prepared, adopts

    prepared, adopts = plan_with(searched.candidates, materials)
    paths: Mapping[Address, tuple[str, ...]] = {}
    if anew := adopted_otherwise(prepared, searched.owned):
        # Values that the engine is known to have are not read otherwise, and here they are compared.
        read = {declaration.key for declaration in materials.declarations}
        again = collect_inputs(request, playbook, engine, platform, read=read)
        tried, records = plan_with((*searched.candidates, *anew), again)
        paths, taken = resolved_differences(anew, prepared, tried)
        if taken:
            candidates = (*searched.candidates, *taken)
            prepared, adopts = (tried, records) if taken == anew else plan_with(candidates, again)
            left = tuple(candidate for candidate in searched.owned if candidate.resource.address not in paths)
            wanted = (*searched.wanted, *(candidate.resource for candidate in taken))
            searched = replace(searched, candidates=candidates, owned=left, wanted=wanted)
    differences = {str(change.address): change.differences for change in prepared.plan.details}
    kept = tuple(with_what_runs(adopted, differences.get(adopted.address, ())) for adopted in adopts)
    return _Planned(searched, prepared, kept, paths)


def _view(
    engine: EngineReader, playbook: Playbook, adopts: Sequence[Adopted], candidates: Sequence[Candidate]
) -> EngineReader:
    known = [candidate.record for candidate in candidates if candidate.record is not None]
    return as_if_adopted(engine, playbook.project, adopts, known)


def _state(view: EngineReader, planned: _Planned, listed: Lists) -> AdoptedState | Problem | None:
    """What is kept as the revision to go back to; what is the file's own needs no further look."""
    searched, prepared, adopts = planned.searched, planned.prepared, planned.adopts
    if searched.refusals or not prepared.whole or not (adopts or _lacks_revision(prepared, view, listed)):
        return None
    if not prepared.plan.changes and not prepared.plan.refusals:
        return AdoptedState(prepared.playbook, prepared.materials.inputs, prepared.plan.observed)
    from provisioner.app.adopted_state import adopted_state

    adoptable = {candidate.resource.address for candidate in searched.candidates}
    missing = [resource for resource in searched.wanted if resource.address not in adoptable]
    return adopted_state(view, prepared, (*searched.candidates, *searched.owned), missing, adopts)


def _lacks_revision(prepared: Prepared, view: EngineReader, listed: Lists) -> bool:
    """Whether an adoption ended before it kept its revision, and all that it adopted is still there."""
    known = [adopted for adopted in prepared.ledger.adopted if adopted.kind != RENAMING]
    return prepared.ledger.lacks_revision and len(standing(view, known, listed)) == len(known)


def _of_others(
    request: Request, searched: Search, playbook: Playbook, listed: Lists, choice: AdoptionChoice
) -> Iterator[Problem]:
    """What is said of projects that are not found by the names of this playbook."""
    yield from unknown_projects(choice.forced, listed.objects.values())
    if not any(
        resource.kind == "container" for resource in (each.resource for each in (*searched.owned, *searched.candidates))
    ):
        yield from elsewhere_notes(request, playbook, listed.containers)


def _is_renamed(candidate: Candidate) -> bool:
    return candidate.resource.kind == "container" and candidate.name != candidate.resource.name


def _mapped_names(playbook: Playbook, maps: Mapping[Address, str]) -> dict[Address, str]:
    """The names that mapped networks and volumes keep. UsageError where the file says another one."""
    names = {}
    for address, name in maps.items():
        declared = {"network": playbook.networks, "volume": playbook.volumes}.get(address.kind, {}).get(address.name)
        if declared is None:
            continue
        if declared.external:
            raise UsageError(
                f"--map {address}={name}: the file calls it external, so it is not this environment's",
                hint="leave it as it is: external objects are used and never removed, and need no adoption",
            )
        if has_own_name(playbook, declared) and declared.name != name:
            raise UsageError(
                f"--map {address}={name}: the file names it {declared.name}", hint=f"write `name: {name}` in the file"
            )
        names[address] = name
    return names


def _names_to_write(playbook: Playbook, names: Mapping[Address, str]) -> list[Problem]:
    return [
        Problem(
            f"keeps its name on the engine, {name}; the ledger remembers it",
            path=str(address),
            hint=f"write `name: {name}` under {address.kind}s.{address.name}, so that the file says it too",
        )
        for address, name in names.items()
        if name != f"{playbook.project}_{address.name}"
    ]


def _later(prepared: Prepared) -> list[Problem]:
    """What would keep the next apply from being carried out; it does not keep anything from being adopted."""
    standing = {str(foreign.address) for foreign in prepared.plan.observed.foreign}
    return [
        replace(problem, message=f"the next apply would be refused: {problem.message}")
        for problem in prepared.plan.refusals
        if problem.path not in standing
    ]


def _rows(planned: _Planned) -> list[AdoptionRow]:
    searched, adopts = planned.searched, planned.adopts
    changes = {change.address: change for change in planned.prepared.plan.details}
    records = {adopted.address: adopted for adopted in adopts}
    candidates = {candidate.resource.address: candidate for candidate in searched.candidates}
    refused = {problem.path for problem in searched.refusals}
    rows = []
    for resource in searched.wanted:
        address = resource.address
        change = changes.get(address)
        if address in candidates:
            candidate, record = candidates[address], records[str(address)]
            same = change is None or change.action is Action.UNCHANGED
            becomes = record.name if _is_renamed(candidate) else ""
            rows.append(
                AdoptionRow(
                    address, AS_IT_IS if same else WITH_CHANGES, candidate.name, record.former, becomes,
                    None if same else change, tuple(record.form), planned.settled.get(address, ()),
                )
            )  # fmt: skip
        elif str(address) in refused:
            rows.append(AdoptionRow(address, REFUSED, resource.name))
        else:
            rows.append(AdoptionRow(address, NOT_FOUND, resource.name))
    for record in (adopted for adopted in adopts if adopted.kind == "image"):
        image = Address.parse(record.address)
        assert image is not None
        rows.append(AdoptionRow(image, AS_IT_IS, record.name, record.former, form=tuple(record.form)))
    rows += [AdoptionRow(candidate.resource.address, OWNED, candidate.resource.name) for candidate in searched.owned]
    return sorted(rows, key=lambda row: row.address)
