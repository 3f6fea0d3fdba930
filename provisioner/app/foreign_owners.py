"""Whose is what stands in the way of this environment: the ledgers of others say it, and no label. Reads only."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.kinds.tool_labels import COMPOSE_FILES, COMPOSE_PROJECT
from provisioner.ledger.adoptions import learn_of_others
from provisioner.ledger.labels import LEDGER
from provisioner.model.span import Problem
from provisioner.reconcile.adoption import former_owner, labels_of
from provisioner.reconcile.foreign_objects import ADOPT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provisioner.app.request import Request
    from provisioner.model.edges import EngineJson
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import ObservedState
    from provisioner.ports import EngineReader


def learn_owners(engine: EngineReader, project: str, observed: ObservedState) -> bool:
    """Read the ledgers of others where objects stand in the way that seem to be adoptable. Whether one of these belongs
    to another environment: the engine's view shows it from now on, so that it is to be observed again."""
    free = {(foreign.kind, foreign.id) for foreign in observed.foreign if foreign.adoptable}
    if not free:
        return False
    manager = observed.facts.swarm_manager
    kept = engine.list("config", {}) if manager else ()
    return bool(free & learn_of_others(engine, project, (*engine.containers(), *kept), manager=manager).keys())


def typed_hints(request: Request, refusals: Sequence[Problem]) -> tuple[Problem, ...]:
    """The refusals, whose advice to adopt names this very environment."""
    whole = f"`{request.command('adopt')}`"
    return tuple(
        replace(refusal, hint=refusal.hint.replace(f"`{ADOPT}`", whole)) if refusal.hint else refusal
        for refusal in refusals
    )


def elsewhere_notes(request: Request, playbook: Playbook, listed: Sequence[EngineJson]) -> Iterator[Problem]:
    """The Compose projects of other names that run from these very files; `listed` are all containers, as the engine
    lists them. Those that an environment has already are left out."""
    known = {labels_of(raw).get(LEDGER) for raw in listed}
    own = {os.path.normpath(Path(playbook.directory, file)) for file in playbook.files}
    projects = {
        labels_of(raw)[COMPOSE_PROJECT]
        for raw in listed
        if former_owner(labels_of(raw)).kind == "Compose project"
        and own & {*labels_of(raw).get(COMPOSE_FILES, "").split(",")}
    }
    for name in sorted(projects - known - {playbook.project}):
        yield Problem(
            f"the Compose project {name} runs from this file",
            hint=f"`{request.command('adopt', project=name)}` takes it over as it is",
        )
