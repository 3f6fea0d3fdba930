"""Volumes that `docker compose down` left of the very same project: an apply takes them over by itself. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.ledger.adoptions import learn_of_others
from provisioner.model.span import Problem
from provisioner.reconcile.adoption import Candidate, Evidence, adoption, is_left_by_compose, labels_of, users_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.adoption import Adopted
    from provisioner.model.state import DesiredState, ObservedState
    from provisioner.ports import EngineReader


def left_volumes(engine: EngineReader, desired: DesiredState, observed: ObservedState) -> tuple[Adopted, ...]:
    """The declared volumes that are there with Compose's labels of this project and key, and that neither a container
    nor another environment has."""
    standing = [desired.resources[foreign.address] for foreign in observed.foreign if foreign.kind == "volume"]
    raws = [(resource, engine.inspect("volume", resource.name)) for resource in standing]
    left = [
        Candidate(resource, raw)
        for resource, raw in raws
        if raw is not None and is_left_by_compose(resource, labels_of(raw), desired.project)
    ]
    if not left:
        return ()
    listed, manager = engine.containers(), observed.facts.swarm_manager
    kept = engine.list("config", {}) if manager else ()
    others = learn_of_others(engine, desired.project, (*listed, *kept), manager=manager)
    free = [
        candidate
        for candidate in left
        if not users_of("volume", candidate.name, listed) and ("volume", candidate.id) not in others
    ]
    return tuple(adoption(candidate, desired.project, Evidence(), observed.facts) for candidate in free)


def left_volume_notes(volumes: Sequence[Adopted]) -> list[Problem]:
    """What a plan says of them."""
    return [
        Problem(
            f"the volume {volume.name} of {volume.former}, which nothing uses, is taken over with its data",
            path=volume.address,
        )
        for volume in volumes
    ]
